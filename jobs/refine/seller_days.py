"""Refine what each landing day changed in the sellers' counts, order lists and states.

The partition of a day holds the difference between what was known at its end and at the end of
the day before, for everything that its landing touched or that fell due on it, always computed
from bronze. Any window of any day is then one sum over the partitions up to that day.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze, silver
from features import asof, order, seller
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL
from jobs import history
from jobs.history import History
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days
from jobs.window import Window

BEFALLING = ("order_items", "orders", "refunds", "returns", "disputes", "messages", "reviews")

OF_ORDERS = tuple(table for table in bronze.TABLES if table.name in seller.OF_ORDERS)
PLAIN_FACTS = tuple(table for table in bronze.TABLES if table.name in seller.PLAIN)
STATE_FACTS = tuple(table for table in bronze.TABLES if table.name in seller.OF_STATE)

READS = (*OF_ORDERS, *PLAIN_FACTS, *STATE_FACTS)
WRITES = (
    silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.SELLER_BUYER_ORDERS,
    silver.SELLER_STATE,
)  # fmt: skip

MEASURES = tuple(column.name for column in silver.SELLER_MEASURES)
CATEGORY_MEASURES = tuple(column.name for column in silver.CATEGORY_MEASURES)
JOB = "refine.seller_days"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    window = days.ledger_window(lake, window, JOB)
    past = history.of(lake, window)
    known = _known_of_orders(past)
    lines = seller.placed_lines(known["order_items"], lake.zone)
    seller_orders = _on_days(past, known, BEFALLING, order.SUBJECT)
    seller_orders_at = lake.settle(order.seller_orders(seller_orders["order_items"]))
    listed = seller.listed_orders(seller_orders_at, seller_orders["orders"])
    entries = lake.settle(_list_changes(listed, window))
    flagged = order.with_complaints(seller_orders_at, order.complaints(seller_orders))
    parts = [
        *(_whole(part, window) for part in (lines, *_plain(past, known))),
        *(_dated(part, window) for part in (
            seller.placed_orders(flagged, lake.zone), *_line_progress(past, known),
            _repeats(lake, entries, window), *_parcels(past, known),
        )),
    ]  # fmt: skip
    own = {str(n): _summed(part) for n, part in enumerate(parts)}
    settled = list(lake.settle_all(own).values())
    lake.replace_ds(silver.SELLER_BUYER_ORDERS, entries, window)
    lake.replace_ds(silver.SELLER_CATEGORY_DAYS, _by_category(lines, window), window)
    lake.replace_ds(silver.SELLER_STATE, _states(past), window)
    lake.replace_ds(silver.SELLER_DAYS, asof.summed(settled, seller.DIMENSIONS, MEASURES), window)
    record_day(lake, window.last, "refined", JOB)


def _known_of_orders(past: History) -> dict[str, DataFrame]:
    rows = past.of_orders(OF_ORDERS, due=True).rows
    return past.lake.settle_all({
        t.name: asof.counted(past.versions(t, rows[t.name]), seller.OF_ORDERS[t.name])
        for t in OF_ORDERS
    })  # fmt: skip


def _by_category(lines: DataFrame, window: Window) -> DataFrame:
    named = lines.where(F.col("category").isNotNull())
    changed = asof.changes(
        named, seller.CATEGORY_DIMENSIONS, CATEGORY_MEASURES, window.first, window.last,
        begins=KNOWN_FROM, ends=KNOWN_UNTIL,
    )  # fmt: skip
    return asof.summed(_owned([changed]), seller.CATEGORY_DIMENSIONS, CATEGORY_MEASURES)


def _on_days(
    past: History, known: dict[str, DataFrame], names: Sequence[str], subject: Sequence[str],
    also: Sequence[DataFrame] = (),
) -> dict[str, DataFrame]:  # fmt: skip
    """The named entities' versions on every day of the window that changed their subject, and on
    the days of `also` (subject, as_of)."""
    among, window = {name: known[name] for name in names}, past.window
    turning = [asof.turning_days(frame, subject) for frame in among.values()]
    days = asof.subject_days([*turning, *also], subject, window.first, window.last)
    turned = past.lake.settle(days)
    return {name: asof.at(frame, turned, subject) for name, frame in among.items()}


def _line_progress(past: History, known: dict[str, DataFrame]) -> list[DataFrame]:
    events, shipments = (
        asof.counted(known[name], seller.OF_ORDERS[name], kinds)
        for name, kinds in seller.PROGRESSING.items()
    )
    lines, zone = known["order_items"], past.lake.zone
    facts = {"order_items": lines, "marks": order.marks(events, shipments)}
    at = _on_days(past, facts, [*facts], order.SUBJECT, [order.due_days(lines, zone)])
    times = past.lake.settle(order.line_times(at["order_items"], at["marks"]))
    return seller.line_progress(times, zone)


def _list_changes(listed: DataFrame, window: Window) -> DataFrame:
    changed = asof.changes(listed, seller.LIST_ENTRY, ["listed"], window.first, window.last)
    return asof.summed(_owned([changed]), seller.LIST_ENTRY, ["listed"])


def _repeats(lake: Lake, entries: DataFrame, window: Window) -> DataFrame:
    """Repeat orders of the pairs whose order list the window changed."""
    earlier = lake.read(silver.SELLER_BUYER_ORDERS).where(F.col("known_ds") < F.lit(window.first))
    pairs = entries.select(*seller.PAIR).distinct()
    order_list = earlier.join(pairs, list(seller.PAIR), "left_semi").unionByName(entries)
    turning = order_list.select(*seller.PAIR, F.col("known_ds").alias(AS_OF))
    turned = asof.subject_days([turning], seller.PAIR, window.first, window.last)
    return seller.repeat_orders(order_list, turned, lake.zone)


def _parcels(past: History, known: dict[str, DataFrame]) -> list[DataFrame]:
    """What is about a shipment, a return, a refund of a return, a closed dispute, a reply."""
    zone = past.lake.zone
    by_shipment = _on_days(past, known, ["shipments"], ["shipment_id"])
    by_return = _on_days(past, known, ["returns"], ["return_id", "line_no"])
    by_order = _on_days(past, known, ["refunds", "returns"], order.SUBJECT)
    by_dispute = _on_days(past, known, ["disputes"], ["dispute_id"])
    return [
        seller.shipments_sent(by_shipment["shipments"], zone),
        seller.returns_arrived(by_return["returns"], zone),
        seller.refunds_of_returns(by_order["refunds"], by_order["returns"], zone),
        seller.disputes_closed(by_dispute["disputes"], zone),
        seller.first_replies(_threads_at(past), zone),
    ]


def _threads_at(past: History) -> DataFrame:
    versions = past.versions(bronze.MESSAGES, past.of_threads())
    messages = asof.counted(versions, seller.THREADS)
    thread = F.explode(F.array_compact(F.array("message_id", "in_reply_to"))).alias("thread_id")
    known = {"messages": past.lake.settle(messages.select("*", thread))}
    return _on_days(past, known, ["messages"], ["thread_id"])["messages"]


def _plain(past: History, known: dict[str, DataFrame]) -> list[DataFrame]:
    alone = {
        t.name: asof.counted(past.versions(t, past.of_keys(t, t.natural_key)), seller.PLAIN[t.name])
        for t in PLAIN_FACTS
    }
    return seller.plain_counts({**alone, "reviews": known["reviews"]}, past.lake.zone)


def _states(past: History) -> DataFrame:
    # Sellers, their listings and sanctions live for years: all their history, which is small.
    versions = {t.name: asof.versions(past.all_of(t), t.natural_key) for t in STATE_FACTS}
    known = past.lake.settle_all({
        name: asof.counted(frame, seller.OF_STATE[name]) for name, frame in versions.items()
    })  # fmt: skip
    turning = [asof.turning_days(frame, ["seller_id"]) for frame in known.values()]
    turned = asof.subject_days(turning, ["seller_id"], past.window.first, past.window.last).where(
        F.col("seller_id").isNotNull() & (F.col(AS_OF) >= F.lit(past.window.first))
    )
    days_of_sellers = past.lake.settle(turned)
    at = {name: asof.at(frame, days_of_sellers, ["seller_id"]) for name, frame in known.items()}
    return seller.state(at, days_of_sellers).withColumnRenamed(AS_OF, "known_ds")


def _dated(contributions: DataFrame, window: Window) -> DataFrame:
    return asof.changes(contributions, seller.DIMENSIONS, MEASURES, window.first, window.last)


def _whole(contributions: DataFrame, window: Window) -> DataFrame:
    return asof.changes(
        contributions, seller.DIMENSIONS, MEASURES, window.first, window.last,
        begins=KNOWN_FROM, ends=KNOWN_UNTIL,
    )  # fmt: skip


def _summed(part: DataFrame) -> DataFrame:
    # Only the measures that the family has: a sum costs compilation for every column.
    (owned,) = _owned([part])
    present = [name for name in MEASURES if name in part.columns]
    return asof.summed([owned], seller.DIMENSIONS, present)


def _owned(parts: list[DataFrame]) -> list[DataFrame]:
    """What names no seller, buyer or currency belongs to nobody's counts."""
    keys = ("seller_id", "buyer_id", "currency", "occurred_ds")
    return [part.dropna(subset=[key for key in keys if key in part.columns]) for part in parts]
