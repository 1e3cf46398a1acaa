"""The current state of sellers, orders and of the things that streams of events are about.

Only columns that the contracts define to the last bit are here; a rolled-up table's descriptive
columns (carrier, reason, topic, ...) are not.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.support.oracle_asof import Facts, Key, Known, Row, first, moment
from tests.support.oracle_lines import Line, first_time, lines_of

EMPTY_STATE: Row = {
    "marketplace": None, "business_type": None, "registered_at": None, "status": None,
    "currency": None, "region": None, "messaging_enabled": None, "active_listings": 0,
    "suspensions": 0, "last_enforcement": None, "suspended_until": None, "verified_at": None,
}  # fmt: skip
"""The state of a seller of whom nothing is known."""

PROFILE = ("marketplace", "business_type", "registered_at", "status", "currency", "region")


def seller_state(facts: Facts, zone: str, ds: date) -> dict[str, Row]:
    """seller_id -> the columns of silver/seller_state as of the end of `ds`.

    Sellers of whom no row of any of the four entities is known are left out (see EMPTY_STATE).
    """
    known = Known(facts, zone, ds)
    entities = ("sellers", "listings", "enforcement_actions", "document_verifications")
    named = {row["seller_id"] for entity in entities for row in known.rows(entity)} - {None}
    return {seller_id: state_of(known, seller_id) for seller_id in named}


def state_of(known: Known, seller_id: str) -> Row:
    actions = known.rows("enforcement_actions", seller_id=seller_id)
    verified = known.rows("document_verifications", seller_id=seller_id, event="verified")
    last = max(
        (row for row in actions if row["action"] in ("suspension", "reinstatement")),
        key=moment,
        default=None,
    )
    suspended = last is not None and last["action"] == "suspension"
    return {
        **profile_of(known, seller_id),
        "active_listings": len(known.rows("listings", seller_id=seller_id, status="active")),
        "suspensions": sum(row["action"] == "suspension" for row in actions),
        "last_enforcement": last["action"] if last else None,
        "suspended_until": last["until"] if last and suspended else None,
        "verified_at": max((row["occurred_at"] for row in verified), default=None),
    }


def profile_of(known: Known, seller_id: str) -> Row:
    rows = known.rows("sellers", seller_id=seller_id)
    if not rows:
        return {name: EMPTY_STATE[name] for name in (*PROFILE, "messaging_enabled")}
    return {
        **{name: rows[0][name] for name in PROFILE},
        "messaging_enabled": rows[0]["messaging_enabled"] is not False,
    }


# Orders ---------------------------------------------------------------------------------------


def orders(facts: Facts, zone: str, ds: date) -> dict[str, Row]:
    """order_id -> what silver/orders derives for every orders row known."""
    known = Known(facts, zone, ds)
    lines = lines_of(known)
    return {
        row["order_id"]: order_of(known, row["order_id"], lines) for row in known.rows("orders")
    }


def order_of(known: Known, order_id: str, all_lines: list[Line]) -> Row:
    lines = [line for line in all_lines if line.order_id == order_id]
    kept = [line for line in lines if line.cancelled_at is None]
    cancelled = times(line.cancelled_at for line in lines)
    shipped = times(line.shipped_at for line in lines)
    delivered = times(line.delivered_at for line in kept)
    events = known.rows("order_events", order_id=order_id)
    paid = [
        row["amount_minor"] or 0
        for row in known.rows("payments", order_id=order_id)
        if row["status"] not in ("cancelled", "failed")
    ]
    return {
        "lines": len(lines),
        "lines_cancelled": len(cancelled),
        "lines_shipped": len(shipped),
        "lines_delivered": len(times(line.delivered_at for line in lines)),
        "paid_at": first_time(named(events, "paid")),
        "confirmed_at": first_time(named(events, "confirmed")),
        "shipped_at": min(shipped, default=None),
        "delivered_at": max(delivered) if kept and len(delivered) == len(kept) else None,
        "cancelled_at": max(cancelled) if lines and not kept else None,
        "paid_minor": sum(paid),
        "refunded_minor": sum(
            row["amount_minor"] or 0 for row in known.rows("refunds", order_id=order_id)
        ),
    }


def times(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


# Rolled-up streams ----------------------------------------------------------------------------

ROLLED_UP: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "shipments": (
        ("shipment_id",),
        ("shipped", "tracking_confirmed", "delivered", "lost", "returned_to_sender"),
    ),
    "returns": (("return_id", "line_no"), ("requested", "arrived", "rejected")),
    "disputes": (("dispute_id",), ("opened", "seller_response", "closed")),
    "support_tickets": (("ticket_id",), ("opened", "closed")),
}
"""Table -> its key and the events whose first time it shows."""


def rolled_up(facts: Facts, zone: str, ds: date, entity: str) -> dict[Key, Row]:
    """Key of the thing -> the first time of each event, and what follows from the first ones."""
    key, events = ROLLED_UP[entity]
    groups: dict[Key, list[Row]] = {}
    for row in Known(facts, zone, ds).rows(entity):
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return {
        thing: {
            "occurred_at": first_time(rows),
            "known_at": max(row["known_at"] for row in rows),
            **{f"{name}_at": first_time(named(rows, name)) for name in events},
            **particulars(entity, rows),
        }
        for thing, rows in groups.items()
    }


def named(rows: list[Row], event: str) -> list[Row]:
    return [row for row in rows if row["event"] == event]


def particulars(entity: str, rows: list[Row]) -> Row:
    """Units of the arrival, else of the first event; outcome of the first closing; evidence."""
    if entity == "returns":
        counted = first(named(rows, "arrived")) or first(rows)
        return {"units": counted["units"] if counted else None}
    if entity == "disputes":
        closed = first(named(rows, "closed"))
        return {
            "outcome": closed["outcome"] if closed else None,
            "evidence_items": len(named(rows, "evidence")),
        }
    return {}
