"""Snapshots and labels against an oracle written from the contract alone: every cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from conf.settings import Settings, load_labels_policy
from conf.tables import bronze, features, meta
from features import seller_label
from jobs.errors import UsageError
from jobs.featurize import seller_snapshots
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.report import explain_feature
from jobs.window import Window
from tests.jobs.featurize.cells import assert_equal, cells, of_oracle
from tests.support import aftermath, histories, late, oracle_features
from tests.support.histories import to_bronze_rows
from tests.support.refined import Refined, crashing

pytestmark = pytest.mark.spark


@pytest.fixture
def on_partitions(spark: SparkSession) -> Iterator[Callable[[int], None]]:
    """Sets on how many partitions rows are shuffled, small as they are."""
    settings = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.coalescePartitions.enabled")
    before = {name: spark.conf.get(name) for name in settings}

    def use(partitions: int) -> None:
        for name, value in zip(settings, (str(partitions), "false"), strict=True):
            spark.conf.set(name, value)

    yield use
    for name, value in before.items():
        spark.conf.set(name, value)


def test_every_cell_equals_the_oracle_in_one_pass_and_alone(
    at_once: Refined, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what stands behind a cell can be asked for."""
    lake, facts, zone = at_once.lake, at_once.facts, at_once.zone
    dates = sorted(aftermath.snapshot_days(at_once.days))
    found = cells(snapshots_in_one_pass(lake, dates))
    assert_equal(found, of_oracle(facts, zone, dates))
    ds = dates[9]
    seller_snapshots.run(lake, settings, Window.day(ds))
    day = published(lake, [ds])
    assert cells(day) == {key: value for key, value in found.items() if key[0] == ds}
    assert_unknown_sellers_are_told_once(at_once, ds)
    seller = day[0]["seller_id"]
    explain_feature.run(lake, settings, Window.day(ds), seller=seller, name="cancellation_rate")
    said = capsys.readouterr().out
    assert f"cancellation_rate of {seller} at the end of {ds}" in said
    assert "order_events:" in said
    with pytest.raises(UsageError, match="no snapshot"):
        explain_feature.run(lake, settings, Window.day(ds), seller="nobody", name="asp")


def test_rows_are_the_same_on_1_3_and_16_partitions(
    at_once: Refined, on_partitions: Callable[[int], None]
) -> None:
    hashes = set()
    for partitions in (1, 3, 16):
        on_partitions(partitions)
        rows = snapshots_in_one_pass(at_once.lake, at_once.days[9:11])
        assert rows
        hashes.add(sha256("".join(sorted(map(repr, rows))).encode()).hexdigest())
    assert len(hashes) == 1


def test_a_day_is_the_same_alone_in_a_range_after_a_crash_and_with_all_later_rows(
    as_it_came: Refined, settings: Settings
) -> None:
    """A row that comes late, and its retraction, change the days on which they are known, by
    exactly what the oracle says, and no other."""
    lake, days, late_row = as_it_came.lake, as_it_came.days[8:], as_it_came.late
    assert late_row is not None
    alone = [days[1], late_row.known, late_row.until]
    for ds in alone:
        seller_snapshots.run(lake, settings, Window.day(ds))
    one_by_one = cells(published(lake, alone))
    whole = Window(days[0], days[-1])
    crashing(1, lambda: seller_snapshots.run(lake, settings, whole))
    seller_snapshots.run(lake, settings, whole)
    found = cells(published(lake, days))
    assert cells(as_it_came.early) == {k: v for k, v in found.items() if k[0] == days[0]}
    assert one_by_one == {key: value for key, value in found.items() if key[0] in alone}
    assert_equal(found, of_oracle(as_it_came.facts, as_it_came.zone, days))
    assert_unknown_sellers_are_told_once(as_it_came, days[2])
    never = of_oracle(late.without(as_it_came.facts), as_it_came.zone, days)
    changed = {key for key, columns in never.items() if rate_of(found[key]) != rate_of(columns)}
    known = [ds for ds in days if late_row.known <= ds < late_row.until]
    assert len(known) == 2
    assert changed == {(ds, late_row.seller_id) for ds in known}
    assert_equal(
        {key: value for key, value in found.items() if key not in changed},
        {key: value for key, value in never.items() if key not in changed},
    )


def snapshots_in_one_pass(lake: Lake, dates: list[date]) -> list[Row]:
    settled = seller_snapshots.settled(lake, dates)
    return seller_snapshots.snapshots(lake, *settled, dates).collect()


def published(lake: Lake, dates: list[date]) -> list[Row]:
    return lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds").isin(dates)).collect()


def assert_unknown_sellers_are_told_once(refined: Refined, ds: date) -> None:
    unknown = len(oracle_features.unknown_sellers(refined.facts, refined.zone, ds))
    told = refined.lake.read(meta.DATA_QUALITY).where(f"ds = DATE'{ds}'").collect()
    assert [row["rows"] for row in told if row["check"] == seller_snapshots.UNKNOWN] == (
        [unknown] if unknown else []
    )


def rate_of(columns: dict[str, Any]) -> Any:
    return columns["cancellation_rate"]


@pytest.mark.parametrize("seed", [1, 2])
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
