"""Refine what each landing day changed in the sellers' counts, order lists and states.

The partition of a day holds the difference between what was known at its end and at the end of
the day before, for everything that its landing touched or that fell due on it, always computed
from bronze. Any window of any day is then one sum over the partitions up to that day.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import bronze, silver
from features import asof, order, seller
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL
from jobs.lake.io import Lake
from jobs.refine import days, history
from jobs.window import Window

LINE_FACTS = (bronze.ORDER_ITEMS, bronze.ORDER_EVENTS, bronze.SHIPMENTS)
ORDER_FACTS = (
    bronze.ORDER_ITEMS, bronze.ORDERS, bronze.REFUNDS, bronze.RETURNS, bronze.DISPUTES,
    bronze.MESSAGES, bronze.REVIEWS,
)  # fmt: skip
PLAIN_FACTS = tuple(t for t in bronze.TABLES if t.name in seller.PLAIN_ENTITIES)
STATE_FACTS = (
    bronze.SELLERS, bronze.LISTINGS, bronze.ENFORCEMENT_ACTIONS, bronze.DOCUMENT_VERIFICATIONS,
)  # fmt: skip

READS = (
    bronze.ORDER_ITEMS, bronze.ORDER_EVENTS, bronze.SHIPMENTS, bronze.ORDERS, bronze.REFUNDS,
    bronze.RETURNS, bronze.DISPUTES, bronze.MESSAGES, bronze.REVIEWS, *(table for table in PLAIN_FACTS if table is not bronze.REVIEWS),
    *STATE_FACTS,
)  # fmt: skip
WRITES = (
    silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.SELLER_BUYER_ORDERS,
    silver.SELLER_STATE,
)  # fmt: skip

MEASURES = tuple(column.name for column in silver.SELLER_MEASURES)
CATEGORY_MEASURES = tuple(column.name for column in silver.CATEGORY_MEASURES)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    window = days.ledger_window(lake, window, silver.SELLER_DAYS)
    lines = _placed_lines(lake, window)
    seller_orders, listed = _seller_orders(lake, window)
    entries = _list_changes(listed, window).persist()
    lake.replace_ds(silver.SELLER_BUYER_ORDERS, entries, window)
    lake.replace_ds(silver.SELLER_CATEGORY_DAYS, _by_category(lines, window), window)
    lake.replace_ds(silver.SELLER_STATE, _states(lake, window), window)
    parts = [
        _whole(lines, window),
        *(_dated(part, window) for part in (
            _line_progress(lake, window), seller_orders, _repeats(lake, entries, window),
            *_parcels(lake, window),
        )),
        *(_whole(part, window) for part in _plain(lake, window)),
    ]  # fmt: skip
    ledger = asof.summed(_owned(parts), seller.DIMENSIONS, MEASURES)
    lake.replace_ds(silver.SELLER_DAYS, ledger, window)


def _known(rows: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
    return order.known(rows, history.KEYS)


def _placed_lines(lake: Lake, window: Window) -> DataFrame:
    rows = history.of_subjects(lake, [bronze.ORDER_ITEMS], ["order_id", "line_no"], window)
    return seller.placed_lines(_known(rows)["order_items"], lake.zone)


def _by_category(lines: DataFrame, window: Window) -> DataFrame:
    named = lines.where(F.col("category").isNotNull())
    changed = asof.changes(
        named, seller.CATEGORY_DIMENSIONS, CATEGORY_MEASURES, window.first, window.last,
        begins=KNOWN_FROM, ends=KNOWN_UNTIL,
    )  # fmt: skip
    return asof.summed(_owned([changed]), seller.CATEGORY_DIMENSIONS, CATEGORY_MEASURES)


def _line_progress(lake: Lake, window: Window) -> DataFrame:
    known = _known(history.of_subjects(lake, LINE_FACTS, order.SUBJECT, window, due=True))
    at = order.on_days_of(known, tuple(known), lake.zone, window.first, window.last)
    marks_at = order.marks_at(at["order_events"], at["shipments"])
    return seller.line_progress(order.line_times(at["order_items"], marks_at), lake.zone)


def _seller_orders(lake: Lake, window: Window) -> tuple[DataFrame, DataFrame]:
    """Contributions of seller-orders, and their entries in the pairs' order lists."""
    known = _known(history.of_subjects(lake, ORDER_FACTS, order.SUBJECT, window))
    at = order.on_days_of(known, tuple(known), lake.zone, window.first, window.last)
    seller_orders_at = order.seller_orders(at["order_items"])
    flagged = order.with_complaints(seller_orders_at, order.complaints(at))
    return seller.placed_orders(flagged, lake.zone), seller.listed_orders(
        seller_orders_at, at["orders"]
    )


def _list_changes(listed: DataFrame, window: Window) -> DataFrame:
    changed = asof.changes(listed, seller.LIST_ENTRY, ["listed"], window.first, window.last)
    return asof.summed(_owned([changed]), seller.LIST_ENTRY, ["listed"])


def _repeats(lake: Lake, entries: DataFrame, window: Window) -> DataFrame:
    """Repeat orders of the pairs whose order list the window changed."""
    turning = entries.select(*seller.PAIR, F.col("known_ds").alias(AS_OF))
    turned = asof.subject_days([turning], seller.PAIR, window.first, window.last)
    earlier = lake.read(silver.SELLER_BUYER_ORDERS).where(F.col("known_ds") < F.lit(window.first))
    pairs = entries.select(*seller.PAIR).distinct()
    order_list = earlier.join(pairs, list(seller.PAIR), "left_semi").unionByName(entries)
    return seller.repeat_orders(order_list, turned, lake.zone)


def _parcels(lake: Lake, window: Window) -> list[DataFrame]:
    """What is about a shipment, a return, a refund of a return, a reply, a closed dispute."""
    by_shipment = _at(lake, [bronze.SHIPMENTS], ["shipment_id"], window)
    by_return = _at(lake, [bronze.RETURNS], ["return_id", "line_no"], window)
    by_order = _at(lake, [bronze.REFUNDS, bronze.RETURNS], ["order_id"], window)
    by_dispute = _at(lake, [bronze.DISPUTES], ["dispute_id"], window)
    return [
        seller.shipments_sent(by_shipment["shipments"], lake.zone),
        seller.returns_arrived(by_return["returns"], lake.zone),
        seller.refunds_of_returns(by_order["refunds"], by_order["returns"], lake.zone),
        seller.disputes_closed(by_dispute["disputes"], lake.zone),
        seller.first_replies(_threads_at(lake, window), lake.zone),
    ]


def _at(
    lake: Lake, tables: list[Table], subject: list[str], window: Window
) -> dict[str, DataFrame]:
    known = _known(history.of_subjects(lake, tables, subject, window))
    turning = [asof.turning_days(frame, subject) for frame in known.values()]
    turned = asof.subject_days(turning, subject, window.first, window.last)
    return {name: asof.at(frame, turned, subject) for name, frame in known.items()}


def _threads_at(lake: Lake, window: Window) -> DataFrame:
    messages = asof.versions(history.of_threads(lake, window), ["message_id"])
    thread = F.explode(F.array_compact(F.array("message_id", "in_reply_to"))).alias("thread_id")
    known = messages.select("*", thread)
    turning = asof.turning_days(known, ["thread_id"])
    turned = asof.subject_days([turning], ["thread_id"], window.first, window.last)
    return asof.at(known, turned, ["thread_id"])


def _plain(lake: Lake, window: Window) -> list[DataFrame]:
    known = {}
    for table in PLAIN_FACTS:
        known |= _known(history.of_subjects(lake, [table], table.natural_key, window))
    return seller.plain_counts(known, lake.zone)


def _states(lake: Lake, window: Window) -> DataFrame:
    # Sellers, their listings and sanctions live for years: all their history, which is small.
    rows = {table.name: history.landed_by(lake, table, window.last) for table in STATE_FACTS}
    known = _known(rows)
    turning = [asof.turning_days(frame, ["seller_id"]) for frame in known.values()]
    turned = asof.subject_days(turning, ["seller_id"], window.first, window.last)
    turned = turned.where(F.col(AS_OF) >= F.lit(window.first))
    at = {name: asof.at(frame, turned, ["seller_id"]) for name, frame in known.items()}
    states = seller.state(at, turned.where(F.col("seller_id").isNotNull()))
    return states.withColumnRenamed(AS_OF, "known_ds")


def _dated(contributions: DataFrame, window: Window) -> DataFrame:
    return asof.changes(contributions, seller.DIMENSIONS, MEASURES, window.first, window.last)


def _whole(contributions: DataFrame, window: Window) -> DataFrame:
    return asof.changes(
        contributions, seller.DIMENSIONS, MEASURES, window.first, window.last,
        begins=KNOWN_FROM, ends=KNOWN_UNTIL,
    )  # fmt: skip


def _owned(parts: list[DataFrame]) -> list[DataFrame]:
    """What names no seller, buyer or currency belongs to nobody's counts."""
    keys = ("seller_id", "buyer_id", "currency", "occurred_ds")
    return [part.dropna(subset=[key for key in keys if key in part.columns]) for part in parts]
