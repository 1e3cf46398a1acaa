"""Snapshots and labels against an oracle written from the contract alone: every cell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.seller_features import SELLER_FEATURES
from conf.settings import Settings, load_labels_policy
from conf.tables import bronze, features, meta, silver
from features import seller_label, seller_month
from jobs.errors import UsageError
from jobs.featurize import seller_snapshots
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.refine import seller_days
from jobs.report import explain_feature
from jobs.window import Window
from tests.support import aftermath, histories, oracle_features
from tests.support.histories import to_bronze_rows
from tests.support.lakes import land

pytestmark = pytest.mark.spark

NAMES = [feature.name for feature in SELLER_FEATURES]
Cells = dict[tuple[date, str], dict[str, Any]]


def cells(rows: list[Any]) -> Cells:
    return {(row["ds"], row["seller_id"]): {name: row[name] for name in NAMES} for row in rows}


def assert_equal(found: Cells, expected: Cells) -> None:
    assert found.keys() == expected.keys()
    for key, columns in expected.items():
        for name, value in columns.items():
            if isinstance(value, float):
                assert found[key][name] == pytest.approx(value, rel=1e-12, abs=0), (key, name)
            else:
                assert found[key][name] == value, (key, name)


MORE = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(6, 12)]


@pytest.mark.parametrize("seed", [4, *MORE])
def test_every_cell_equals_the_oracle_in_one_pass_and_day_by_day(
    make_lake: Callable[..., Lake],
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    """And what stands behind a cell can be asked for."""
    facts, zone = histories.random_history(seed), histories.setting_of(seed)[0]
    dates = sorted(aftermath.snapshot_days(seed))
    lake = make_lake(zone)
    land(lake, facts)
    seller_days.run(lake, settings, Window(dates[0], dates[-1]))
    ledger = lake.read(silver.SELLER_DAYS).where(f"known_ds <= DATE'{dates[-1]}'")
    sums = lake.settle(seller_month.sums_of(ledger, dates))
    found = cells(seller_snapshots.snapshots(lake, sums, dates).collect())
    expected = {
        (ds, seller): columns
        for ds in dates
        for seller, columns in oracle_features.snapshots(facts, zone, ds).items()
    }
    assert expected
    assert_equal(found, expected)
    ds = dates[7]
    seller_snapshots.run(lake, settings, Window.day(ds))
    day = lake.read(features.SELLER_SNAPSHOTS).where(f"ds = DATE'{ds}'").collect()
    assert cells(day) == {key: value for key, value in found.items() if key[0] == ds}
    unknown = len(oracle_features.unknown_sellers(facts, zone, ds))
    told = lake.read(meta.DATA_QUALITY).where(f"ds = DATE'{ds}'").collect()
    assert [row["rows"] for row in told if row["check"] == seller_snapshots.UNKNOWN] == (
        [unknown] if unknown else []
    )
    seller = day[0]["seller_id"]
    explain_feature.run(lake, settings, Window.day(ds), seller=seller, name="cancellation_rate")
    said = capsys.readouterr().out
    assert f"cancellation_rate of {seller} at the end of {ds}" in said
    assert "order_events:" in said
    with pytest.raises(UsageError, match="no snapshot"):
        explain_feature.run(lake, settings, Window.day(ds), seller="nobody", name="asp")


@pytest.mark.parametrize("seed", [1, 4])
def test_labels_equal_the_oracle_whenever_they_are_asked(spark: SparkSession, seed: int) -> None:
    facts, zone = aftermath.history_with_aftermath(seed), histories.setting_of(seed)[0]
    table, policy = bronze.ENFORCEMENT_ACTIONS, load_labels_policy()
    rows = to_bronze_rows(facts, table.name)
    values = [tuple(row[name] for name in table.column_names) for row in rows]
    actions = spark.createDataFrame(values, struct_of(table)).cache()
    ds = histories.days_of(seed)[9]
    sellers = sorted(oracle_features.snapshots(facts, zone, ds))
    snapshots = spark.createDataFrame([(ds, s) for s in sellers], "ds date, seller_id string")
    for asked in aftermath.asked_days(seed, ds):
        known = actions.where(f"ds <= DATE'{asked}'")
        found = seller_label.labels(snapshots, known, asked, policy, zone).collect()
        assert {
            row["seller_id"]: (row["high_risk_60d"], row["label_available_on"], row["label_state"])
            for row in found
        } == oracle_features.labels(facts, zone, ds, asked), asked
