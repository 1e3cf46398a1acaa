"""When a figure is called out of the ordinary, and exact rounding."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.settings import load_alerts_policy
from features import exchange, usual

DS = date(2018, 6, 30)
STEADY = [100.0] * 8
CASES: dict[str, tuple[list[float | None], float, dict[str, Any], str | None]] = {
    # before, today, what else holds, the alert
    "far above": (STEADY, 160.0, {}, "good"),
    "far below": (STEADY, 50.0, {}, "bad"),
    "far above what should be low": (STEADY, 160.0, {"good": "down"}, "bad"),
    "chance alone moves a count of 100 so much": (STEADY, 125.0, {}, None),
    "one wild day among eight is no yardstick": ([*STEADY[:7], 900.0], 160.0, {}, "good"),
    "wild weekdays": ([50.0, 150.0, 60.0, 140.0, 70.0, 130.0, 40.0, 160.0], 190.0, {}, None),
    "immature": (STEADY, 160.0, {"mature": False}, None),
    "without a good direction": (STEADY, 160.0, {"may_alert": False}, None),
    "too few cases": ([20.0] * 8, 60.0, {}, None),
    "too little history": ([None, None, None, None, *STEADY[:4]], 160.0, {}, None),
    "just enough history": ([None, None, None, *STEADY[:5]], 160.0, {}, "good"),
    "significant but immaterial": ([1e6] * 8, 1.05e6, {}, None),
    "a share of few": ([0.1] * 8, 0.2, {"unit": "share", "ratio": True, "cases": 60}, None),
    "a share of many": ([0.1] * 8, 0.2, {"unit": "share", "ratio": True, "cases": 600}, "good"),
    "a share of hardly any": ([0.1] * 8, 0.9, {"unit": "share", "ratio": True, "cases": 9}, None),
    "a share that never was": (
        [0.0] * 8, 0.1, {"unit": "share", "ratio": True, "cases": 600}, "good"
    ),
}  # fmt: skip


def test_alerts(spark: SparkSession) -> None:
    policy = load_alerts_policy()
    rows = []
    for name, (before, today, given, _) in CASES.items():
        for week, value in enumerate([today, *reversed(before)]):
            row = {"unit": "count", "ratio": False, "cases": int(value or 0), "good": "up",
                   "mature": True, "may_alert": True, **given}  # fmt: skip
            rows.append(
                (name, DS - timedelta(days=7 * week), value, value is not None, *row.values())
            )
    schema = ("name string, ds date, value double, serves boolean, unit string, ratio boolean, "
              "cases bigint, good string, mature boolean, may_alert boolean")  # fmt: skip
    figures = usual.with_usual(spark.createDataFrame(rows, schema), ["name"], policy)
    judged = figures.withColumn("deviation", usual.deviation(policy)).where(
        F.col("ds") == F.lit(DS)
    )
    found = judged.select("name", usual.alert(policy).alias("alert")).collect()
    assert {row["name"]: row["alert"] for row in found} == {k: v[3] for k, v in CASES.items()}


@pytest.mark.parametrize("denominator", [2, 7, 10**8])
def test_half_even_is_exact(spark: SparkSession, denominator: int) -> None:
    numerators = [0, 1, -1, 3, 5, -5, 7, 10**8 // 2, 3 * 10**8 // 2, 10**25 + 1, -(10**25) - 1]
    fitting = [n for n in numerators if abs(n) // denominator < 2**63]
    frame = spark.createDataFrame([(Decimal(n),) for n in fitting], "n decimal(38,0)")
    quotient = exchange.half_even(F.col("n"), F.lit(denominator).cast("decimal(24,0)"))
    exact = [int((Decimal(n) / denominator).quantize(Decimal(1), ROUND_HALF_EVEN)) for n in fitting]
    assert [row[0] for row in frame.select(quotient).collect()] == exact
