"""Drift against a frozen reference: the index by hand, missing shares, what was not there."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import features, reports
from jobs.errors import ContractBroken
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.report import data_drift
from jobs.window import Window

pytestmark = pytest.mark.spark

BEFORE, NOW = date(2026, 3, 31), date(2026, 6, 30)


def publish(lake: Lake, ds: date, rows: list[dict[str, Any]]) -> None:
    table = features.SELLER_SNAPSHOTS
    values = [
        tuple({"ds": ds, "seller_id": f"s{n}", **row}.get(name) for name in table.column_names)
        for n, row in enumerate(rows)
    ]
    lake.replace_ds(table, lake.spark.createDataFrame(values, struct_of(table)), [ds])


def test_drift_is_the_index_over_tenths_of_the_reference(
    make_lake: Callable[..., Lake], settings: Settings
) -> None:
    """Half of the sellers move from the lower half of ratings to the top; a category appears."""
    lake = make_lake()
    before = [{"avg_rating": 1 + n / 25, "marketplace": "DE"} for n in range(100)]
    now = [{"avg_rating": max(row["avg_rating"], 4.99), "marketplace": "DE"} for row in before[:50]]
    now += [{**row, "marketplace": "US"} for row in before[50:]] + [{"marketplace": "DE"}] * 25
    publish(lake, BEFORE, before)
    publish(lake, NOW, now)
    data_drift.run(lake, settings, Window.day(NOW))
    assert lake.read(reports.FEATURE_DRIFT).isEmpty()
    data_drift.run(lake, settings, Window.day(BEFORE), freeze=True)
    data_drift.run(lake, settings, Window.day(NOW))
    rows = lake.read(reports.FEATURE_DRIFT).where(F.col("ds") == F.lit(NOW)).collect()
    found = {row["feature"]: row for row in rows}
    rating = found["avg_rating"]
    shares = [(1e-4, 0.1)] * 5 + [(0.1, 0.1)] * 4 + [(0.6, 0.1)]
    by_hand = sum((p - q) * math.log(p / q) for p, q in shares)
    assert rating["psi"] == pytest.approx(by_hand, rel=1e-9)
    assert (rating["missing_share"], rating["reference_missing_share"]) == (0.2, 0.0)
    assert (rating["rows"], rating["reference_rows"]) == (125, 100)
    assert found["marketplace"]["psi"] > 1
    assert found["asp"]["psi"] is None
    same = lake.read(reports.FEATURE_DRIFT).where(F.col("ds") == F.lit(BEFORE)).collect()
    assert {row["psi"] for row in same} == {0.0, None}


def test_a_day_without_snapshots_cannot_be_frozen(
    make_lake: Callable[..., Lake], settings: Settings
) -> None:
    with pytest.raises(ContractBroken, match=r"features/seller_snapshots has no rows"):
        data_drift.run(make_lake(), settings, Window.day(NOW), freeze=True)
