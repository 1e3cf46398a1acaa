"""A buyer's and a region's counts of a day, from the orders rows."""

from datetime import date, datetime

from conf.tables import silver
from tests.support.oracle_asof import Counts, Facts, Key, Known, Row, Tally, elapsed_us
from tests.support.oracle_lines import Line, is_cancelled, lines_of

REGION_MEASURES = tuple(silver.REGION_DAYS.column(name) for name in ("orders", "total_minor"))


def buyer_counts(facts: Facts, zone: str, ds: date) -> Counts:
    """(buyer_id, currency, date of placing) -> BUYER_MEASURES as of the end of `ds`."""
    known = Known(facts, zone, ds)
    tally = Tally(silver.BUYER_MEASURES)
    lines = lines_of(known)
    for order in known.rows("orders"):
        tally.add(
            order["buyer_id"], order["currency"], known.date_of(order["occurred_at"]),
            orders=1,
            total_minor=order["total_minor"] or 0,
            orders_refunded=bool(known.rows("refunds", order_id=order["order_id"])),
            first_orders=is_first_order(known, order),
            **fate(known, order, [line for line in lines if line.order_id == order["order_id"]]),
        )  # fmt: skip
    return tally.counts()


def fate(known: Known, order: Row, lines: list[Line]) -> dict[str, int]:
    """Cancelled when every line is (without lines: as a whole); delivered when every other line is;
    late when any line was."""
    kept = [line for line in lines if line.cancelled_at is None]
    deliveries = [line.delivered_at for line in kept if line.delivered_at is not None]
    delivered = bool(kept) and len(deliveries) == len(kept)
    return {
        "orders_cancelled": not kept if lines else is_cancelled_whole(known, order),
        "orders_delivered": delivered,
        "delivery_us": elapsed_us(order["occurred_at"], max(deliveries)) if delivered else 0,
        "orders_promised": delivered and all(line.deliver_by is not None for line in kept),
        "orders_late": any(is_late(line.delivered_at, line.deliver_by) for line in lines),
    }


def is_cancelled_whole(known: Known, order: Row) -> bool:
    events = known.rows("order_events", order_id=order["order_id"])
    whole = [e for e in events if e["line_no"] is None and e["seller_id"] is None]
    return any(is_cancelled(event) for event in whole)


def is_late(delivered_at: datetime | None, deliver_by: datetime | None) -> bool:
    return delivered_at is not None and deliver_by is not None and delivered_at > deliver_by


def is_first_order(known: Known, order: Row) -> bool:
    """The buyer's first order, in any currency, by time, then order_id."""
    own = known.rows("orders", buyer_id=order["buyer_id"])
    return order == min(own, key=lambda row: (row["occurred_at"], row["order_id"]))


def region_counts(facts: Facts, zone: str, ds: date) -> Counts:
    """(country or ??, region or empty, currency, date of placing) -> orders, total_minor."""
    known = Known(facts, zone, ds)
    tally = Tally(REGION_MEASURES)
    for order in known.rows("orders"):
        tally.add(
            order["shipping_country"] or "??", order["shipping_region"] or "", order["currency"],
            known.date_of(order["occurred_at"]),
            orders=1, total_minor=order["total_minor"] or 0,
        )  # fmt: skip
    return tally.counts()


def buyer_orders(facts: Facts, zone: str, ds: date) -> set[Key]:
    """The list: (buyer_id, order_id, currency, placed_at) of every orders row."""
    listed = {
        (row["buyer_id"], row["order_id"], row["currency"], row["occurred_at"])
        for row in Known(facts, zone, ds).rows("orders")
    }
    return {entry for entry in listed if None not in entry}
