"""Order lines with what happened to them, and the seller-orders that they make."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.support.oracle_asof import Known, Row


@dataclass(frozen=True)
class Line:
    """A line (order_id, line_no) as known, and the first time of each thing that happened to it."""

    order_id: str
    line_no: int
    seller_id: str
    currency: str
    category: str | None
    units: int
    by_platform: bool
    total_minor: int
    placed_at: datetime
    ship_by: datetime | None
    deliver_by: datetime | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by_seller_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True)
class SellerOrder:
    """A distinct (order_id, seller_id) per currency, placed at its earliest line."""

    order_id: str
    seller_id: str
    currency: str
    placed_at: datetime
    line_nos: frozenset[int]
    buyer_id: str | None


def concerns(event: Row, line: Row) -> bool:
    """An order event without line_no concerns all lines of its seller_id, without both all."""
    return (
        event["order_id"] == line["order_id"]
        and event["line_no"] in (None, line["line_no"])
        and event["seller_id"] in (None, line["seller_id"])
    )


def is_cancelled(event: Row) -> bool:
    return event["event"] in ("cancelled", "rejected")


def ships(shipment: Row, line: Row) -> bool:
    """A shipment event concerns the lines of its order that are in line_nos."""
    return (
        shipment["order_id"] == line["order_id"]
        and line["line_no"] in (shipment["line_nos"] or ())
    )  # fmt: skip


def first_time(events: Iterable[Row]) -> datetime | None:
    return min((event["occurred_at"] for event in events), default=None)


def line_of(row: Row, order_events: list[Row], shipments: list[Row]) -> Line:
    events = [event for event in order_events if concerns(event, row)]
    parcels = [shipment for shipment in shipments if ships(shipment, row)]
    cancelled = [event for event in events if is_cancelled(event)]
    return Line(
        order_id=row["order_id"],
        line_no=row["line_no"],
        seller_id=row["seller_id"],
        currency=row["currency"],
        category=row["category"],
        units=row["quantity"] or 0,
        by_platform=row["fulfillment"] == "platform",
        total_minor=row["line_total_minor"] or 0,
        placed_at=row["occurred_at"],
        ship_by=row["ship_by"],
        deliver_by=row["deliver_by"],
        paid_at=first_time(event for event in events if event["event"] == "paid"),
        cancelled_at=first_time(cancelled),
        cancelled_by_seller_at=first_time(e for e in cancelled if e["actor"] == "seller"),
        shipped_at=first_time(parcel for parcel in parcels if parcel["event"] == "shipped"),
        delivered_at=first_time(parcel for parcel in parcels if parcel["event"] == "delivered"),
    )


def lines_of(known: Known) -> list[Line]:
    """All lines known, whether their order row is known or not."""
    events, shipments = known.rows("order_events"), known.rows("shipments")
    return [line_of(row, events, shipments) for row in known.rows("order_items")]


def seller_orders_of(known: Known, lines: list[Line]) -> list[SellerOrder]:
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.order_id, line.seller_id, line.currency), []).append(line)
    return [
        SellerOrder(
            *key,
            placed_at=min(line.placed_at for line in group),
            line_nos=frozenset(line.line_no for line in group),
            buyer_id=known.buyer_of.get(key[0]),
        )
        for key, group in groups.items()
    ]
