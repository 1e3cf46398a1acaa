"""Refine the orders: one row an order, with its status derived from the facts known."""

from __future__ import annotations

from conf.settings import Settings
from conf.tables import silver
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days, history, repeats
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
    rows = history.of_orders(lake, ORDER_FACTS, new)
    rows = lake.settle_all(rows)
    merge_touched(lake, silver.ORDERS, rows, new)
    repeats.report_conflicts(lake, {"orders": rows["orders"]}, new)
    record_day(lake, new.last, "refined", JOB)
