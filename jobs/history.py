"""What a window's jobs read of bronze: enough history of what it touched, and no more.

A look-up reads the last `LOOK_BACK_DAYS` of bronze. Only orders that were touched and began
earlier, or whose lines are not found there, are looked up in all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from conf.contract import Table
from conf.tables import bronze, meta
from features import asof
from jobs.lake.io import Lake
from jobs.window import Window, end_of, start_of

log = logging.getLogger(__name__)

LOOK_BACK_DAYS = 200
FEW_KEYS = 2_000_000
"""So many hashes of keys fit into every task's memory."""

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


def of(lake: Lake, window: Window, until: datetime | None = None) -> History:
    """What there is to read of bronze for a window."""
    return History(lake, window, first_landed(lake) or window.first, until)


@dataclass(frozen=True)
class OfOrders:
    """`touched` (order_id), and by entity name the rows of these orders, with all versions of their
    natural keys (which may name other orders)."""

    touched: DataFrame
    rows: dict[str, DataFrame]


@dataclass(frozen=True)
class History:
    """Bronze as known at the end of a window; `begun` is the first day that landed.

    `until` cuts a window whose last day is still open: what was known before that instant.
    """

    lake: Lake
    window: Window
    begun: date
    until: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Does the window begin with history itself, so that all of it is read?"""
        return self.begun >= self.window.first

    @property
    def since(self) -> date:
        """The first day of the look-back."""
        return max(self.begun, self.window.first - timedelta(days=LOOK_BACK_DAYS))

    def all_of(self, table: Table) -> DataFrame:
        """All of an entity's rows."""
        rows = self.lake.read(table).where(F.col("ds") <= F.lit(self.window.last))
        return rows if self.until is None else rows.where(F.col("known_at") < F.lit(self.until))

    def versions(self, table: Table, rows: DataFrame) -> DataFrame:
        """`asof.versions` of rows read here. Where these are all there are, the keys with one row,
        which are most, are not sorted."""
        return asof.versions(rows, table.natural_key, self.in_several_rows(table))

    def in_several_rows(self, table: Table) -> DataFrame | None:
        """`asof.in_several_rows` of all of an entity; None where they are many, or where only
        some rows are read."""
        if not self.is_whole:
            return None
        at = (self.window.last, self.until)
        content = ("in_several_rows", table.path, self.lake.version(table), at)
        return self.lake.settle_few(
            content,
            lambda: asof.in_several_rows(self.all_of(table), table.natural_key),
            FEW_KEYS,
        )

    def in_question(self, table: Table, rows: DataFrame) -> DataFrame:
        """The rows less those, as far as is known, whose key has no other row."""
        several = self.in_several_rows(table)
        return rows if several is None else asof.split(rows, table.natural_key, several)[0]

    def of_orders(
        self, tables: Sequence[Table], *, due: bool = False, also: DataFrame | None = None
    ) -> OfOrders:
        """What is known of every order that the window touched (`due`: or that has a line that
        falls due in it; `also`: or that is named there).

        A row touches its order, the orders that other versions of it named, and the orders that
        other events about the same shipment, return or dispute name.
        """
        if self.is_whole:
            rows = {table.name: self.all_of(table) for table in tables}
            in_window = F.col("ds") >= F.lit(self.window.first)
            named = [frame.where(in_window).select("order_id") for frame in rows.values()]
            if also is not None:
                named.append(also.select("order_id"))
            return OfOrders(reduce(DataFrame.union, named).dropna().distinct(), rows)
        since = self.since
        ties = reduce(DataFrame.unionByName, (self._ties(table, since) for table in tables))
        # Looked through four times: kept, narrow as it is, rather than read and planned again.
        recent = ties.persist(StorageLevel.MEMORY_AND_DISK)
        touched = self._touched(recent, due)
        if also is not None:
            touched = touched.union(also.select("order_id")).distinct()
        touched = self.lake.settle(touched)
        found = self.lake.settle(recent.join(touched, "order_id", "left_semi"))
        recent.unpersist()
        if self.begun < since and (old := self._older(found, touched)) is not None:
            earlier = (self._ties(table, self.begun).join(old, "order_id") for table in tables)
            found = self.lake.settle(reduce(DataFrame.unionByName, [found, *earlier]))
            since = self.begun
        versions = self.lake.settle(found.select("version_tie").distinct())
        rows = {
            table.name: self._from(table, since)
            .withColumn("version_tie", _version_tie(table))
            .join(versions, "version_tie", "left_semi")
            .drop("version_tie")
            for table in tables
        }
        return OfOrders(touched, rows)

    def of_keys(self, table: Table, key: Sequence[str]) -> DataFrame:
        """Rows of every key that the window touched, with all versions of their natural keys. Keys
        whose new rows say that they began before the look-back are looked up in all history."""
        if self.is_whole:
            return self.all_of(table)
        new = self.lake.settle(self._from(table, self.window.first))
        if new.isEmpty():
            return new
        older = new.where(F.col("occurred_at") < start_of(self.since, self.lake.zone))
        beyond = self.begun < self.since and not older.isEmpty()
        rows = self.all_of(table) if beyond else self._from(table, self.since)
        natural = list(table.natural_key)
        touched = new.select(*key)
        if set(key) != set(natural):
            other = rows.join(new.select(*natural).distinct(), natural, "left_semi").select(*key)
            concerned = rows.join(touched.union(other).distinct(), list(key), "left_semi")
            return rows.join(concerned.select(*natural).distinct(), natural, "left_semi")
        return rows.join(touched.distinct(), natural, "left_semi")

    def of_threads(self) -> DataFrame:
        """Rows of messages of every thread (a message and its answers) that the window touched."""
        if self.is_whole:
            return self.all_of(bronze.MESSAGES)
        recent = self._from(bronze.MESSAGES, self.since)
        thread = F.explode(F.array_compact(F.array("message_id", "in_reply_to")))
        members = recent.select("message_id", "ds", thread.alias("thread_id"))
        new = members.where(F.col("ds") >= F.lit(self.window.first)).select("message_id").distinct()
        threads = members.join(new, "message_id", "left_semi").select("thread_id").distinct()
        concerned = members.join(threads, "thread_id", "left_semi").select("message_id")
        return recent.join(self.lake.settle(concerned).distinct(), "message_id", "left_semi")

    def _from(self, table: Table, first: date) -> DataFrame:
        return self.all_of(table).where(F.col("ds") >= F.lit(first))

    def _ties(self, table: Table, since: date) -> DataFrame:
        """By what rows hang together, as hashes: narrow, and of one shape for all entities.

        Two keys with one hash bring in rows of an order that nothing touched, which add nothing.
        """
        thing = F.xxhash64(F.lit(table.name), THING[table]) if table in THING else F.lit(None)
        return self._from(table, since).select(
            "order_id", "ds", "occurred_at",
            _version_tie(table).alias("version_tie"),
            thing.cast("bigint").alias("thing_tie"),
            F.lit(table is bronze.ORDER_ITEMS).alias("is_line"),
        )  # fmt: skip

    def _touched(self, recent: DataFrame, due: bool) -> DataFrame:
        lake, first = self.lake, self.window.first
        new = lake.settle(recent.where(F.col("ds") >= F.lit(first)))
        before = recent.where(F.col("ds") < F.lit(first))
        versions = lake.settle(
            before.join(new.select("version_tie").distinct(), "version_tie", "left_semi")
        )
        things = new.unionByName(versions).select("thing_tie").dropna().distinct()
        about = before.join(things, "thing_tie", "left_semi")
        orders = [frame.select("order_id") for frame in (new, versions, about)]
        if due:
            start, end = start_of(first, lake.zone), end_of(self.window.last, lake.zone)
            promised = (F.col("ship_by") >= F.lit(start)) & (F.col("ship_by") < F.lit(end))
            orders.append(self.all_of(bronze.ORDER_ITEMS).where(promised).select("order_id"))
        return reduce(DataFrame.union, orders).dropna().distinct()

    def _older(self, found: DataFrame, touched: DataFrame) -> DataFrame | None:
        """Touched orders that began before the look-back; None when there are none."""
        start = start_of(self.since, self.lake.zone)
        began_earlier = found.where(F.col("occurred_at") < F.lit(start))
        without_lines = touched.join(found.where("is_line"), "order_id", "left_anti")
        earlier = self.all_of(bronze.ORDER_ITEMS).where(F.col("ds") < F.lit(self.since))
        placed_earlier = earlier.select("order_id").join(without_lines, "order_id", "left_semi")
        both = began_earlier.select("order_id").union(placed_earlier)
        old = self.lake.settle(both.distinct())
        number = old.count()
        if number:
            log.info("%d older orders are looked up in all history", number)
        return old if number else None


def _version_tie(table: Table) -> Column:
    return F.xxhash64(F.lit(table.name), *table.natural_key)
