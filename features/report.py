"""The rows of the daily report, for all dates of a range in one pass over the ledgers.

Every ledger row becomes a few spans of dates on which it counts for a metric; their running sums
are the figures. The figures of date D rest on rows with known_ds <= D only.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from conf.currencies import NO_CURRENCY
from conf.metrics import DAY_US, METRICS, WEEK_DAYS, Against, Metric, Month, Trailing, Unit
from conf.settings import AlertsPolicy
from features import exchange, figures, notes, spans, usual
from features.figures import ALL, AMOUNTS, KEYS, Ledgers

ORDERS_KEY = ("orders", NO_CURRENCY)
"""Metric and currency of the orders in a series."""

MEASURED = ("value", "numerator", "denominator", "baseline", "change", "deviation")


def history_days(policy: AlertsPolicy) -> int:
    """How many days before ds the oldest ledger row lies that a figure of ds needs."""
    return WEEK_DAYS * policy.same_weekdays + max(metric.reach_days for metric in METRICS)


def daily(
    ledgers: Ledgers, policy: AlertsPolicy, reporting_currency: str, first: date, last: date
) -> DataFrame:
    """The rows of reports/daily_marketplace for every date from `first` to `last`."""
    begin = first - timedelta(days=WEEK_DAYS * policy.same_weekdays)
    counted = figures.all_spans(ledgers, reporting_currency, policy.max_rate_age_days, begin)
    sums = spans.by_day(counted, KEYS, AMOUNTS, begin, last)
    measured = _measured(sums, beginnings(ledgers.sellers, begin, last))
    compared = _compared(usual.with_usual(measured, KEYS, policy), policy)
    told = compared.where((F.col("ds") >= F.lit(first)) & _says_something())
    return _biggest_movers(told, policy.movers).select(*_row(policy))


def beginnings(ledger: DataFrame, first: date, last: date) -> DataFrame:
    """(ds, first_known, first_occurred): since when anything was known at the end of ds, and the
    first date that it was about; null before that."""
    learned = ledger.groupBy(F.greatest("known_ds", F.lit(first)).alias("ds")).agg(
        F.min("known_ds").alias("first_known"), F.min("occurred_ds").alias("first_occurred")
    )
    so_far = Window.orderBy("ds").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return (
        _calendar(ledger.sparkSession, first, last)
        .join(learned, "ds", "left")
        .select(
            "ds",
            F.min("first_known").over(so_far).alias("first_known"),
            F.min("first_occurred").over(so_far).alias("first_occurred"),
        )
    )


def _calendar(spark: SparkSession, first: date, last: date) -> DataFrame:
    return spark.range(1).select(F.explode(F.sequence(F.lit(first), F.lit(last))).alias("ds"))


def _measured(sums: DataFrame, history: DataFrame) -> DataFrame:
    """Adds to the sums what the registry says of the metric, and the figure itself."""
    known = sums.join(F.broadcast(_registry(sums.sparkSession)), "metric")
    dated = known.join(F.broadcast(history), "ds")
    has_rate = F.col("lacking") == 0
    numerator = F.when(has_rate, F.col("numerator"))
    denominator = F.when(F.col("ratio"), F.nullif("denominator", F.lit(0)))
    divisor = _divisor()
    value = F.when(F.col("ratio"), numerator / denominator / divisor).otherwise(numerator / divisor)
    observed_ds = F.when(F.col("newest").isNull(), F.add_months("ds", -1)).otherwise(
        F.date_sub("ds", F.col("newest"))
    )
    cases = F.when(F.col("counts_itself"), F.col("numerator")).otherwise(F.col("denominator"))
    measured = dated.select(
        "ds", *KEYS, *REGISTERED, "first_occurred", "lacking", "prior_lacking",
        value.alias("value"), numerator.alias("numerator"), denominator.alias("denominator"),
        "prior", (F.col("prior") / divisor).alias("prior_value"), cases.alias("cases"),
        observed_ds.alias("observed_ds"),
        (observed_ds <= F.date_sub("ds", F.col("maturity_days"))).alias("mature"),
        F.col("first_known"),
    )  # fmt: skip
    in_history = F.date_sub("ds", F.col("reach_days")) >= F.col("first_known")
    serves = (F.col("against") == Against.WEEKDAYS.name) & in_history & F.col("value").isNotNull()
    return measured.withColumn("serves", F.coalesce(serves, F.lit(False)))


REGISTERED = (
    "unit", "source", "ratio", "counts_itself", "maturity_days", "newest", "reach_days", "against",
    "good", "may_alert", "per_currency", "definition_version",
)  # fmt: skip


def _registry(spark: SparkSession) -> DataFrame:
    """The registry of metrics as rows."""
    schema = (
        "metric string, unit string, source string, ratio boolean, counts_itself boolean, "
        "maturity_days int, newest int, reach_days int, against string, good string, "
        "may_alert boolean, per_currency boolean, definition_version int"
    )
    return spark.createDataFrame([_registered(metric) for metric in METRICS], schema)


def _registered(m: Metric) -> tuple[object, ...]:
    newest = None if m.window is Month.LAST else 0
    if isinstance(m.window, Trailing):
        newest = m.window.newest
    counts_itself = not m.denominator and not m.cases
    return (
        m.name, m.unit.value, m.source.name, bool(m.denominator), counts_itself, m.maturity_days,
        newest, m.reach_days, m.against.name, m.good, m.alerts, m.per_currency,
        m.definition_version,
    )  # fmt: skip


def _divisor() -> Column:
    unit = F.col("unit")
    minor = F.pow(F.lit(10.0), exchange.exponent(F.col("currency")))
    in_days = F.when(unit == Unit.DAYS.value, F.lit(float(DAY_US))).otherwise(F.lit(1.0))
    return F.when(unit == Unit.MONEY.value, minor).otherwise(in_days)


def _compared(measured: DataFrame, policy: AlertsPolicy) -> DataFrame:
    """Adds baseline, change, deviation, alert."""
    begun = F.coalesce(F.col("first_occurred") <= _prior_begins(), F.lit(False))
    prior = F.when(begun & (F.col("prior_lacking") == 0), F.col("prior_value"))
    weekdays = F.col("against") == Against.WEEKDAYS.name
    baseline = F.when(weekdays, F.col("usual")).otherwise(prior)
    judged = measured.withColumn("baseline", F.when(F.col("against") != "NOTHING", baseline))
    change = F.when(F.col("baseline") > 0, F.col("value") / F.col("baseline") - 1)
    compared = judged.withColumns({"change": change, "deviation": usual.deviation(policy)})
    return compared.withColumn("alert", usual.alert(policy))


def _prior_begins() -> Column:
    """The first of the dates that a figure is compared with, where these are no weekdays."""
    last_month = F.trunc(F.add_months("ds", -1), "month")
    week_before = F.date_sub("ds", 2 * WEEK_DAYS - 1)
    return F.when(F.col("against") == Against.LAST_MONTH.name, last_month).otherwise(week_before)


def _says_something() -> Column:
    """Not a currency or member without business on the date and all that it is compared with."""
    amounts = (F.col("numerator"), F.col("cases"), F.col("prior"), F.col("baseline"))
    moved = [F.coalesce(amount != 0, F.lit(False)) for amount in amounts]
    own = ~F.col("per_currency") & (F.col("dimension") == ALL)
    return own | moved[0] | moved[1] | moved[2] | moved[3]


def _biggest_movers(rows: DataFrame, listed: int) -> DataFrame:
    """Of the members of a dimension those whose figure changed most."""
    moved = F.abs(F.coalesce("numerator", F.lit(0)) - F.col("prior"))
    by_change = Window.partitionBy("ds", "metric", "dimension", "currency").orderBy(
        moved.desc(), "member"
    )
    ranked = rows.withColumn("_rank", F.row_number().over(by_change))
    return ranked.where((F.col("dimension") == ALL) | (F.col("_rank") <= listed))


def _row(policy: AlertsPolicy) -> list[Column]:
    columns = (
        "ds", *KEYS, *MEASURED, "baseline_days", "observed_ds", "maturity_days", "mature", "alert",
        "definition_version",
    )  # fmt: skip
    return [*(F.col(name) for name in columns), notes.note(policy).alias("note")]


def series(ledgers: Ledgers, policy: AlertsPolicy, reporting_currency: str, ds: date) -> DataFrame:
    """(metric, currency, occurred_ds, value) of orders, gmv and gmv_reporting, as known at the end
    of `ds`; gmv_reporting is null on dates with sales that have no rate."""
    known = F.col("known_ds") <= F.lit(ds)
    totals = ledgers.sales.where(known & (F.col("gmv_minor") != 0))
    standing = F.col("known_until").isNull() | (F.col("known_until") > F.lit(ds))
    in_one = exchange.converted(
        totals, "gmv_minor", ledgers.rates.where(F.col("ds") <= F.lit(ds)), reporting_currency,
        policy.max_rate_age_days,
    ).where(known & standing)  # fmt: skip
    complete = F.when(F.max("lacking") == 0, F.sum("gmv_minor"))
    in_one_sum = in_one.groupBy("occurred_ds").agg(complete.alias("gmv_minor"))
    parts = [
        ("orders", F.lit(NO_CURRENCY), ledgers.orders.where(known), "orders"),
        ("gmv", F.col("currency"), totals, "gmv_minor"),
        ("gmv_reporting", F.lit(reporting_currency), in_one_sum, "gmv_minor"),
    ]
    frames = [
        frame.groupBy(F.lit(metric).alias("metric"), currency.alias("currency"), "occurred_ds").agg(
            F.sum(amount).alias("minor")
        )
        for metric, currency, frame, amount in parts
    ]
    digits = F.when(F.col("metric") == "orders", 0).otherwise(exchange.exponent(F.col("currency")))
    union = reduce(DataFrame.unionByName, frames)
    value = F.col("minor") / F.pow(F.lit(10.0), digits)
    return union.select("metric", "currency", "occurred_ds", value.alias("value"))
