"""A seller's features as of the ends of business dates: sums of the ledger and the state then.

Definitions: `conf/seller_features.py`. A window of the ledger that ends with `ds` holds the rows
of the last N business dates that were known at the end of `ds`. For many dates in one pass, a row
is added at the first of them on which it counts and taken back at the first on which it no longer
does; the running sum is then the window's sum, exact because it is made of integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.currencies import NO_CURRENCY
from conf.seller_features import COUNTS, HAS_BUSINESS, SELLER_FEATURES, WINDOW_DAYS, measures
from features.exchange import exponent

MEASURES = {days: measures(days) for days in WINDOW_DAYS}
SELLER = ["seller_id", "ds"]
VERSION_KNOWN = "messaging_enabled is not null"
"""Of a seller's columns this one is never null in a version: a ready-made input may lack others."""
_SALES = {max(WINDOW_DAYS): ("lines_placed", "gmv_minor")}
_FROM, _UNTIL = "_from", "_until"


def first_needed(dates: Sequence[date]) -> date:
    """The oldest business date whose ledger rows the windows of these dates can hold."""
    return min(dates) - timedelta(days=max(WINDOW_DAYS) - 1)


def sums_of(ledger: DataFrame, dates: Sequence[date]) -> DataFrame:
    """(seller_id, currency, ds, sums) that the features of these dates (ascending) rest on.

    `ledger` are rows of silver.seller_days known by the last date, not older than `first_needed`.
    """
    return window_sums(ledger, ["seller_id", "currency"], MEASURES, dates)


def unknown_sellers(sums: DataFrame, states: DataFrame) -> DataFrame:
    """(ds, sellers): how many had lines placed in the window and no version known: no row."""
    known = states.where(VERSION_KNOWN).select(*SELLER)
    placed = sums.where("lines_placed_90d > 0").select(*SELLER).distinct()
    return (
        placed.join(known, SELLER, "left_anti")
        .groupBy("ds")
        .agg(F.count(F.lit(1)).alias("sellers"))
    )


def snapshots(
    sums: DataFrame, categories: DataFrame, states: DataFrame, dates: Sequence[date], zone: str
) -> DataFrame:
    """`features.seller_snapshots` of these dates (ascending).

    `sums` as of `sums_of`; `categories` are rows of silver.seller_category_days as the ledger's
    there; `states` as of `state_at`.
    """
    state = states.where(f"{VERSION_KNOWN} and not status <=> 'closed'")
    sold = window_sums(categories, ["seller_id", "currency", "category"], _SALES, dates)
    counted = _of_own_currency(sums, state).join(_primary_category(sold, state), SELLER, "left")
    sums_of = [name for name in counted.columns if name.endswith("0d")]
    known = state.join(counted, SELLER, "left").fillna(0, sums_of).where(HAS_BUSINESS)
    return _expressed(known, zone)


def given(months: DataFrame) -> DataFrame:
    """`features.seller_snapshots` from rows of bronze.seller_months, without counts."""
    unknown = {"currency": "string", **dict.fromkeys(COUNTS, "bigint")}
    return months.select(
        "ds", "seller_id", *(feature.name for feature in SELLER_FEATURES),
        *(F.lit(None).cast(kind).alias(name) for name, kind in unknown.items()),
    )  # fmt: skip


def state_at(states: DataFrame, dates: Sequence[date]) -> DataFrame:
    """The newest state of every seller at the end of each of these dates (ascending), with `ds`;
    `states` are all rows of silver.seller_state known by the last of them."""
    following = F.lead("known_ds").over(Window.partitionBy("seller_id").orderBy("known_ds"))
    dated = states.withColumns({_FROM: F.col("known_ds"), _UNTIL: following})
    return dated.select("*", F.explode(_while_standing(dates)).alias("ds")).drop(
        _FROM, _UNTIL, "known_ds"
    )


def window_sums(
    ledger: DataFrame, group: Sequence[str], measures: Mapping[int, Sequence[str]],
    dates: Sequence[date],
) -> DataFrame:  # fmt: skip
    """(group, ds, `<measure>_<days>d`): the sums of the windows that end with these dates.

    `measures` says by the length of the window in days what is summed. Where nothing was ever
    known of a group in the windows of a date there is no row.
    """
    alike = _added_up_alike(ledger, group, measures, dates)
    entries = alike.select(*group, F.inline(_entries(measures, len(dates) > 1)))
    names = [_name(measure, days) for days, own in measures.items() for measure in own]
    turns = entries.groupBy(*group, "ds").agg(*(F.sum(name).alias(name) for name in names))
    if len(dates) == 1:
        return turns
    by_date = Window.partitionBy(*group).orderBy("ds")
    running = turns.select(
        *group, F.col("ds").alias(_FROM), F.lead("ds").over(by_date).alias(_UNTIL),
        *(F.sum(name).over(by_date).alias(name) for name in names),
    )  # fmt: skip
    return running.select(*group, *names, F.explode(_while_standing(dates)).alias("ds"))


def _added_up_alike(
    ledger: DataFrame, group: Sequence[str], measures: Mapping[int, Sequence[str]],
    dates: Sequence[date],
) -> DataFrame:  # fmt: skip
    """Ledger rows that count on the same of the dates made one: far fewer where dates are few."""
    ends = {_ends(days): _first_from(F.date_add("occurred_ds", days), dates) for days in measures}
    begins = _first_from(F.greatest("known_ds", "occurred_ds"), dates)
    dated = ledger.withColumns({_FROM: begins, **ends}).where(F.col(_FROM).isNotNull())
    summed = sorted({measure for own in measures.values() for measure in own})
    return dated.groupBy(*group, _FROM, *ends).agg(*(F.sum(name).alias(name) for name in summed))


def _entries(measures: Mapping[int, Sequence[str]], many: bool) -> Column:
    """What a ledger row adds at the date on which it begins to count, and (of many dates) what it
    takes back at the first that a window leaves it behind."""
    zero = F.lit(0).cast("bigint")
    begins, ends = F.col(_FROM), {days: F.col(_ends(days)) for days in measures}
    counts = {days: ends[days].isNull() | (begins < ends[days]) for days in measures}

    def entry(ds: Column, signs: Mapping[int, int]) -> Column:
        values = [
            (F.when(counts[days], signs[days] * F.col(measure)).otherwise(zero) if days in signs
             else zero).alias(_name(measure, days))
            for days, own in measures.items()
            for measure in own
        ]  # fmt: skip
        return F.struct(ds.alias("ds"), *values)

    entries = [entry(begins, dict.fromkeys(measures, 1))]
    if many:  # of one date nothing can be taken back later
        entries += [entry(ends[days], {days: -1}) for days in measures]
    return F.filter(F.array(*entries), lambda one: one["ds"].isNotNull())


def _ends(days: int) -> str:
    return f"_ends_{days}d"


def _first_from(day: Column, dates: Sequence[date]) -> Column:
    """The first of the (ascending) dates that is not before the day; null where there is none."""
    if len(dates) == 1:
        return F.when(day <= F.lit(dates[0]), F.lit(dates[0]))
    origin = first_needed(dates)
    following = iter(dates)
    ahead, table = next(following), []
    for number in range((dates[-1] - origin).days + 1):
        if origin + timedelta(days=number) > ahead:
            ahead = next(following)
        table.append(ahead)
    return F.get(_array(table), F.greatest(F.datediff(day, F.lit(origin)), F.lit(0)))


def _array(dates: Sequence[date]) -> Column:
    return F.array(*(F.lit(ds) for ds in dates))


def _while_standing(dates: Sequence[date]) -> Column:
    """Those of the dates from _from on that are before _until (null: all later ones)."""
    still = F.col(_UNTIL).isNull()
    return F.filter(_array(dates), lambda ds: (ds >= F.col(_FROM)) & (still | (ds < F.col(_UNTIL))))


def _name(measure: str, days: int) -> str:
    return f"{measure}_{days}d"


def _of_own_currency(sums: DataFrame, state: DataFrame) -> DataFrame:
    """Per seller and date: the sums in his currency and those that are no money."""
    names = [name for name in sums.columns if name.endswith("0d")]
    own = state.select(*SELLER, F.col("currency").alias("_own"))
    return (
        sums.join(own, SELLER)
        .where(F.col("currency").isin(NO_CURRENCY) | (F.col("currency") == F.col("_own")))
        .groupBy(*SELLER)
        .agg(*(F.sum(name).alias(name) for name in names))
    )


def _primary_category(sold: DataFrame, state: DataFrame) -> DataFrame:
    """Per seller and date: the category in which most was sold, ties to the first by name."""
    greatest = F.min(F.struct(-F.col("gmv_minor_90d"), "category"))["category"]
    return (
        sold.where("lines_placed_90d > 0")
        .join(state.select(*SELLER, "currency"), [*SELLER, "currency"])
        .groupBy(*SELLER)
        .agg(greatest.alias("primary_category"))
    )


def _expressed(known: DataFrame, zone: str) -> DataFrame:
    """The columns of the table from what is known."""
    minor_per_major = F.pow(F.lit(10), exponent(F.col("currency"))).cast("bigint")
    given = known.withColumns({"zone": F.lit(zone), "minor_per_major": minor_per_major})
    features = [F.expr(f.sql).cast(f.type).alias(f.name) for f in SELLER_FEATURES]
    return given.select("ds", "seller_id", *features, "currency", *COUNTS)
