"""The only as-of, point-in-time and ledger arithmetic.

Bronze rows are versions of natural keys, each known from its `ds` (the business date of
`known_at`) on. `T` of a business date is its end, so "known before T of ds" is `ds <= that ds`.

    versions      which version of a key counts from which day until which day
    counted       of these the columns and events that a figure is made of
    standing      of these what nothing known has ended
    as_of         the state at the end of one business date
    subject_days  on which days something about a subject changed
    at            the versions that count on each of these days
    changes       the difference between successive days, as a ledger of counts
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

KNOWN_FROM, KNOWN_UNTIL = "known_from", "known_until"
AS_OF, NEXT_AS_OF = "as_of", "next_as_of"

FIRST_LANDED = ("ds", "source_file", "source_line")
"""Of rows with one event_id the first in this order counts; later ones are repeats."""

VERSION_ORDER = ("known_at", "occurred_at", "event_id")
"""The greatest of these is the newest version (contract of the landing format)."""


def business_date(instant: Column, zone: str) -> Column:
    """The date of an instant in the zone in which business days are cut."""
    # Sessions think in UTC: there nothing is converted, which is looked up row by row.
    return F.to_date(instant if zone == "UTC" else F.from_utc_timestamp(instant, zone))


def month_of(instant: Column, zone: str) -> Column:
    """The first day of the month of an instant, in that zone."""
    return F.trunc(business_date(instant, zone), "month")


def end_of_day(ds: Column, zone: str) -> Column:
    """T of a business date: the first instant that is no longer part of it."""
    end = F.date_add(ds, 1).cast("timestamp")
    return end if zone == "UTC" else F.to_utc_timestamp(end, zone)


def without_repeats(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Rows of a natural key without those whose event_id another row of the key had before."""
    landed = _repeats_of(key)
    return rows.withColumn("_nth", F.row_number().over(landed)).where("_nth = 1").drop("_nth")


def conflicting_repeats(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """Rows whose event_id another row of the key had before with other content, and that row.

    Columns: *key, event_id, ds, source_file, source_line, `first_file`, `first_line`.
    """
    landed = _repeats_of(key)
    first = {name: F.first(name).over(landed) for name in ("content_hash", *FIRST_LANDED[1:])}
    return rows.select(
        *key, "event_id", *FIRST_LANDED,
        first["source_file"].alias("first_file"),
        first["source_line"].alias("first_line"),
        (first["content_hash"] != F.col("content_hash")).alias("_conflict"),
    ).where("_conflict").drop("_conflict")  # fmt: skip


def _repeats_of(key: Sequence[str]) -> WindowSpec:
    return Window.partitionBy(*key, "event_id").orderBy(*FIRST_LANDED)


def key_hash(key: Sequence[str]) -> Column:
    """A natural key in eight bytes. Two keys may share a hash: what is decided by it must not
    change where they do."""
    return F.xxhash64(*key)


def in_several_rows(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """(key_hash) of the natural keys with more than one row."""
    counts = rows.groupBy(key_hash(key).alias("key_hash")).agg(F.count(F.lit(1)).alias("rows"))
    return counts.where("rows > 1").select("key_hash")


def split(rows: DataFrame, key: Sequence[str], several: DataFrame) -> tuple[DataFrame, DataFrame]:
    """The rows whose key is in `several` (`in_several_rows`), and those that stand alone."""
    hashed, few = rows.withColumn("key_hash", key_hash(key)), F.broadcast(several)
    ways = ("left_semi", "left_anti")
    together, alone = (hashed.join(few, "key_hash", way).drop("key_hash") for way in ways)
    return together, alone


def versions(rows: DataFrame, key: Sequence[str], several: DataFrame | None = None) -> DataFrame:
    """One row a version that counted at the end of at least one day, retracted ones left out.

    Adds `known_from` and `known_until` (dates; the version counts as of every ds with
    known_from <= ds < known_until; null: still). A retraction ends the version before it.
    `several`: `in_several_rows` of these rows, if few; the other keys are spared two sorts.
    """
    if several is None:
        return _in_turn(rows, key)
    together, alone = split(rows, key, several)
    only = alone.where(~F.col("retracted")).withColumns(
        {KNOWN_UNTIL: F.lit(None).cast("date"), KNOWN_FROM: F.col("ds")}
    )
    return _in_turn(together, key).unionByName(only)


def _in_turn(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    newest_last = Window.partitionBy(*key).orderBy(*VERSION_ORDER)
    # Both windows are served by one shuffle.
    together = rows.repartition(*key)
    dated = without_repeats(together, key).withColumn(KNOWN_UNTIL, F.lead("ds").over(newest_last))
    counted = F.col(KNOWN_UNTIL).isNull() | (F.col(KNOWN_UNTIL) > F.col("ds"))
    return dated.where(counted & ~F.col("retracted")).withColumn(KNOWN_FROM, F.col("ds"))


def counted(versions: DataFrame, columns: Sequence[str], kinds: Sequence[str] = ()) -> DataFrame:
    """Of versions the columns, and the kinds of events, that are counted: what is left out turns
    nothing on any day, and moves no bytes."""
    narrow = versions.select(*columns, KNOWN_FROM, KNOWN_UNTIL)
    return narrow.where(F.col("event").isin(*kinds)) if kinds else narrow


def standing(versions: DataFrame) -> DataFrame:
    """Of versions those that nothing known has ended."""
    return versions.where(F.col(KNOWN_UNTIL).isNull()).drop(KNOWN_FROM, KNOWN_UNTIL)


def as_of(rows: DataFrame, key: Sequence[str], ds: date) -> DataFrame:
    """The version of every natural key that counts at the end of `ds`; a retracted key has none."""
    return standing(versions(rows.where(F.col("ds") <= F.lit(ds)), key))


def turning_days(known: DataFrame, subject: Sequence[str]) -> DataFrame:
    """(subject, as_of): the days on which a version of the subject began or ceased to count."""
    ends = (KNOWN_FROM, KNOWN_UNTIL)
    turned = known.select(*subject, *ends).unpivot(tuple(subject), ends, "_end", AS_OF)
    return turned.drop("_end").where(F.col(AS_OF).isNotNull())


def subject_days(
    turning: Sequence[DataFrame], subject: Sequence[str], first: date, last: date
) -> DataFrame:
    """(subject, as_of, next_as_of): the days, up to `last`, on which the subject changed.

    The day before `first` stands for all days before: `turning` has to name these too, or what
    counted then is not taken back. The last of them has no next_as_of.
    """
    union = turning[0].select(*subject, AS_OF)
    for frame in turning[1:]:
        union = union.unionByName(frame.select(*subject, AS_OF))
    before = F.lit(first - timedelta(days=1))
    days = union.where(F.col(AS_OF) <= F.lit(last)).select(
        *subject, F.greatest(AS_OF, before).alias(AS_OF)
    )
    # One shuffle serves both the distinct days and their order.
    distinct = days.repartition(*subject).distinct()
    in_time = Window.partitionBy(*subject).orderBy(AS_OF)
    return distinct.withColumn(NEXT_AS_OF, F.lead(AS_OF).over(in_time))


def at(known: DataFrame, days: DataFrame, subject: Sequence[str]) -> DataFrame:
    """The versions that count on each of the subject's days, with `as_of` and `next_as_of`."""
    turned = known.join(days, list(subject)).where(counts_at(AS_OF))
    return turned.drop(KNOWN_FROM, KNOWN_UNTIL)


def counts_at(ds: str) -> Column:
    """Does the version count at the end of the business date in that column?"""
    still = F.col(KNOWN_UNTIL).isNull() | (F.col(ds) < F.col(KNOWN_UNTIL))
    return (F.col(KNOWN_FROM) <= F.col(ds)) & still


def changes(
    contributions: DataFrame, dimensions: Sequence[str], measures: Sequence[str],
    first: date, last: date, *, begins: str = AS_OF, ends: str = NEXT_AS_OF,
) -> DataFrame:  # fmt: skip
    """The ledger rows of the window: dimensions, known_ds, measures.

    A contribution counts from the day `begins` on until the day `ends`: it is added on the first
    and taken back on the second, where these lie in the window. Measures absent from
    `contributions` are 0; rows that change nothing are left out.
    """
    present = [name for name in measures if name in contributions.columns]
    kept = (*dimensions, *present)
    turned = contributions.select(*kept, begins, ends).unpivot(
        kept, (begins, ends), "_turn", "known_ds"
    )
    sign = F.when(F.col("_turn") == begins, 1).otherwise(-1)
    return turned.where(F.col("known_ds").between(F.lit(first), F.lit(last))).select(
        *dimensions,
        "known_ds",
        *((F.coalesce(name, F.lit(0)) * sign).cast("bigint").alias(name) for name in present),
    )


def summed(
    parts: Sequence[DataFrame], dimensions: Sequence[str], measures: Sequence[str]
) -> DataFrame:
    """Ledger rows of several families added up to one row per dimensions and known_ds."""
    union = parts[0]
    for part in parts[1:]:
        union = union.unionByName(part, allowMissingColumns=True)
    group = [*dimensions, "known_ds"]
    absent = set(measures) - set(union.columns)
    totals = [
        (F.lit(0) if name in absent else F.coalesce(F.sum(name), F.lit(0)))
        .cast("bigint")
        .alias(name)
        for name in measures
    ]
    anything = [F.col(name) != 0 for name in measures]
    moved = anything[0]
    for term in anything[1:]:
        moved = moved | term
    return union.groupBy(*group).agg(*totals).where(moved)


def positive_us(start: Column, end: Column) -> Column:
    """Microseconds from start to end; a negative time counts as 0, an unknown one as null."""
    return F.greatest(F.unix_micros(end) - F.unix_micros(start), F.lit(0))
