"""The operational and the customer columns of a seller's snapshot: rates and mean times of 90d."""

from typing import Any

from tests.support.oracle_asof import Row, elapsed_us, first
from tests.support.oracle_lines import Line, SellerOrder
from tests.support.oracle_seller import arrival_of, is_about, is_negative, is_refund_of
from tests.support.oracle_view import QUARTER, SellerView, mean_hours, ratio


def operational(view: SellerView) -> dict[str, Any]:
    """The ten columns of the group, in the contract's order."""
    placed, shipped = view.lines_placed(QUARTER), lines_shipped(view)
    delivered, parcels = lines_delivered(view), shipments_shipped(view)
    due = [line for line in view.lines if is_due(view, line)]
    promised = [line for line in delivered if line.deliver_by is not None]
    cancelled = [line for line in view.lines if view.within(line.cancelled_by_seller_at, QUARTER)]
    orders = view.orders_placed(QUARTER)
    return {
        "on_time_ship_rate": ratio(sum(is_shipped_in_time(line) for line in due), len(due)),
        "cancellation_rate": ratio(min(len(cancelled), len(placed)), len(placed)),
        "late_shipment_rate": ratio(sum(map(is_shipped_late, shipped)), len(shipped)),
        "return_rate": return_rate(view, delivered),
        "valid_tracking_rate": ratio(sum(is_tracked(view, p) for p in parcels), len(parcels)),
        "on_time_delivery_rate": ratio(sum(map(is_on_time, promised)), len(promised)),
        "avg_handling_hours": mean_hours(map(handling_us, shipped)),
        "refund_rate": ratio(sum(is_refunded(view, order) for order in orders), len(orders)),
        "stockout_rate": stockout_rate(view),
        "avg_refund_hours": mean_hours(refund_times_us(view)),
    }


def customer(view: SellerView) -> dict[str, Any]:
    """The eight columns of the group, in the contract's order."""
    orders = view.orders_placed(QUARTER)
    reviews = view.happened("reviews", QUARTER)
    closings = disputes_closed(view)
    contacted, replies = share_contacted(view, orders), mean_hours(reply_times_us(view))
    lost = [closing for closing in closings if closing["outcome"] == "buyer"]
    return {
        "defect_rate": ratio(sum(is_defective(view, order) for order in orders), len(orders)),
        "negative_feedback_rate": ratio(sum(map(is_negative, reviews)), len(reviews)),
        "a_to_z_claim_rate": share_disputed(view, orders, "claim"),
        "contact_rate": contacted if view.has_messaging else None,
        "chargeback_rate": share_disputed(view, orders, "chargeback"),
        "avg_response_hours": replies if view.has_messaging else None,
        "avg_rating": ratio(sum(review["stars"] or 0 for review in reviews), len(reviews)),
        "dispute_loss_rate": ratio(len(lost), len(closings)),
    }


# Lines ----------------------------------------------------------------------------------------


def is_due(view: SellerView, line: Line) -> bool:
    """ship_by lies in the window and before T, and nobody cancelled at or before it."""
    if line.ship_by is None or line.ship_by >= view.known.end:
        return False
    if line.cancelled_at is not None and line.cancelled_at <= line.ship_by:
        return False
    return view.within(line.ship_by, QUARTER)


def is_shipped_in_time(line: Line) -> bool:
    return (
        line.shipped_at is not None and line.ship_by is not None and line.shipped_at <= line.ship_by
    )


def lines_shipped(view: SellerView) -> list[Line]:
    return [line for line in view.lines if view.within(line.shipped_at, QUARTER)]


def is_shipped_late(line: Line) -> bool:
    """Without ship_by: on time."""
    return (
        line.shipped_at is not None and line.ship_by is not None and line.shipped_at > line.ship_by
    )


def handling_us(line: Line) -> int:
    """From the first paid event, else from placing, to the first shipped event."""
    assert line.shipped_at is not None
    return elapsed_us(line.paid_at or line.placed_at, line.shipped_at)


def lines_delivered(view: SellerView) -> list[Line]:
    return [line for line in view.lines if view.within(line.delivered_at, QUARTER)]


def is_on_time(line: Line) -> bool:
    return (
        line.delivered_at is not None
        and line.deliver_by is not None
        and line.delivered_at <= line.deliver_by
    )


# Parcels, returns, listings -------------------------------------------------------------------


def shipments_shipped(view: SellerView) -> list[Row]:
    """The first shipped event of every shipment whose first is the seller's and in the window."""
    shipment_ids = {row["shipment_id"] for row in view.rows("shipments")}
    firsts = [
        first(view.known.rows("shipments", shipment_id=shipment_id, event="shipped"))
        for shipment_id in shipment_ids
    ]
    return [row for row in firsts if row is not None and is_own(view, row)]


def is_own(view: SellerView, row: Row) -> bool:
    """The seller's, and in the window."""
    return row["seller_id"] == view.seller_id and view.within(row["occurred_at"], QUARTER)


def is_tracked(view: SellerView, shipped: Row) -> bool:
    shipment_id = shipped["shipment_id"]
    return bool(
        view.known.rows("shipments", shipment_id=shipment_id, event="tracking_confirmed")
    )  # fmt: skip


def return_rate(view: SellerView, delivered: list[Line]) -> float | None:
    """Every (return_id, line_no) at its first arrival, with that arrival's units; capped at 1."""
    returned = 0
    for return_id, line_no in {(r["return_id"], r["line_no"]) for r in view.rows("returns")}:
        events = view.known.rows("returns", return_id=return_id, line_no=line_no, event="arrived")
        arrived = first(events)
        if arrived is not None and is_own(view, arrived):
            returned += arrived["units"] or 0
    units = sum(line.units for line in delivered)
    return ratio(min(returned, units), units)


def refund_times_us(view: SellerView) -> list[int]:
    """From arrival to refund, of the window's refunds whose return has arrived."""
    times = []
    for refund in view.known.rows("refunds"):
        arrived = arrival_of(view.known, refund)
        if arrived is None or not view.within(refund["occurred_at"], QUARTER):
            continue
        if (refund["seller_id"] or arrived["seller_id"]) == view.seller_id:
            times.append(elapsed_us(arrived["occurred_at"], refund["occurred_at"]))
    return times


def stockout_rate(view: SellerView) -> float | None:
    active = [
        row
        for row in view.rows("listing_snapshots", active=True)
        if view.dated(row["snapshot_date"], QUARTER)
    ]
    return ratio(sum(row["in_stock"] is False for row in active), len(active))


# Seller-orders --------------------------------------------------------------------------------


def is_refunded(view: SellerView, order: SellerOrder) -> bool:
    return any(is_refund_of(view.known, refund, order) for refund in view.known.rows("refunds"))


def is_disputed(view: SellerView, order: SellerOrder, kind: str) -> bool:
    opened = view.rows("disputes", event="opened", kind=kind)
    return any(is_about(dispute, order) for dispute in opened)


def is_defective(view: SellerView, order: SellerOrder) -> bool:
    reviews = view.rows("reviews", order_id=order.order_id)
    return (
        any(map(is_negative, reviews))
        or is_disputed(view, order, "claim")
        or is_disputed(view, order, "chargeback")
    )


def share_disputed(view: SellerView, orders: list[SellerOrder], kind: str) -> float | None:
    return ratio(sum(is_disputed(view, order, kind) for order in orders), len(orders))


def share_contacted(view: SellerView, orders: list[SellerOrder]) -> float | None:
    asked_about = {message["order_id"] for message in view.rows("messages", sender="buyer")}
    return ratio(sum(order.order_id in asked_about for order in orders), len(orders))


# Answers and outcomes -------------------------------------------------------------------------


def reply_times_us(view: SellerView) -> list[int]:
    """From a buyer's message to the seller's first reply to it, of first replies in the window."""
    times = []
    for message in view.rows("messages", sender="buyer"):
        replies = view.rows("messages", sender="seller", in_reply_to=message["message_id"])
        reply = first(replies)
        if reply is not None and view.within(reply["occurred_at"], QUARTER):
            times.append(elapsed_us(message["occurred_at"], reply["occurred_at"]))
    return times


def disputes_closed(view: SellerView) -> list[Row]:
    """The first closing of every dispute whose first is the seller's and in the window."""
    dispute_ids = {row["dispute_id"] for row in view.rows("disputes")}
    firsts = [
        first(view.known.rows("disputes", dispute_id=dispute_id, event="closed"))
        for dispute_id in dispute_ids
    ]
    return [row for row in firsts if row is not None and is_own(view, row)]
