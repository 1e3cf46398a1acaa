"""An independent oracle of the seller snapshots and labels: brute force in plain Python.

Written from the written contract alone, seller by seller and window by window: no ledger, no
sums carried on. T is the end of ds. Where the contract leaves room, this is how it is read:

Rows
- A line in another currency than the seller's gives the seller no row.
- A null status is not closed, a null messaging_enabled is true (bronze may not know them).
- A null actor is not the seller. A review (dispute, message, return) without seller_id is nobody's,
  also of an order with one seller.
- An unknown seller is one whose lines, of any currency, are placed in the 90 days and of whom no
  version exists at T, never was one or was retracted; a closed seller is known.
Lines and what happens to them
- Rows that share an event_id are one row, the first that landed, before versions are chosen.
- "First" is by occurred_at, then known_at, then event_id; events of the counting versions only.
- An order event that names a line and a seller concerns the line only if it is that seller's.
- A shipment event concerns the lines of its own line_nos, whoever its seller_id names.
- The first paid event is an order event `paid` that concerns the line; payments play no part.
- A paid event after the shipment gives 0 hours, not the time from placing.
- A due line may have been placed at any time, also after its ship_by.
- Only the line's first cancellation by the seller counts; it need not be placed in the window.
- Null quantity is 0 units, null fulfillment is not the platform, null stars are 0 and not bad.
Seller-orders
- A seller-order is made of the seller's lines in his currency; it is placed at their earliest.
- A dispute or refund that names a line concerns the seller-order that has this line, or none.
- Reviews, messages, disputes, refunds of a seller-order count whenever they happened before T.
- A refund without seller_id whose return is not known, or is of another order, is every seller's.
- Of a return whose events name several sellers, such a refund is of each of them.
- The earlier seller-order of a repeat may be of any time before; the same moment is not earlier.
What carries no currency
- Shipments, returns, reviews, messages, disputes, refunds of returns count by their own
  seller_id, whether their order has lines, and in whatever currency these are.
- A shipment, return or dispute belongs to the seller that its first such event names; its
  tracking_confirmed event may be of any time before T.
- A return's units are those of its first arrival.
- A refund waits for the arrival of the line it names if its return has events of that line, else
  for the return's first arrival; the return must be of the refund's order. It is in the
  avg_refund_hours of the seller that it names, else of the seller that this arrival names.
- A reply counts if the message's seller wrote it; one from before the message took 0 hours.
- Active but not in stock is active true and in_stock false; null is neither.
Commercial and compliance
- ad_spend rows in another currency than the seller's are as if there were none.
- asp is one division of integers: gmv in minor units by units times the minor units of one.
- Warnings, takedowns, tickets opened, suspensions are counted by natural key: a ticket that is
  opened by two events counts twice.
- The last verified event is the one with the latest occurred_at; later expiry changes nothing.
- tenure_days is null without registered_at, and negative before it.
- primary_category is null too where no line has a category; names are compared by code point.
Labels
- "The last" suspension or reinstatement is by occurred_at, then known_at, then event_id.
- A suspension until exactly T is over; the status `suspended` of a version plays no part.
- not_at_risk goes before immature; it is null for good, whenever it is asked.
- A young label is null also where a serious action is known already.
- Frozen: asked on the day of availability or later, versions known by the end of that day count.
"""

from collections import Counter
from datetime import date
from typing import Any

from tests.support.oracle_asof import Facts, Known
from tests.support.oracle_labels import Label, labels
from tests.support.oracle_lines import lines_of
from tests.support.oracle_rates import customer, operational
from tests.support.oracle_seller import is_repeat
from tests.support.oracle_view import (
    MONTH,
    QUARTER,
    SellerView,
    is_in_window,
    ratio,
    views_with_row,
)

__all__ = ["Label", "labels", "snapshots", "unknown_sellers"]


def snapshots(facts: Facts, zone: str, ds: date) -> dict[str, dict[str, Any]]:
    """seller_id -> the 36 columns, in the contract's order, of every seller with a row on ds."""
    return {
        view.seller_id: {
            **profile(view),
            **operational(view),
            **customer(view),
            **commercial(view),
            **compliance(view),
        }
        for view in views_with_row(facts, zone, ds)
    }


def unknown_sellers(facts: Facts, zone: str, ds: date) -> set[str]:
    """Sellers of lines placed in the 90 days of whom no version is known: they have no row."""
    known = Known(facts, zone, ds)
    named = {
        line.seller_id
        for line in lines_of(known)
        if is_in_window(known.date_of(line.placed_at), ds, QUARTER)
    }
    return named - {row["seller_id"] for row in known.rows("sellers")} - {None}


def profile(view: SellerView) -> dict[str, Any]:
    """The six columns of the group, in the contract's order."""
    return {
        "marketplace": view.seller["marketplace"],
        "tenure_days": tenure_days(view),
        "business_type": view.seller["business_type"],
        "fulfillment_channel": fulfillment_channel(view),
        "primary_category": primary_category(view),
        "active_listings": len(view.rows("listings", status="active")),
    }


def tenure_days(view: SellerView) -> int | None:
    registered_at = view.seller["registered_at"]
    return None if registered_at is None else (view.ds - view.known.date_of(registered_at)).days


def fulfillment_channel(view: SellerView) -> str:
    lines = view.lines_placed(QUARTER)
    units = sum(line.units for line in lines)
    by_platform = sum(line.units for line in lines if line.by_platform)
    if units == 0 or 10 * by_platform <= units:
        return "merchant"
    return "platform" if 10 * by_platform >= 9 * units else "mixed"


def primary_category(view: SellerView) -> str | None:
    sums: Counter[str] = Counter()
    for line in view.lines_placed(QUARTER):
        if line.category is not None:
            sums[line.category] += line.total_minor
    return min(sums, key=lambda category: (-sums[category], category), default=None)


def commercial(view: SellerView) -> dict[str, Any]:
    """The seven columns of the group, in the contract's order."""
    orders, lines = view.orders_placed(MONTH), view.lines_placed(MONTH)
    gmv_minor = sum(line.total_minor for line in lines)
    units = sum(line.units for line in lines)
    ads = [
        row
        for row in view.rows("ad_spend", currency=view.seller["currency"])
        if view.dated(row["date"], MONTH)
    ]
    spend_minor = sum(row["spend_minor"] or 0 for row in ads)
    attributed_minor = sum(row["attributed_gmv_minor"] or 0 for row in ads)
    box = [row for row in view.rows("buy_box") if view.dated(row["date"], MONTH)]
    featured, views = (sum(row[n] or 0 for row in box) for n in ("featured_views", "views"))
    return {
        "orders_30d": len(orders),
        "gmv_30d": view.major(gmv_minor),
        "asp": view.major(gmv_minor, per=units) if units else None,
        "ad_spend_30d": view.major(spend_minor) if ads else None,
        "ad_attributed_gmv_30d": view.major(attributed_minor) if ads else None,
        "buy_box_win_rate": ratio(featured, views),
        "repeat_buyer_rate": ratio(
            sum(is_repeat(order, view.orders) for order in orders), len(orders)
        ),
    }


def compliance(view: SellerView) -> dict[str, Any]:
    """The five columns of the group, in the contract's order."""
    takedowns = view.happened("policy_events", QUARTER, event="listing_takedown")
    return {
        "policy_warnings_90d": len(view.happened("policy_events", QUARTER, event="warning")),
        "suspension_history": len(view.rows("enforcement_actions", action="suspension")),
        "document_verification_age": document_verification_age(view),
        "support_tickets_90d": len(view.happened("support_tickets", QUARTER, event="opened")),
        "listing_takedowns_90d": len(takedowns),
    }


def document_verification_age(view: SellerView) -> float | None:
    verified = view.rows("document_verifications", event="verified")
    last = max((row["occurred_at"] for row in verified), default=None)
    return None if last is None else float((view.ds - view.known.date_of(last)).days)
