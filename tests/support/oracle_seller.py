"""A seller's counts of a day: every contribution to silver/seller_days, one rule a function."""

from datetime import date

from conf.currencies import NO_CURRENCY
from conf.tables import silver
from tests.support.oracle_asof import Counts, Facts, Key, Known, Row, Tally, elapsed_us, first
from tests.support.oracle_lines import Line, SellerOrder, lines_of, seller_orders_of


def seller_counts(facts: Facts, zone: str, ds: date) -> Counts:
    """(seller_id, currency, occurred_ds) -> SELLER_MEASURES as of the end of `ds`."""
    known = Known(facts, zone, ds)
    tally = Tally(silver.SELLER_MEASURES)
    lines = lines_of(known)
    for line in lines:
        count_placed(known, line, tally)
        count_due(known, line, tally)
        count_cancelled(known, line, tally)
        count_shipped(known, line, tally)
        count_delivered(known, line, tally)
    orders = seller_orders_of(known, lines)
    for order in orders:
        count_seller_order(known, order, orders, tally)
    for count in (
        count_shipments, count_returns, count_refunds_of_returns, count_reviews, count_replies,
        count_disputes, count_dated_rows, count_events,
    ):  # fmt: skip
        count(known, tally)
    return tally.counts()


def category_counts(facts: Facts, zone: str, ds: date) -> Counts:
    """(seller_id, category, currency, occurred_ds) -> CATEGORY_MEASURES."""
    known = Known(facts, zone, ds)
    tally = Tally(silver.CATEGORY_MEASURES)
    for line in lines_of(known):
        day = known.date_of(line.placed_at)
        tally.add(
            line.seller_id, line.category, line.currency, day,
            lines_placed=1, gmv_minor=line.total_minor,
        )  # fmt: skip
    return tally.counts()


def seller_buyer_orders(facts: Facts, zone: str, ds: date) -> set[Key]:
    """The list: (seller_id, buyer_id, order_id, currency, placed_at) of every seller-order."""
    known = Known(facts, zone, ds)
    listed = {
        (order.seller_id, order.buyer_id, order.order_id, order.currency, order.placed_at)
        for order in seller_orders_of(known, lines_of(known))
    }
    return {entry for entry in listed if None not in entry}


# Lines ----------------------------------------------------------------------------------------


def count_placed(known: Known, line: Line, tally: Tally) -> None:
    tally.add(
        line.seller_id, line.currency, known.date_of(line.placed_at),
        lines_placed=1,
        units_placed=line.units,
        units_platform=line.units if line.by_platform else 0,
        gmv_minor=line.total_minor,
    )  # fmt: skip


def count_due(known: Known, line: Line, tally: Tally) -> None:
    """Due once ship_by has passed, unless cancelled by anybody at or before ship_by."""
    if line.ship_by is None or line.ship_by >= known.end:
        return
    if line.cancelled_at is not None and line.cancelled_at <= line.ship_by:
        return
    tally.add(
        line.seller_id, line.currency, known.date_of(line.ship_by),
        lines_due=1,
        lines_due_on_time=line.shipped_at is not None and line.shipped_at <= line.ship_by,
    )  # fmt: skip


def count_cancelled(known: Known, line: Line, tally: Tally) -> None:
    if line.cancelled_by_seller_at is not None:
        day = known.date_of(line.cancelled_by_seller_at)
        tally.add(line.seller_id, line.currency, day, lines_cancelled_by_seller=1)


def count_shipped(known: Known, line: Line, tally: Tally) -> None:
    if line.shipped_at is None:
        return
    tally.add(
        line.seller_id, line.currency, known.date_of(line.shipped_at),
        lines_shipped=1,
        lines_shipped_late=line.ship_by is not None and line.shipped_at > line.ship_by,
        handling_us=elapsed_us(line.paid_at or line.placed_at, line.shipped_at),
    )  # fmt: skip


def count_delivered(known: Known, line: Line, tally: Tally) -> None:
    if line.delivered_at is None:
        return
    tally.add(
        line.seller_id, line.currency, known.date_of(line.delivered_at),
        lines_delivered=1,
        units_delivered=line.units,
        lines_delivered_promised=line.deliver_by is not None,
        lines_delivered_on_time=(
            line.deliver_by is not None and line.delivered_at <= line.deliver_by
        ),
    )  # fmt: skip


# Seller-orders --------------------------------------------------------------------------------


def count_seller_order(
    known: Known, order: SellerOrder, orders: list[SellerOrder], tally: Tally
) -> None:
    opened = [row for row in known.rows("disputes", event="opened") if is_about(row, order)]
    claimed = any(row["kind"] == "claim" for row in opened)
    charged_back = any(row["kind"] == "chargeback" for row in opened)
    reviews = known.rows("reviews", order_id=order.order_id, seller_id=order.seller_id)
    tally.add(
        order.seller_id, order.currency, known.date_of(order.placed_at),
        orders_placed=1,
        orders_repeat=is_repeat(order, orders),
        orders_refunded=any(is_refund_of(known, row, order) for row in known.rows("refunds")),
        orders_defective=claimed or charged_back or any(map(is_negative, reviews)),
        orders_claimed=claimed,
        orders_charged_back=charged_back,
        orders_contacted=bool(known.rows(
            "messages", sender="buyer", order_id=order.order_id, seller_id=order.seller_id
        )),
    )  # fmt: skip


def is_about(row: Row, order: SellerOrder) -> bool:
    """Of its order and seller and, where it names a line, of the seller-order that has it."""
    return (
        row["order_id"] == order.order_id
        and row["seller_id"] == order.seller_id
        and (row["line_no"] is None or row["line_no"] in order.line_nos)
    )


def is_repeat(order: SellerOrder, orders: list[SellerOrder]) -> bool:
    """Its buyer has an earlier seller-order at the seller, in the same currency."""
    return order.buyer_id is not None and any(
        other.buyer_id == order.buyer_id
        and other.seller_id == order.seller_id
        and other.currency == order.currency
        and other.placed_at < order.placed_at
        for other in orders
    )


def is_negative(review: Row) -> bool:
    return review["stars"] in (1, 2)


def is_refund_of(known: Known, refund: Row, order: SellerOrder) -> bool:
    """Without seller_id: of the return's seller where it names a known one, else of every seller.

    A return whose known events disagree about the seller has them all.
    """
    if refund["seller_id"] is not None:
        return is_about(refund, order)
    sellers = {event["seller_id"] for event in events_of_return(known, refund)} - {None}
    return (not sellers or order.seller_id in sellers) and is_about(
        {**refund, "seller_id": order.seller_id}, order
    )


def events_of_return(known: Known, refund: Row) -> list[Row]:
    """The known events of the return that a refund names, which must be of the same order."""
    if refund["return_id"] is None:
        return []
    return known.rows("returns", return_id=refund["return_id"], order_id=refund["order_id"])


# What carries no currency ---------------------------------------------------------------------


def count_shipments(known: Known, tally: Tally) -> None:
    """A shipment is shipped at its first shipped event."""
    for shipment_id in {row["shipment_id"] for row in known.rows("shipments")}:
        shipped = first(known.rows("shipments", shipment_id=shipment_id, event="shipped"))
        if shipped is None:
            continue
        confirmed = known.rows("shipments", shipment_id=shipment_id, event="tracking_confirmed")
        tally.add(
            shipped["seller_id"], NO_CURRENCY, known.date_of(shipped["occurred_at"]),
            shipments_shipped=1, shipments_tracked=bool(confirmed),
        )  # fmt: skip


def count_returns(known: Known, tally: Tally) -> None:
    """A return (return_id, line_no) arrives at its first arrival, with the units of that event."""
    for return_id, line_no in {(row["return_id"], row["line_no"]) for row in known.rows("returns")}:
        events = known.rows("returns", return_id=return_id, line_no=line_no, event="arrived")
        arrived = first(events)
        if arrived is not None:
            day = known.date_of(arrived["occurred_at"])
            tally.add(arrived["seller_id"], NO_CURRENCY, day, units_returned=arrived["units"] or 0)


def arrival_of(known: Known, refund: Row) -> Row | None:
    """The arrival of the line that the refund names if its return has it, else the earliest."""
    events = events_of_return(known, refund)
    of_line = [event for event in events if event["line_no"] == refund["line_no"]]
    return first(event for event in of_line or events if event["event"] == "arrived")


def count_refunds_of_returns(known: Known, tally: Tally) -> None:
    for refund in known.rows("refunds"):
        arrived = arrival_of(known, refund)
        if arrived is None:
            continue
        seller = arrived["seller_id"] if refund["seller_id"] is None else refund["seller_id"]
        tally.add(
            seller, NO_CURRENCY, known.date_of(refund["occurred_at"]),
            refunds_of_returns=1,
            refund_delay_us=elapsed_us(arrived["occurred_at"], refund["occurred_at"]),
        )  # fmt: skip


def count_reviews(known: Known, tally: Tally) -> None:
    for review in known.rows("reviews"):
        tally.add(
            review["seller_id"], NO_CURRENCY, known.date_of(review["occurred_at"]),
            reviews=1, reviews_negative=is_negative(review), review_stars=review["stars"] or 0,
        )  # fmt: skip


def count_replies(known: Known, tally: Tally) -> None:
    """A buyer's message has one first reply: the same seller's first that names it."""
    for message in known.rows("messages", sender="buyer"):
        reply = first(known.rows(
            "messages",
            sender="seller", in_reply_to=message["message_id"], seller_id=message["seller_id"],
        ))  # fmt: skip
        if reply is not None:
            tally.add(
                reply["seller_id"], NO_CURRENCY, known.date_of(reply["occurred_at"]),
                replies=1, reply_us=elapsed_us(message["occurred_at"], reply["occurred_at"]),
            )  # fmt: skip


def count_disputes(known: Known, tally: Tally) -> None:
    """A dispute closes once, with the outcome of its first closing."""
    for dispute_id in {row["dispute_id"] for row in known.rows("disputes")}:
        closed = first(known.rows("disputes", dispute_id=dispute_id, event="closed"))
        if closed is not None:
            tally.add(
                closed["seller_id"], NO_CURRENCY, known.date_of(closed["occurred_at"]),
                disputes_closed=1, disputes_lost=closed["outcome"] == "buyer",
            )  # fmt: skip


def count_dated_rows(known: Known, tally: Tally) -> None:
    """Rows about a day belong to that day, whenever they were written."""
    for row in known.rows("listing_snapshots", active=True):
        tally.add(
            row["seller_id"], NO_CURRENCY, row["snapshot_date"],
            listing_days_active=1, listing_days_out_of_stock=row["in_stock"] is False,
        )  # fmt: skip
    for row in known.rows("ad_spend"):
        tally.add(
            row["seller_id"], row["currency"], row["date"],
            ad_days=1,
            ad_spend_minor=row["spend_minor"] or 0,
            ad_attributed_gmv_minor=row["attributed_gmv_minor"] or 0,
        )  # fmt: skip
    for row in known.rows("buy_box"):
        tally.add(
            row["seller_id"], NO_CURRENCY, row["date"],
            buy_box_views=row["views"] or 0,
            buy_box_featured_views=row["featured_views"] or 0,
        )  # fmt: skip


def count_events(known: Known, tally: Tally) -> None:
    """Events that count row by row, on the day they happened."""
    events = (
        ("policy_warnings", "seller_id", known.rows("policy_events", event="warning")),
        ("listing_takedowns", "seller_id", known.rows("policy_events", event="listing_takedown")),
        ("tickets_opened", "seller_id", known.rows("support_tickets", event="opened")),
        ("logins", "actor_id", known.rows("logins", actor="seller")),
    )
    for measure, owner, rows in events:
        for row in rows:
            day = known.date_of(row["occurred_at"])
            tally.add(row[owner], NO_CURRENCY, day, **{measure: 1})
