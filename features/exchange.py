"""Amounts of a ledger in one reporting currency, at the rates known then.

An amount of a date converts at the newest rate of that date or before, direct (its currency is
priced in the target) or inverse; of two of one date the direct one. A correction of an amount or
of a rate counts from the day on which it is known.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, GroupedData, Window
from pyspark.sql import functions as F

from conf.currencies import EXPONENTS, NO_CURRENCY
from features import asof
from features.asof import KNOWN_FROM, KNOWN_UNTIL

RATE_KEY = ("date", "base", "quote")
RATE_UNIT = 10**8
"""Rates have eight decimals: as integers in units of 1e-8 all arithmetic is exact."""

_SALE = ("currency", "occurred_ds")
_DIGITS = {**EXPONENTS, NO_CURRENCY: 0}


def exponent(currency: Column) -> Column:
    """Decimal digits of the minor unit of a currency code; 0 for no currency."""
    digits = F.create_map(*(F.lit(part) for pair in _DIGITS.items() for part in pair))
    return F.coalesce(F.element_at(digits, currency), F.lit(2))


def converted(
    ledger: DataFrame, measure: str, rates: DataFrame, target: str, max_age_days: int
) -> DataFrame:
    """(currency, occurred_ds, known_ds, known_until, `measure`, lacking): the sums of `ledger` per
    currency and date in minor units of `target`, each from a day of knowledge until the next.

    `ledger` has (currency, occurred_ds, known_ds, measure), `rates` are bronze rows. Where no rate
    is known `measure` is 0 and `lacking` 1. Each sum of a currency and date is rounded half-even,
    so that figures of days add up to those of months.
    """
    offers = _offers(rates, target).join(F.broadcast(_sales(ledger)), "currency")
    offered = offers.where(
        F.col("date").between(F.date_sub("occurred_ds", max_age_days), F.col("occurred_ds"))
    )
    turns = _turns(ledger, offered)
    amounts = _at(turns, ledger, F.col("known_ds") <= F.col("at")).agg(
        F.sum(measure).alias("amount")
    )
    standing = (F.col(KNOWN_FROM) <= F.col("at")) & (
        F.col(KNOWN_UNTIL).isNull() | (F.col("at") < F.col(KNOWN_UNTIL))
    )
    newest = F.max_by(F.struct("factor", "divisor"), F.struct("date", "direct"))
    rates_at = _at(turns, offered, standing).agg(newest.alias("rate"))
    next_turn = F.lead("at").over(Window.partitionBy(*_SALE).orderBy("at"))
    return (
        amounts.join(rates_at, [*_SALE, "at"], "left")
        .withColumn(KNOWN_UNTIL, next_turn)
        .withColumn("result", _in_target(target))
        .select(
            *_SALE, F.col("at").alias("known_ds"), KNOWN_UNTIL,
            F.coalesce("result", F.lit(0)).alias(measure),
            (F.col("result").isNull() & (F.col("amount") != 0)).cast("bigint").alias("lacking"),
        )
    )  # fmt: skip


def half_even(numerator: Column, denominator: Column) -> Column:
    """numerator / denominator as bigint, ties to the even neighbour; whole decimals, exact."""
    whole = F.call_function("div", F.abs(numerator), denominator)
    left = F.lit(2) * (F.abs(numerator) - whole.cast("decimal(20,0)") * denominator)
    up = (left > denominator) | ((left == denominator) & (whole % 2 == 1))
    return F.signum(numerator).cast("bigint") * (whole + up.cast("bigint"))


def _sales(ledger: DataFrame) -> DataFrame:
    return ledger.select(*_SALE).distinct()


def _offers(rates: DataFrame, target: str) -> DataFrame:
    """What the known versions of rates offer a currency: times factor, by divisor."""
    known = asof.versions(rates, RATE_KEY)
    scaled = (F.col("rate") * F.lit(RATE_UNIT)).cast("decimal(20,0)")
    unit = F.lit(RATE_UNIT).cast("decimal(20,0)")
    direct = F.col("quote") == F.lit(target)
    return known.where((F.col("base") == target) != direct).select(
        F.when(direct, F.col("base")).otherwise(F.col("quote")).alias("currency"),
        "date", KNOWN_FROM, KNOWN_UNTIL, direct.alias("direct"),
        F.when(direct, scaled).otherwise(unit).alias("factor"),
        F.when(direct, unit).otherwise(scaled).alias("divisor"),
    )  # fmt: skip


def _turns(ledger: DataFrame, offered: DataFrame) -> DataFrame:
    """(currency, occurred_ds, at): the days on which the amount or a rate offered it changed."""
    began = ledger.groupBy(*_SALE).agg(F.min("known_ds").alias("_began"))
    changed = offered.select(*_SALE, F.explode(F.array(KNOWN_FROM, KNOWN_UNTIL)).alias("at"))
    later = changed.join(F.broadcast(began), list(_SALE)).where(F.col("at") > F.col("_began"))
    learned = ledger.select(*_SALE, F.col("known_ds").alias("at"))
    return learned.unionByName(later.select(*_SALE, "at")).distinct()


def _at(turns: DataFrame, frame: DataFrame, holds: Column) -> GroupedData:
    return turns.join(frame, list(_SALE)).where(holds).groupBy(*_SALE, "at")


def _in_target(target: str) -> Column:
    """The amount at the rate found, in minor units of the target; null without a rate."""
    shift = F.lit(_DIGITS.get(target, 2)) - exponent(F.col("currency"))
    more = F.pow(F.lit(10), F.greatest(shift, F.lit(0))).cast("decimal(4,0)")
    fewer = F.pow(F.lit(10), F.greatest(-shift, F.lit(0))).cast("decimal(4,0)")
    amount = F.col("amount").cast("decimal(20,0)")
    product = (amount * F.col("rate.factor") * more).cast("decimal(38,0)")
    divisor = (F.col("rate.divisor") * fewer).cast("decimal(24,0)")
    itself = F.col("currency") == F.lit(target)
    return F.when(itself, F.col("amount")).otherwise(half_even(product, divisor))
