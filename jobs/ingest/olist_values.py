"""Texts of the published tables into values: times to instants, reais to whole cents.

Nothing is guessed: a text that is not written as its kind wants it is a fault of its row.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.rejections import Rejection
from jobs.ingest.olist_tables import SOURCE, TIME_ZONE, Kind, Published

_TIME = r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\z"
_CENTS = r"^[0-9]{1,16}([.][0-9]{1,2})?\z"
_FAULTS_OF_NUMBERS = (
    (Rejection.SIGN, r"^[+-]"),
    (Rejection.EXPONENT, r"^[0-9.]+[eE][+-]?[0-9]+\z"),
    (Rejection.OVERFLOW, r"^[0-9]+\z"),
    (Rejection.OVERFLOW, r"^[0-9]{17,}[.][0-9]{1,2}\z"),
    (Rejection.FRACTION, r"^[0-9]*[.][0-9]*\z"),
)
"""What is wrong with a text that is no good number; the first that fits says it."""


def typed(texts: DataFrame, table: Published) -> DataFrame:
    """The rows of a published table with each column as its kind; faults become findings."""
    read = {name: _read(name, kind) for name, kind in table.kinds.items()}
    faults = [_fault(name, kind) for name, kind in table.kinds.items()]
    reasons = F.array_compact(F.array(*faults))
    shown = [F.when(f.isNotNull(), _shown(n)) for n, f in zip(read, faults, strict=True)]
    readable = F.size("_reasons") == 0
    as_came = F.to_csv(F.struct(*read))
    return texts.select(
        *(value.alias(name) for name, value in read.items()),
        "extra",
        *(column.name for column in SOURCE),
        F.when(readable, F.array_distinct(reasons)).otherwise(F.col("_reasons")).alias("_reasons"),
        F.when(readable, F.concat_ws("; ", *shown)).otherwise(F.col("_detail")).alias("_detail"),
        F.when(readable, as_came).otherwise(F.col("_raw")).alias("_raw"),
    )


def good(rows: DataFrame) -> DataFrame:
    """Rows that could be read in full."""
    return rows.where(F.size("_reasons") == 0)


def bad(rows: DataFrame) -> DataFrame:
    """Rows that could not."""
    return rows.where(F.size("_reasons") > 0)


def firsts(rows: DataFrame, table: Published) -> DataFrame:
    """The good rows, the first of each key: what others may be derived from."""
    order = Window.partitionBy(*table.key).orderBy("source_line")
    keyed = good(rows).dropna(subset=list(table.key))
    return keyed.withColumn("_nth", F.row_number().over(order)).where("_nth = 1").drop("_nth")


def coded(text: str, codes: Mapping[str, str | None]) -> Column:
    """The code for a text; a text that is not among them stays, for the contract to judge."""
    value = F.col(text)
    for published, code in codes.items():
        value = F.when(F.col(text) == published, F.lit(code)).otherwise(value)
    return value


def _read(name: str, kind: Kind) -> Column:
    text = F.col(name)
    if kind is Kind.NUMBER:
        return F.when(text.rlike(r"^[0-9]+\z"), F.expr(f"try_cast(`{name}` as int)"))
    if kind is Kind.MONEY:
        reais = F.expr(f"try_cast(`{name}` as decimal(18,2))")
        return F.when(text.rlike(_CENTS), (reais * 100).cast("bigint"))
    if kind is Kind.TIME:
        return F.to_utc_timestamp(_local(name), TIME_ZONE)
    if kind is Kind.DAY:
        next_day = F.date_add(F.to_date(_local(name)), 1).cast("timestamp")
        return F.to_utc_timestamp(next_day, TIME_ZONE) - F.expr("interval 1 microsecond")
    return text


def _local(name: str) -> Column:
    """A local time as if it were UTC; null where it is not written as published."""
    return F.when(F.col(name).rlike(_TIME), F.expr(f"try_cast(`{name}` as timestamp)"))


def _fault(name: str, kind: Kind) -> Column:
    """The reason code where a text stands that could not be read, else null."""
    unread = F.col(name).isNotNull() & _read(name, kind).isNull()
    if kind in (Kind.TIME, Kind.DAY):
        return F.when(unread, Rejection.BAD_TIME.code)
    reason = F.lit(Rejection.NOT_A_NUMBER.code)
    for rejection, pattern in reversed(_FAULTS_OF_NUMBERS):
        reason = F.when(F.col(name).rlike(pattern), rejection.code).otherwise(reason)
    return F.when(unread, reason)


def _shown(name: str) -> Column:
    return F.concat(F.lit(f"{name}: "), F.substring(name, 1, 40))
