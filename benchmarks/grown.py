"""A lake with a long history, made from the days of one simulated block.

The block's rows stand in the new lake as they are, and once more for every earlier block: dates
moved back, ids of what happened (orders, buyers, parcels, ...) made their own. Sellers and their
listings live through all blocks. Bronze, silver and the ledger are all copied, so that nothing is
computed over the whole history; a promise that falls due after its block's end is the one thing
that such a ledger does not count.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf import tables
from conf.contract import Column, Table, WriteMode
from conf.tables import meta
from features.asof import month_of
from jobs.lake.io import Lake
from jobs.window import Window

log = logging.getLogger(__name__)

BLOCK = "_block"
LIVE_ON = frozenset({"seller_id", "listing_id", "actor_id"})
"""Ids that mean the same in every block."""
KNOWN_FROM_THE_BEGINNING = ("sellers", "listings")
"""What landed with the oldest block and is not landed again."""


def grow(source: Lake, grown: Lake, block: Window, blocks: int) -> Window:
    """Fills an empty lake with `blocks` copies of the block that `source` holds, refined up to
    the block's last day; returns its days."""
    days = len(block)
    whole = Window(block.first - timedelta(days=days * (blocks - 1)), block.last)
    there = [t for t in tables.ALL if t.layer != "meta" and source.version(t) >= 0]
    for number, table in enumerate(there, 1):
        rows = _replicated(source, table, days, blocks)
        if table.mode is WriteMode.APPEND_ONCE:
            grown.append_once(table, rows, "grown")
        elif table.mode is WriteMode.MERGE:
            grown.merge(table, rows)
        elif table.mode is WriteMode.REPLACE_DS:
            grown.replace_ds(table, rows, whole)
        checkpoint(grown, table)
        log.info("[%d/%d] %s: %d days", number, len(there), table.path, len(whole))
    grown.append(meta.LANDING_FILES, _landing_files(source, days, blocks))
    grown.append(meta.DAYS, [row.asDict() for row in source.read(meta.DAYS).collect()])
    return whole


def _replicated(source: Lake, table: Table, days: int, blocks: int) -> DataFrame:
    numbers = F.explode(F.sequence(F.lit(0), F.lit(blocks - 1)))
    rows = source.read(table).withColumn(BLOCK, numbers)
    if table.name in KNOWN_FROM_THE_BEGINNING:
        rows = rows.where(F.col(BLOCK) == blocks - 1)
    moved = rows.select(*(_moved(c, days, source.zone).alias(c.name) for c in table.columns))
    # One file a partition, as a day's own run would leave it.
    return moved.repartition(*table.partition_by) if table.partition_by else moved


def _moved(column: Column, days: int, zone: str) -> SparkColumn:
    name = f"`{column.name}`"
    if column.name == "occurred_month":
        return month_of(F.expr(f"occurred_at - make_dt_interval({BLOCK} * {days})"), zone)
    if column.type == "timestamp":
        return F.expr(f"{name} - make_dt_interval({BLOCK} * {days})")
    if column.type == "date":
        return F.expr(f"date_sub({name}, {BLOCK} * {days})")
    is_id = column.name.endswith("_id") or column.name == "in_reply_to"
    if column.type == "string" and is_id and column.name not in LIVE_ON:
        return F.expr(f"if({BLOCK} = 0, {name}, concat({name}, '~', {BLOCK}))")
    return F.col(name)


def _landing_files(source: Lake, days: int, blocks: int) -> list[dict[str, Any]]:
    files = [row.asDict() for row in source.read(meta.LANDING_FILES).collect()]
    return [
        {
            **file,
            "ds": file["ds"] - timedelta(days=days * number),
            "source_sha256": f"{file['source_sha256']}~{number}" if number
            else file["source_sha256"],
        }
        for file in files
        for number in range(blocks)
    ]  # fmt: skip


def checkpoint(lake: Lake, table: Table) -> None:
    """A log that hundreds of days have written would have one."""
    jvm: Any = lake.spark._jvm
    delta_log = jvm.org.apache.spark.sql.delta.DeltaLog
    delta_log.forTable(lake.spark._jsparkSession, lake.path(table)).checkpoint()
