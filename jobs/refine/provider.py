"""Refine what the payment provider told: its intents, charges and balance transactions.

The window's events are added to the rows that stand; the sum is the same in any order.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import bronze, provider
from features import provider as told_by_provider
from jobs import history
from jobs.history import History
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days
from jobs.window import Window

READS = (bronze.STRIPE_EVENTS,)
WRITES = provider.TABLES
JOB = "refine.provider"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    new = days.not_refined_yet(lake, window, JOB)
    if new is None:
        return
    past = history.of(lake, new)
    events = past.all_of(bronze.STRIPE_EVENTS).where(F.col("ds") >= F.lit(new.first))
    told = told_by_provider.told(lake.settle(events))
    for table in WRITES:
        _merge(past, table, lake.settle(told[table.name]))
    record_day(lake, new.last, "refined", JOB)


def _merge(past: History, table: Table, new: DataFrame) -> None:
    """Merges the objects that the window tells of."""
    if new.isEmpty():
        return
    lake, (key,) = past.lake, table.key
    stands = lake.settle(lake.read(table).join(new.select(key).distinct(), key, "left_semi"))
    added = told_by_provider.added_to(table, stands, new)
    now = lake.settle(told_by_provider.with_month(table, added, lake.zone))
    lake.merge(table, now, lake.partitions_of(table, now.unionByName(stands)))
