"""Refine the current state of every entity but orders: one row a natural key.

Each landing's touched keys are computed anew from their history in bronze and merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import silver
from features import asof
from jobs import history
from jobs.history import History
from jobs.lake.io import GONE, Lake
from jobs.lake.records import record_day
from jobs.refine import days, repeats
from jobs.state import SOURCE, computed
from jobs.window import Window

TABLES = (*silver.LATEST_VERSION, *silver.ROLLED_UP)
READS = tuple(SOURCE[table.name] for table in TABLES)
WRITES = TABLES
JOB = "refine.entities"
AT_ONCE = 4


def run(lake: Lake, settings: Settings, window: Window) -> None:
    new = days.not_refined_yet(lake, window, JOB)
    if new is None:
        return
    past = history.of(lake, new)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reading = {table.name: pool.submit(_touched, past, table) for table in TABLES}
        touched = {name: rows for name, read in reading.items() if (rows := read.result())}
        merging = [
            pool.submit(merge_touched, past, table, {table.name: touched[table.name]})
            for table in TABLES
            if table.name in touched
        ]
        for merged in merging:
            merged.result()
    repeats.report_conflicts(past, touched)
    record_day(lake, new.last, "refined", JOB)


def _touched(past: History, table: Table) -> DataFrame | None:
    """The history of every key that the window touched; None when it touched none."""
    rows = past.of_keys(SOURCE[table.name], table.key)
    if not past.is_whole:
        rows = past.lake.settle(rows)
    return None if rows.isEmpty() else rows


def merge_touched(past: History, table: Table, rows: dict[str, DataFrame]) -> None:
    """Merges the state of every key in `rows`; a key that no longer exists is deleted."""
    lake = past.lake
    versions = {name: past.versions(SOURCE[name], frame) for name, frame in rows.items()}
    now = computed(table, versions, past.window.last, lake.zone)
    if lake.is_empty(table):
        lake.merge(table, now)
        return
    source = rows[table.name]
    keys = source.select(*table.key).dropna().distinct()
    here = F.col("_here").isNull()
    merged = keys.join(now.withColumn("_here", F.lit(True)), list(table.key), "left")
    lake.merge(table, merged.withColumn(GONE, here), _months(source, table, lake.zone))


def _months(rows: DataFrame, table: Table, zone: str) -> Sequence[date] | None:
    """The months in which the keys may stand now: those of all their versions."""
    if not table.partition_by:
        return None
    month = asof.month_of(F.col("occurred_at"), zone).alias("month")
    return [row["month"] for row in rows.select(month).distinct().collect()]
