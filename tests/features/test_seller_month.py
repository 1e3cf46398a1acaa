"""Sums of the ledger over windows that end with business dates, against sums by hand."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from features.seller_month import first_needed, window_sums

pytestmark = pytest.mark.spark

START = date(2024, 1, 1)
MEASURES = {90: ("orders", "units"), 30: ("orders",)}


def ledger(seed: int) -> list[tuple[str, date, date, int, int]]:
    """Changes of half a year for three sellers; a tenth of them is known late."""
    chance = random.Random(seed)
    rows = []
    for _ in range(400):
        occurred = START + timedelta(days=chance.randrange(180))
        late = chance.choice([0] * 9 + [chance.randrange(120)])
        rows.append((
            chance.choice("abc"), occurred, occurred + timedelta(days=late),
            chance.randint(-2, 5), chance.randint(-2, 5),
        ))  # fmt: skip
    return rows


def by_hand(rows: list[tuple[str, date, date, int, int]], ds: date) -> dict[str, list[int]]:
    def total(seller: str, days: int, place: int) -> int:
        first = ds - timedelta(days=days - 1)
        return sum(
            row[place] for row in rows
            if row[0] == seller and first <= row[1] <= ds and row[2] <= ds
        )  # fmt: skip

    return {s: [total(s, 90, 3), total(s, 90, 4), total(s, 30, 3)] for s in "abc"}


@pytest.mark.parametrize("step_days", [0, 1, 11, 31, 100])
def test_windows_that_end_with_any_dates_equal_sums_by_hand(
    spark: SparkSession, step_days: int
) -> None:
    rows = ledger(step_days)
    first, last = START + timedelta(days=95), START + timedelta(days=230)
    dates = [first]
    while step_days and dates[-1] + timedelta(days=step_days) <= last:
        dates.append(dates[-1] + timedelta(days=step_days))
    needed = [r for r in rows if r[1] >= first_needed(dates) and r[2] <= dates[-1]]
    frame = spark.createDataFrame(
        needed, "seller_id string, occurred_ds date, known_ds date, orders bigint, units bigint"
    )
    found = {
        (row["seller_id"], row["ds"]): [row["orders_90d"], row["units_90d"], row["orders_30d"]]
        for row in window_sums(frame, ["seller_id"], MEASURES, dates).collect()
    }
    for ds in dates:
        for seller, sums in by_hand(rows, ds).items():
            assert found.get((seller, ds), [0, 0, 0]) == sums, (seller, ds)
