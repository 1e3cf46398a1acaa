"""What refine reads of bronze: enough history of what a window touched, and no more.

A look-up reads the last `LOOK_BACK_DAYS` of bronze. Only what was touched and began earlier, or
whose order lines are not found there, is looked up in all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.tables import bronze, meta
from jobs.lake.io import Lake
from jobs.window import Window, end_of, start_of

log = logging.getLogger(__name__)

LOOK_BACK_DAYS = 200

ORDER_FLOW = (
    bronze.ORDERS, bronze.ORDER_ITEMS, bronze.ORDER_EVENTS, bronze.PAYMENTS, bronze.SHIPMENTS,
    bronze.REFUNDS, bronze.RETURNS, bronze.DISPUTES, bronze.MESSAGES, bronze.REVIEWS,
)  # fmt: skip
"""Entities whose rows name an order."""

KEYS = {table.name: table.natural_key for table in bronze.TABLES}


def first_landed(lake: Lake) -> date | None:
    """The business date with which history begins; None in an empty lake."""
    row = lake.read(meta.LANDING_FILES).agg(F.min("ds").alias("ds")).first()
    return row["ds"] if row else None


def landed_by(lake: Lake, table: Table, last: date) -> DataFrame:
    """All of an entity's rows known at the end of `last`."""
    return lake.read(table).where(F.col("ds") <= F.lit(last))


def of_subjects(
    lake: Lake, tables: Sequence[Table], subject: Sequence[str], window: Window, *,
    due: bool = False,
) -> dict[str, DataFrame]:  # fmt: skip
    """Rows by entity name of every subject that the window touched (`due`: or that falls due in
    it), with all versions of their natural keys up to the window's last day.

    A version may name another subject than the one before it: then both are touched.
    """
    if _begins_history(lake, window):
        return {table.name: landed_by(lake, table, window.last) for table in tables}
    since = window.first - timedelta(days=LOOK_BACK_DAYS)
    recent = {table: _between(lake, table, since, window.last) for table in tables}
    touched = _touched(lake, recent, subject, window, due).persist()
    old = _older(lake, recent, touched, subject, since)
    everything = {table: landed_by(lake, table, window.last) for table in tables}
    return {
        table.name: _closed(recent[table], everything[table], table, subject, touched, old)
        for table in tables
    }


def of_threads(lake: Lake, window: Window) -> DataFrame:
    """Rows of messages of every thread (a message and its answers) that the window touched."""
    if _begins_history(lake, window):
        return landed_by(lake, bronze.MESSAGES, window.last)
    since = window.first - timedelta(days=LOOK_BACK_DAYS)
    recent = _between(lake, bronze.MESSAGES, since, window.last)
    ids = recent.where(F.col("ds") >= F.lit(window.first)).select("message_id").distinct()
    named = recent.join(ids, "message_id", "left_semi")
    threads = named.select(F.explode(F.array("message_id", "in_reply_to")).alias("thread_id"))
    threads = threads.where(F.col("thread_id").isNotNull()).distinct()
    either = recent.select(
        "message_id", F.explode(F.array("message_id", "in_reply_to")).alias("thread_id")
    )
    concerned = either.join(threads, "thread_id", "left_semi").select("message_id").distinct()
    return recent.join(concerned, "message_id", "left_semi")


def _begins_history(lake: Lake, window: Window) -> bool:
    """True when nothing was known before the window: then everything in it is touched."""
    begun = first_landed(lake)
    return begun is None or begun >= window.first


def _between(lake: Lake, table: Table, first: date, last: date) -> DataFrame:
    return lake.read(table).where(F.col("ds").between(F.lit(first), F.lit(last)))


def _touched(
    lake: Lake, recent: dict[Table, DataFrame], subject: Sequence[str], window: Window, due: bool
) -> DataFrame:
    parts = []
    for table, rows in recent.items():
        new = rows.where(F.col("ds") >= F.lit(window.first))
        parts.append(new.select(*subject))
        if not set(subject) <= set(table.natural_key):
            keys = new.select(*table.natural_key).distinct()
            earlier = rows.where(F.col("ds") < F.lit(window.first))
            parts.append(earlier.join(keys, list(table.natural_key), "left_semi").select(*subject))
    if due:
        start, end = start_of(window.first, lake.zone), end_of(window.last, lake.zone)
        promised = (F.col("ship_by") >= F.lit(start)) & (F.col("ship_by") < F.lit(end))
        parts.append(
            landed_by(lake, bronze.ORDER_ITEMS, window.last).where(promised).select(*subject)
        )
    return reduce(DataFrame.unionByName, parts).dropna().distinct()


def _older(
    lake: Lake, recent: dict[Table, DataFrame], touched: DataFrame, subject: Sequence[str],
    since: date,
) -> DataFrame | None:  # fmt: skip
    """Touched subjects that began before the look-back; None when there are none."""
    begun = F.lit(start_of(since, lake.zone))
    parts = [rows.where(F.col("occurred_at") < begun).select(*subject) for rows in recent.values()]
    began_earlier = touched.join(reduce(DataFrame.unionByName, parts), list(subject), "left_semi")
    candidates = [began_earlier]
    if bronze.ORDER_ITEMS in recent:
        placed = recent[bronze.ORDER_ITEMS].select("order_id")
        unexplained = touched.join(placed, "order_id", "left_anti")
        earlier = lake.read(bronze.ORDER_ITEMS).where(F.col("ds") < F.lit(since))
        candidates.append(unexplained.join(earlier.select("order_id"), "order_id", "left_semi"))
    old = reduce(DataFrame.unionByName, candidates).distinct().persist()
    number = old.count()
    if number:
        log.info("%d older %s are looked up in all history", number, "/".join(subject))
    return old if number else None


def _closed(
    recent: DataFrame, everything: DataFrame, table: Table, subject: Sequence[str],
    touched: DataFrame, old: DataFrame | None,
) -> DataFrame:  # fmt: skip
    key = list(table.natural_key)
    rows = recent.join(touched, list(subject), "left_semi")
    within_key = set(subject) <= set(key)
    if not within_key:
        rows = recent.join(rows.select(*key).distinct(), key, "left_semi")
    if old is None:
        return rows
    older = everything.join(old, list(subject), "left_semi").select(*key).distinct()
    apart = rows.join(older, key, "left_anti")
    return apart.unionByName(everything.join(older, key, "left_semi"))
