"""What was known at the end of a business date, for jobs that work on that date.

Of an entity: its state. Silver serves when it knows exactly that much; otherwise the same function
reads bronze. Of a ledger: what was known about the business dates of a window.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.tables import bronze, silver
from features import asof, order, state
from jobs.lake.io import Lake
from jobs.lake.records import newest_day

ORDER_FACTS = (
    bronze.ORDERS, bronze.ORDER_ITEMS, bronze.ORDER_EVENTS, bronze.SHIPMENTS, bronze.PAYMENTS,
    bronze.REFUNDS,
)  # fmt: skip

SOURCE = {table.name: table for table in bronze.TABLES}


def read_state(lake: Lake, table: Table, ds: date) -> DataFrame:
    """A silver entity table as of the end of `ds`: silver where its watermark is `ds`, else the
    same state computed from bronze, equal to the last row."""
    refined = newest_day(lake, "refined", table.writer)
    closed = newest_day(lake, "closed")
    if refined == ds and closed == ds:
        return lake.read(table)
    sources = ORDER_FACTS if table is silver.ORDERS else (SOURCE[table.name],)
    known = {
        source.name: asof.versions(
            lake.read(source).where(F.col("ds") <= F.lit(ds)), source.natural_key
        )
        for source in sources
    }
    return computed(table, known, ds, lake.zone)


def read_ledger(lake: Lake, table: Table, first: date, last: date) -> DataFrame:
    """A ledger's rows about `first` and later business dates that were known at the end of `last`.

    Nothing is known before it occurred, so that older partitions hold nothing of these dates.
    """
    in_time = F.col("known_ds").between(F.lit(first), F.lit(last))
    return lake.read(table).where(in_time & (F.col("occurred_ds") >= F.lit(first)))


def computed(table: Table, versions: dict[str, DataFrame], ds: date, zone: str) -> DataFrame:
    """The rows of a silver entity table as of the end of `ds`, from the versions, known by then,
    of the entities that it is made of, by name."""
    if table is silver.ORDERS:
        now = order.current(versions, ds)
    elif how := state.ROLLED_UP.get(table.name):
        now = state.rolled_up(asof.standing(versions[table.name]), how)
    else:
        now = asof.standing(versions[table.name])
    if table.partition_by:
        month = asof.month_of(now["occurred_at"], zone)
        now = now.withColumn(silver.c.OCCURRED_MONTH.name, month)
    return now.dropna(subset=list(table.key)).select(*table.column_names)
