"""What a figure usually is on that weekday, and whether today's is out of the ordinary.

The usual is the median of the same weekdays before, each as it stood at the end of its own day: a
figure is only compared with figures of the same age. The yardstick of a deviation is the robust
spread of those weekdays (1.4826 x median absolute deviation), but never less than what chance alone
moves a figure of that size, nor than a share of the usual: eight days alone can agree by accident.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.metrics import WEEK_DAYS, Unit
from conf.settings import AlertsPolicy

MAD_TO_SIGMA = 1.4826
"""The spread of a normal distribution over its median absolute deviation."""

STARS_SPREAD = 1.3
"""Standard deviation of one review's stars; of one order's value or time we take its mean."""


def with_usual(figures: DataFrame, keys: list[str], policy: AlertsPolicy) -> DataFrame:
    """Adds `usual`, `usual_spread`, `usual_cases` and `baseline_days` (same weekdays found).

    `figures` has every date of a key, with `value`, `cases` and `serves`: whether the date may
    stand for the usual. `usual` is null with fewer than min_same_weekdays of them.
    """
    weekday = F.datediff("ds", F.lit("1970-01-01").cast("date")) % WEEK_DAYS
    before = Window.partitionBy(*keys, weekday).orderBy("ds").rowsBetween(-policy.same_weekdays, -1)
    values = F.collect_list(F.when(F.col("serves"), F.col("value"))).over(before)
    cases = F.collect_list(F.when(F.col("serves"), F.col("cases").cast("double"))).over(before)
    found = figures.withColumns({"_values": values, "_cases": cases})
    enough = F.size("_values") >= policy.min_same_weekdays
    measured = found.withColumns(
        {
            "usual": F.when(enough, median(F.col("_values"))),
            "usual_cases": F.when(enough, median(F.col("_cases"))),
            "baseline_days": F.size("_values"),
        }
    )
    away = F.transform("_values", lambda value: F.abs(value - F.col("usual")))
    spread = F.when(enough, F.lit(MAD_TO_SIGMA) * median(away))
    return measured.withColumn("usual_spread", spread).drop("_values", "_cases")


def median(values: Column) -> Column:
    """The median of an array of doubles without nulls; null of an empty one."""
    ordered, size = F.array_sort(values), F.size(values)
    lower = F.get(ordered, F.floor((size - 1) / 2).cast("int"))
    upper = F.get(ordered, F.floor(size / 2).cast("int"))
    return F.when(size > 0, (lower + upper) / 2)


def deviation(policy: AlertsPolicy) -> Column:
    """Distance of `value` from `usual` in robust standard deviations; null without a usual."""
    least = F.abs("usual") * policy.min_scale_bp / 10_000
    scale = F.greatest(F.col("usual_spread"), least, chance())
    return F.when(scale > 0, (F.col("value") - F.col("usual")) / scale)


def chance() -> Column:
    """How much chance alone moves a figure that rests on so many cases (one sigma)."""
    size = F.greatest(
        F.when(F.col("ratio"), F.col("cases")).otherwise(F.col("usual_cases")), F.lit(1)
    )
    half_case = F.lit(0.5) / size
    share = F.greatest(F.least(F.col("usual"), F.lit(1.0) - half_case), half_case)
    unit = F.col("unit")
    return (
        F.when(unit == Unit.COUNT.value, F.sqrt(F.greatest("usual", F.lit(1.0))))
        .when(unit == Unit.SHARE.value, F.sqrt(share * (F.lit(1.0) - share) / size))
        .when(unit == Unit.STARS.value, F.lit(STARS_SPREAD) / F.sqrt(size))
        .otherwise(F.abs("usual") / F.sqrt(size))
    )


def alert(policy: AlertsPolicy) -> Column:
    """good, bad or null. Only a mature figure with a good direction that deviates, by an amount
    that matters, on enough cases; needs `deviation`, `mature`, `may_alert` and `good`."""
    away = F.col("value") - F.col("usual")
    matters = F.abs(away) * 10_000 >= _least_change(policy)
    cases = F.when(F.col("ratio"), F.col("cases")).otherwise(F.col("usual_cases"))
    called = (
        F.col("may_alert")
        & F.col("mature")
        & (F.abs("deviation") >= policy.min_deviation)
        & matters
        & (cases >= policy.min_cases)
    )
    welcome = (away > 0) == (F.col("good") == "up")
    return F.when(called, F.when(welcome, F.lit("good")).otherwise(F.lit("bad")))


def _least_change(policy: AlertsPolicy) -> Column:
    """In basis points of the usual, of shares in points."""
    by_unit = F.lit(None).cast("double")
    for unit in Unit:
        least = F.lit(policy.min_change_bp[unit.value])
        scale = F.lit(1.0) if unit is Unit.SHARE else F.abs("usual")
        by_unit = F.when(F.col("unit") == unit.value, least * scale).otherwise(by_unit)
    return by_unit
