"""Point-in-time arithmetic on rows made by hand; `tests/jobs/refine` proves it on histories."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features import asof

pytestmark = pytest.mark.spark

FIRST = date(2026, 3, 1)
ROW = (
    "thing string, event_id string, ds date, known_at timestamp, occurred_at timestamp, "
    "retracted boolean, source_file string, source_line int, event string"
)


def rows(spark: SparkSession, things: int, number: int) -> DataFrame:
    """Versions of things, many of one row alone, with retractions and repeated event_ids."""
    chance = random.Random(5)

    def row(line: int) -> tuple[object, ...]:
        day = FIRST + timedelta(days=chance.randrange(9))
        at = datetime(day.year, day.month, day.day, chance.randrange(24))
        ids = (f"t{chance.randrange(things)}", f"e{chance.randrange(number)}")
        event = chance.choice(("shipped", "delivered"))
        return (*ids, day, at, at, chance.random() < 0.1, "a", line, event)

    return spark.createDataFrame([row(line) for line in range(number)], ROW)


def as_text(frame: DataFrame) -> list[str]:
    return sorted(str(sorted(row.asDict().items())) for row in frame.collect())


def test_keys_with_one_row_are_spared_the_sort_and_no_version_changes(spark: SparkSession) -> None:
    landed = rows(spark, things=150, number=200)
    several = asof.in_several_rows(landed, ["thing"])
    assert 0 < several.count() < 100
    assert as_text(asof.versions(landed, ["thing"], several)) == as_text(
        asof.versions(landed, ["thing"])
    )


def test_what_is_not_counted_turns_no_day(spark: SparkSession) -> None:
    versions = asof.versions(rows(spark, things=40, number=120), ["event_id"])
    counted = asof.counted(versions, ["thing", "event"], ["delivered"])
    turned = asof.turning_days(counted, ["thing"]).distinct()
    begun = versions.where("event = 'delivered'").select("thing", F.col("ds").alias("as_of"))
    ended = versions.where("event = 'delivered' and known_until is not null").select(
        "thing", F.col("known_until").alias("as_of")
    )
    assert as_text(turned) == as_text(begun.union(ended).distinct())


def test_days_before_the_first_are_one_day_and_days_after_the_last_none(
    spark: SparkSession,
) -> None:
    days = [("a", date(2026, 2, 3)), ("a", date(2026, 2, 9)), ("a", date(2026, 3, 2)),
            ("a", date(2026, 3, 2)), ("a", date(2026, 3, 4)), ("b", date(2026, 3, 9))]  # fmt: skip
    turning = spark.createDataFrame(days, "thing string, as_of date")
    found = asof.subject_days([turning], ["thing"], date(2026, 3, 1), date(2026, 3, 3))
    assert {row["as_of"]: row["next_as_of"] for row in found.collect()} == {
        date(2026, 2, 28): date(2026, 3, 2),
        date(2026, 3, 2): None,
    }
    assert found.select("thing").distinct().collect() == [("a",)]
