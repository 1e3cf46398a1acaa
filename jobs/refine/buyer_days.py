"""Refine what each landing day changed in the buyers' counts, order lists and regions."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze, silver
from features import asof, buyer, order
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL
from jobs import history
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days
from jobs.window import Window

READS = tuple(table for table in bronze.TABLES if table.name in buyer.COUNTED)
WRITES = (silver.BUYER_DAYS, silver.REGION_DAYS, silver.BUYER_ORDERS)

MEASURES = tuple(column.name for column in silver.BUYER_MEASURES)
REGION_MEASURES = ("orders", "total_minor")
JOB = "refine.buyer_days"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    window = days.ledger_window(lake, window, JOB)
    past = history.of(lake, window)
    rows = past.of_orders(READS).rows
    versions = {t.name: past.versions(t, rows[t.name]) for t in READS}
    known = lake.settle_all({
        name: asof.counted(frame, buyer.COUNTED[name], buyer.KINDS.get(name, ()))
        for name, frame in versions.items()
    })  # fmt: skip
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
    facts = {
        "orders": known["orders"],
        "order_items": known["order_items"],
        "marks": order.marks(known["order_events"], known["shipments"]),
        "refunds": known["refunds"],
    }
    turning = [asof.turning_days(frame, order.SUBJECT) for frame in facts.values()]
    turned = lake.settle(asof.subject_days(turning, order.SUBJECT, window.first, window.last))
    at = {name: asof.at(frame, turned, order.SUBJECT) for name, frame in facts.items()}
    times = order.line_times(at["order_items"], at["marks"])
    come = order.fulfilment(at["orders"], times, at["marks"])
    return buyer.placed_orders(at["orders"], come, at["refunds"], lake.zone)


def _first_orders(lake: Lake, entries: DataFrame, window: Window) -> DataFrame:
    """First orders of the buyers whose order list the window changed."""
    earlier = lake.read(silver.BUYER_ORDERS).where(F.col("known_ds") < F.lit(window.first))
    buyers = entries.select("buyer_id").distinct()
    order_list = earlier.join(buyers, "buyer_id", "left_semi").unionByName(entries)
    turning = order_list.select("buyer_id", F.col("known_ds").alias(AS_OF))
    turned = asof.subject_days([turning], ["buyer_id"], window.first, window.last)
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
