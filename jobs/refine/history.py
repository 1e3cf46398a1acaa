"""What refine reads of bronze: enough history of what a window touched, and no more.

A look-up reads the last `LOOK_BACK_DAYS` of bronze. Only orders that were touched and began
earlier, or whose lines are not found there, are looked up in all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from conf.contract import Table
from conf.tables import bronze, meta
from jobs.lake.io import Lake
from jobs.window import Window, end_of, start_of

log = logging.getLogger(__name__)

LOOK_BACK_DAYS = 200

THING = {
    bronze.SHIPMENTS: "shipment_id",
    bronze.RETURNS: "return_id",
    bronze.DISPUTES: "dispute_id",
}
"""What a stream of events is about: events about one thing hang together."""


def first_landed(lake: Lake) -> date | None:
    """The business date with which history begins; None in an empty lake."""
    row = lake.read(meta.LANDING_FILES).agg(F.min("ds").alias("ds")).first()
    return row["ds"] if row else None


def landed_by(lake: Lake, table: Table, last: date) -> DataFrame:
    """All of an entity's rows known at the end of `last`."""
    return lake.read(table).where(F.col("ds") <= F.lit(last))


def of_orders(
    lake: Lake, tables: Sequence[Table], window: Window, *, due: bool = False
) -> dict[str, DataFrame]:
    """Rows by entity name of every order that the window touched (`due`: or that has a line that
    falls due in it), with all versions of their natural keys up to the window's last day.

    A row touches its order, the orders that other versions of it named, and the orders that other
    events about the same shipment, return or dispute name.
    """
    begun = first_landed(lake)
    if begun is None or begun >= window.first:
        return {table.name: landed_by(lake, table, window.last) for table in tables}
    since = max(begun, window.first - timedelta(days=LOOK_BACK_DAYS))
    ties = [_ties(lake, table, since, window) for table in tables]
    # Looked through four times: kept, narrow as it is, rather than read and planned again.
    recent = reduce(DataFrame.unionByName, ties).persist(StorageLevel.MEMORY_AND_DISK)
    touched = lake.settle(_touched(lake, recent, window, due))
    found = lake.settle(recent.join(touched, "order_id", "left_semi"))
    recent.unpersist()
    if begun < since and (old := _older(lake, found, touched, since)) is not None:
        earlier = (_ties(lake, table, begun, window).join(old, "order_id") for table in tables)
        found = lake.settle(reduce(DataFrame.unionByName, [found, *earlier]))
        since = begun
    versions = lake.settle(found.select("version_tie").distinct())
    return {
        table.name: _between(lake, table, since, window.last)
        .withColumn("version_tie", _version_tie(table))
        .join(versions, "version_tie", "left_semi")
        .drop("version_tie")
        for table in tables
    }


def of_keys(lake: Lake, table: Table, key: Sequence[str], window: Window) -> DataFrame:
    """Rows of every key that the window touched, up to its last day, with all versions of their
    natural keys. Keys whose new rows say that they began before the look-back are looked up in
    all history."""
    begun = first_landed(lake)
    if begun is None or begun >= window.first:
        return landed_by(lake, table, window.last)
    since = max(begun, window.first - timedelta(days=LOOK_BACK_DAYS))
    rows = _between(lake, table, since, window.last)
    new = lake.settle(_between(lake, table, window.first, window.last))
    if new.isEmpty():
        return new
    if begun < since and not new.where(F.col("occurred_at") < start_of(since, lake.zone)).isEmpty():
        rows = landed_by(lake, table, window.last)
    natural = list(table.natural_key)
    touched = new.select(*key)
    if set(key) != set(natural):
        other = rows.join(new.select(*natural).distinct(), natural, "left_semi").select(*key)
        concerned = rows.join(touched.union(other).distinct(), list(key), "left_semi")
        return rows.join(concerned.select(*natural).distinct(), natural, "left_semi")
    return rows.join(touched.distinct(), natural, "left_semi")


def of_threads(lake: Lake, window: Window) -> DataFrame:
    """Rows of messages of every thread (a message and its answers) that the window touched."""
    begun = first_landed(lake)
    if begun is None or begun >= window.first:
        return landed_by(lake, bronze.MESSAGES, window.last)
    since = max(begun, window.first - timedelta(days=LOOK_BACK_DAYS))
    recent = _between(lake, bronze.MESSAGES, since, window.last)
    thread = F.explode(F.array_compact(F.array("message_id", "in_reply_to"))).alias("thread_id")
    members = recent.select("message_id", "ds", thread)
    new = members.where(F.col("ds") >= F.lit(window.first)).select("message_id").distinct()
    threads = members.join(new, "message_id", "left_semi").select("thread_id").distinct()
    concerned = lake.settle(members.join(threads, "thread_id", "left_semi").select("message_id"))
    return recent.join(concerned.distinct(), "message_id", "left_semi")


def _between(lake: Lake, table: Table, first: date, last: date) -> DataFrame:
    return lake.read(table).where(F.col("ds").between(F.lit(first), F.lit(last)))


def _version_tie(table: Table) -> Column:
    return F.xxhash64(F.lit(table.name), *table.natural_key)


def _ties(lake: Lake, table: Table, since: date, window: Window) -> DataFrame:
    """By what rows hang together, as hashes: narrow, and of one shape for all entities.

    Two keys with one hash bring in rows of an order that nothing touched, which add nothing.
    """
    thing = F.xxhash64(F.lit(table.name), THING[table]) if table in THING else F.lit(None)
    return _between(lake, table, since, window.last).select(
        "order_id", "ds", "occurred_at",
        _version_tie(table).alias("version_tie"),
        thing.cast("bigint").alias("thing_tie"),
        F.lit(table is bronze.ORDER_ITEMS).alias("is_line"),
    )  # fmt: skip


def _touched(lake: Lake, recent: DataFrame, window: Window, due: bool) -> DataFrame:
    new = lake.settle(recent.where(F.col("ds") >= F.lit(window.first)))
    before = recent.where(F.col("ds") < F.lit(window.first))
    versions = lake.settle(
        before.join(new.select("version_tie").distinct(), "version_tie", "left_semi")
    )
    things = new.unionByName(versions).select("thing_tie").dropna().distinct()
    about = before.join(things, "thing_tie", "left_semi")
    orders = [frame.select("order_id") for frame in (new, versions, about)]
    if due:
        start, end = start_of(window.first, lake.zone), end_of(window.last, lake.zone)
        promised = (F.col("ship_by") >= F.lit(start)) & (F.col("ship_by") < F.lit(end))
        lines = landed_by(lake, bronze.ORDER_ITEMS, window.last)
        orders.append(lines.where(promised).select("order_id"))
    return reduce(DataFrame.union, orders).dropna().distinct()


def _older(lake: Lake, found: DataFrame, touched: DataFrame, since: date) -> DataFrame | None:
    """Touched orders that began before the look-back; None when there are none."""
    began_earlier = found.where(F.col("occurred_at") < F.lit(start_of(since, lake.zone)))
    without_lines = touched.join(found.where("is_line"), "order_id", "left_anti")
    lines = lake.read(bronze.ORDER_ITEMS).where(F.col("ds") < F.lit(since)).select("order_id")
    placed_earlier = lines.join(without_lines, "order_id", "left_semi")
    old = lake.settle(began_earlier.select("order_id").union(placed_earlier).distinct())
    number = old.count()
    if number:
        log.info("%d older orders are looked up in all history", number)
    return old if number else None
