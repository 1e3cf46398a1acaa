"""Figures of many business dates in one pass: spans of dates on which something counts.

A ledger row counts in a trailing window of `ds` for an unbroken span of dates: from the day when
it is both inside the window and known, to the day when the window leaves it behind. So the figures
of all dates are one running sum over the ends of the spans, exact, whatever the length of the
range; nothing is expanded to pairs of row and date, and no date is computed on its own.

A frame of spans has keys, `begins`, `ends` (dates, both included) and integer amounts. In a ledger
frame a row counts from `known_ds` on, and where it has `known_until` up to the day before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.metrics import Month, Trailing

FOREVER = date(9999, 12, 31)


def span(window: Trailing | Month) -> Column:
    """struct<begins, ends>: the dates whose window holds this ledger row, once it is known."""
    day = F.col("occurred_ds")
    if isinstance(window, Trailing):
        return _span(F.date_add(day, window.newest), F.date_add(day, window.oldest))
    if window is Month.TO_DATE:
        return _span(day, F.last_day(day))
    # The same day number of the next month; where that month is shorter there is none.
    following = F.date_add(F.last_day(day), 1)
    return _span(F.date_add(following, F.dayofmonth(day) - 1), F.last_day(following))


def _span(begins: Column, ends: Column) -> Column:
    return F.struct(begins.alias("begins"), ends.alias("ends"))


def while_known(begins: Column, ends: Column, until: Column | None = None) -> tuple[Column, Column]:
    """A span cut to the dates on which the ledger row is known."""
    first = F.greatest(begins, F.col("known_ds"))
    return first, ends if until is None else F.least(ends, F.date_sub(until, 1))


def by_day(
    spans: DataFrame, keys: Sequence[str], amounts: Sequence[str], first: date, last: date
) -> DataFrame:
    """(keys, ds, amounts): the sum of the spans that hold ds, for `first` to `last`.

    A key with a span in the range has every date, 0 where nothing counts.
    """
    inside = (F.col("ends") >= F.lit(first)) & (F.col("begins") <= F.lit(last))
    real = inside & (F.col("begins") <= F.col("ends"))
    turns = F.explode(
        F.array(
            F.struct(F.lit(first).alias("ds"), F.lit(0).alias("sign")),
            F.struct(F.greatest("begins", F.lit(first)).alias("ds"), F.lit(1).alias("sign")),
            F.struct(F.date_add(_bounded("ends"), 1).alias("ds"), F.lit(-1).alias("sign")),
        )
    ).alias("_turn")
    moves = (
        spans.where(real)
        .select(*keys, *amounts, turns)
        .where(F.col("_turn.ds") <= F.lit(last))
        .groupBy(*keys, F.col("_turn.ds").alias("ds"))
        .agg(*(F.sum(F.col(name) * F.col("_turn.sign")).alias(name) for name in amounts))
    )
    in_time = Window.partitionBy(*keys).orderBy("ds")
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    until = F.coalesce(F.date_sub(F.lead("ds").over(in_time), 1), F.lit(last))
    sums = [F.sum(name).over(so_far).alias(name) for name in amounts]
    return moves.select(*keys, "ds", *sums, until.alias("_until")).select(
        *keys, F.explode(F.sequence("ds", "_until")).alias("ds"), *amounts
    )


def presences(
    ledger: DataFrame, member: str, measure: str, windows: Sequence[tuple[str, int, int | None]]
) -> DataFrame:
    """(part, begins, ends): per window and member one row for every unbroken span of dates on
    which the member has a date inside the window with a positive sum of `measure`, as known then.

    `ledger` has (member, occurred_ds, known_ds, measure); `windows` are (part, newest, oldest)
    days before ds, oldest None: no limit.
    """
    parts = F.explode(
        F.array(
            *(
                F.struct(F.lit(part).alias("part"), *_window(newest, oldest))
                for part, newest, oldest in windows
            )
        )
    ).alias("_part")
    begins, ends = while_known(
        F.col("_part.begins"), F.col("_part.ends"), F.coalesce("known_until", F.lit(FOREVER))
    )
    spans = (
        _positive(ledger, member, measure)
        .select(member, "known_ds", "known_until", parts)
        .select(
            member, F.col("_part.part").alias("part"), begins.alias("begins"), ends.alias("ends")
        )
        .where("begins <= ends")
    )  # fmt: skip
    return united(spans, ["part", member]).select("part", "begins", "ends")


def united(spans: DataFrame, keys: Sequence[str]) -> DataFrame:
    """(keys, begins, ends): overlapping and touching spans of a key made one."""
    in_time = Window.partitionBy(*keys).orderBy("begins", "ends")
    before = in_time.rowsBetween(Window.unboundedPreceding, -1)
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    reached = F.max("ends").over(before)
    starts = reached.isNull() | (F.col("begins") > F.date_add(reached, 1))
    return (
        spans.withColumn("_starts", starts.cast("int"))
        .withColumn("_island", F.sum("_starts").over(so_far))
        .groupBy(*keys, "_island")
        .agg(F.min("begins").alias("begins"), F.max("ends").alias("ends"))
        .drop("_island")
    )


def _window(newest: int, oldest: int | None) -> tuple[Column, Column]:
    day = F.col("occurred_ds")
    ends = F.lit(FOREVER) if oldest is None else F.date_add(day, oldest)
    return F.date_add(day, newest).alias("begins"), ends.alias("ends")


def _positive(ledger: DataFrame, member: str, measure: str) -> DataFrame:
    """The spans of knowledge in which a member's sum of a date is positive."""
    # Once by member: all that follows is grouped by the member and more.
    of_member = ledger.repartition(member)
    learned = Window.partitionBy(member, "occurred_ds").orderBy("known_ds")
    so_far = learned.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return (
        of_member.groupBy(member, "occurred_ds", "known_ds")
        .agg(F.sum(measure).alias("_moved"))
        .select(
            member, "occurred_ds", "known_ds",
            F.lead("known_ds").over(learned).alias("known_until"),
            F.sum("_moved").over(so_far).alias("_total"),
        )
        .where("_total > 0")
    )  # fmt: skip


def _bounded(name: str) -> Column:
    # The day after the last date there is would be no date.
    return F.least(name, F.lit(date(9999, 12, 30)))
