"""Why a row of the daily report has no figure, no comparison, or one to be careful with."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from conf.metrics import Against, Source
from conf.settings import AlertsPolicy


def note(policy: AlertsPolicy) -> Column:
    """Sentences about a row, null when there is nothing to say."""
    said = F.concat_ws(" ", *_no_figure(), *_still_young(), *_no_comparison(policy))
    return F.nullif(said, F.lit(""))


def _no_figure() -> list[Column]:
    no_rate = F.col("lacking") > 0
    nothing = F.col("value").isNull() & ~no_rate
    oldest = F.date_sub("ds", F.col("reach_days"))
    cut = (F.col("against") == Against.WEEKDAYS.name) & (F.col("first_occurred") > oldest)
    return [
        F.when(no_rate, F.format_string(
            "Sales in a currency for which no rate to %s is known.", F.col("currency"))),
        F.when(nothing, F.lit("Nothing to measure.")),
        F.when(cut & ~nothing, F.format_string(
            "History begins on %s, within the days that this figure is about.",
            F.col("first_occurred").cast("string"))),
    ]  # fmt: skip


def _still_young() -> list[Column]:
    young = "Not mature: orders placed up to %s, and the figure takes %d days to settle."
    observed = F.col("observed_ds").cast("string")
    sentence = F.format_string(young, observed, F.col("maturity_days"))
    return [F.when(~F.col("mature"), sentence)]


def _no_comparison(policy: AlertsPolicy) -> list[Column]:
    missing = F.col("baseline").isNull() & F.col("value").isNotNull()
    against = F.col("against")
    weekdays = F.format_string(
        f"No comparison: %d of {policy.same_weekdays} same weekdays have a figure, at least "
        f"{policy.min_same_weekdays} are needed.", F.col("baseline_days"),
    )  # fmt: skip
    converted = (F.col("source") == Source.CONVERTED.name) & (F.col("prior_lacking") > 0)
    return [
        F.when(missing & (against == Against.WEEKDAYS.name), weekdays),
        F.when(missing & (against == Against.LAST_MONTH.name), F.when(converted, F.lit(
            "No comparison: last month has sales without a known rate."))
            .otherwise(F.lit("No comparison: history does not reach back to last month."))),
        F.when(missing & (against == Against.WEEK_BEFORE.name), F.lit(
            "No comparison: history does not reach back to the week before.")),
    ]  # fmt: skip
