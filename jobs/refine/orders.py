"""Refine the orders: one row an order, with its status derived from the facts known."""

from __future__ import annotations

from conf.settings import Settings
from conf.tables import silver
from jobs import history
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days, repeats
from jobs.refine.entities import merge_touched
from jobs.state import ORDER_FACTS
from jobs.window import Window

READS = ORDER_FACTS
WRITES = (silver.ORDERS,)
JOB = "refine.orders"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    new = days.not_refined_yet(lake, window, JOB)
    if new is None:
        return
    past = history.of(lake, new)
    rows = past.of_orders(ORDER_FACTS).rows
    if not past.is_whole:
        rows = lake.settle_all(rows)
    merge_touched(past, silver.ORDERS, rows)
    repeats.report_conflicts(past, {"orders": rows["orders"]})
    record_day(lake, new.last, "refined", JOB)
