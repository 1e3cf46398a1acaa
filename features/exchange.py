"""Amounts of a ledger in one reporting currency, at the rates known then.

An amount of a date converts at the newest rate of that date or before, direct (its currency is
priced in the target) or inverse; of two of one date the direct one. A correction of an amount or
of a rate counts from the day on which it is known.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
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
    changes = F.array_sort(F.collect_list(F.struct("known_ds", F.col(measure).alias("amount"))))
    sales = ledger.groupBy(*_SALE).agg(changes.alias("changes"))
    offered = sales.join(F.broadcast(_offers(rates, target)), "currency", "left")
    next_turn = F.get("turns", F.col("place") + 1)
    return (
        offered.withColumn("usable", _usable(max_age_days))
        .withColumn("turns", _turns())
        .select(*_SALE, "changes", "usable", "turns", F.posexplode("turns").alias("place", "at"))
        .select(*_SALE, "at", next_turn.alias(KNOWN_UNTIL), _amount().alias("amount"),
                _best().alias("rate"))
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


def _offers(rates: DataFrame, target: str) -> DataFrame:
    """(currency, offers): what the known versions of rates offer it: times factor, by divisor."""
    known = asof.versions(rates, RATE_KEY)
    scaled = (F.col("rate") * F.lit(RATE_UNIT)).cast("decimal(20,0)")
    unit = F.lit(RATE_UNIT).cast("decimal(20,0)")
    direct = F.col("quote") == F.lit(target)
    # In this order the newest date is the greatest, and of one date the direct one.
    offer = F.struct(
        "date", direct.alias("direct"), F.when(direct, scaled).otherwise(unit).alias("factor"),
        F.when(direct, unit).otherwise(scaled).alias("divisor"), KNOWN_FROM, KNOWN_UNTIL,
    )  # fmt: skip
    priced = F.when(direct, F.col("base")).otherwise(F.col("quote"))
    return (
        known.where((F.col("base") == target) != direct)
        .groupBy(priced.alias("currency"))
        .agg(F.collect_list(offer).alias("offers"))
    )


def _usable(max_age_days: int) -> Column:
    """The offers for the date of the sales."""
    oldest = F.date_sub("occurred_ds", max_age_days)
    fitting = F.filter("offers", lambda offer: offer["date"].between(oldest, F.col("occurred_ds")))
    return F.coalesce(fitting, F.array())


def _turns() -> Column:
    """The days on which the amount or a rate offered for it changed, from its first on."""
    learned = F.transform("changes", lambda change: change["known_ds"])
    moved = F.flatten(
        F.transform("usable", lambda offer: F.array(offer[KNOWN_FROM], offer[KNOWN_UNTIL]))
    )
    later = F.filter(moved, lambda day: day > F.array_min(learned))
    return F.array_sort(F.array_distinct(F.concat(learned, later)))


def _amount() -> Column:
    """The amount known at the end of the day `at`."""
    known = F.filter("changes", lambda change: change["known_ds"] <= F.col("at"))
    zero = F.lit(0).cast("bigint")
    return F.aggregate(known, zero, lambda total, change: total + change["amount"])


def _best() -> Column:
    """The offer that counts at the end of the day `at`; null where there is none."""
    at = F.col("at")
    standing = F.filter(
        "usable",
        lambda offer: (
            (offer[KNOWN_FROM] <= at) & (offer[KNOWN_UNTIL].isNull() | (at < offer[KNOWN_UNTIL]))
        ),
    )
    return F.array_max(standing)


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
