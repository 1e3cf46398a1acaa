"""Refine what each landing day changed in the buyers' counts, order lists and regions."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze, silver
from features import asof, buyer, order
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days, history
from jobs.window import Window

READS = (
    bronze.ORDERS, bronze.ORDER_ITEMS, bronze.ORDER_EVENTS, bronze.SHIPMENTS, bronze.REFUNDS,
)  # fmt: skip
WRITES = (silver.BUYER_DAYS, silver.REGION_DAYS, silver.BUYER_ORDERS)

MEASURES = tuple(column.name for column in silver.BUYER_MEASURES)
REGION_MEASURES = ("orders", "total_minor")
JOB = "refine.buyer_days"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    window = days.ledger_window(lake, window, JOB)
    rows = history.of_orders(lake, READS, window)
    known = lake.settle_all({t.name: order.known(rows[t.name], t.natural_key) for t in READS})
    placed = lake.settle(_placed_orders(lake, known, window))
    entries = lake.settle(_summed(placed, buyer.LIST_ENTRY, ("listed",), window))
    lake.replace_ds(silver.BUYER_ORDERS, entries, window)
    by_region = asof.changes(
        buyer.placed_by_region(known["orders"], lake.zone), buyer.REGION_DIMENSIONS,
        REGION_MEASURES, window.first, window.last, begins=KNOWN_FROM, ends=KNOWN_UNTIL,
    ).dropna(subset=["currency"])  # fmt: skip
    regions = asof.summed([by_region], buyer.REGION_DIMENSIONS, REGION_MEASURES)
    lake.replace_ds(silver.REGION_DAYS, regions, window)
    parts = [
        _changes(placed, buyer.DIMENSIONS, MEASURES, window),
        _changes(_first_orders(lake, entries, window), buyer.DIMENSIONS, MEASURES, window),
    ]
    lake.replace_ds(silver.BUYER_DAYS, asof.summed(parts, buyer.DIMENSIONS, MEASURES), window)
    record_day(lake, window.last, "refined", JOB)


def _placed_orders(lake: Lake, known: dict[str, DataFrame], window: Window) -> DataFrame:
    turning = order.turning_days(known, lake.zone)
    turned = lake.settle(asof.subject_days(turning, order.SUBJECT, window.first, window.last))
    at = {name: asof.at(frame, turned, order.SUBJECT) for name, frame in known.items()}
    happened = order.marks_at(at["order_events"], at["shipments"])
    times = lake.settle(order.line_times(at["order_items"], happened))
    come = order.fulfilment(at["orders"], times, happened)
    return buyer.placed_orders(at["orders"], come, at["refunds"], lake.zone)


def _first_orders(lake: Lake, entries: DataFrame, window: Window) -> DataFrame:
    """First orders of the buyers whose order list the window changed."""
    turning = entries.select("buyer_id", F.col("known_ds").alias(AS_OF))
    turned = asof.subject_days([turning], ["buyer_id"], window.first, window.last)
    earlier = lake.read(silver.BUYER_ORDERS).where(F.col("known_ds") < F.lit(window.first))
    buyers = entries.select("buyer_id").distinct()
    order_list = earlier.join(buyers, "buyer_id", "left_semi").unionByName(entries)
    return buyer.first_orders(order_list, turned, lake.zone)


def _changes(
    contributions: DataFrame, dimensions: tuple[str, ...], measures: tuple[str, ...], window: Window
) -> DataFrame:
    changed = asof.changes(contributions, dimensions, measures, window.first, window.last)
    return changed.dropna(subset=["buyer_id", "currency"])


def _summed(
    contributions: DataFrame, dimensions: tuple[str, ...], measures: tuple[str, ...], window: Window
) -> DataFrame:
    return asof.summed(
        [_changes(contributions, dimensions, measures, window)], dimensions, measures
    )
