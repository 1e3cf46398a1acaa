"""Scenario folders of orders (tests/scenarios/orders/README.md) as facts for a lake.

All scenarios share one lake: the name of the folder is the order's id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from conf.tables import decisions
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from tests.support import lakes
from tests.support.lakes import Facts

SCENARIOS = Path(__file__).parents[1] / "scenarios" / "orders"
OPENED = datetime(2026, 5, 1, tzinfo=UTC)
SELLERS = {"ada": None, "bob": None, "carl": datetime(2026, 5, 20, tzinfo=UTC)}
"""By name, since when suspended."""
GONE_AT = datetime(2026, 6, 1, 9, tzinfo=UTC)
BUYER = "buyer"


@dataclass
class Stage:
    """Facts by entity, and what was decided about fraud; every fact gets an id of its own."""

    facts: Facts = field(default_factory=dict)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0

    def put(self, entity: str, at: datetime, known: datetime | None = None, **payload: Any) -> None:
        self.rows += 1
        known_at = known or at
        row = {
            "event_id": f"e{self.rows:06}", "occurred_at": at, "known_at": known_at,
            "retracted": False, "ds": known_at.date(), "source_file": "scenarios",
            "source_line": self.rows, **payload,
        }  # fmt: skip
        self.facts.setdefault(entity, []).append(row)

    def land(self, lake: Lake) -> None:
        """Appends all there is to a lake's tables."""
        lakes.land(lake, self.facts)
        table, days = decisions.FRAUD_REVIEWS, {row["ds"] for row in self.reviews}
        values = [tuple(row.get(name) for name in table.column_names) for row in self.reviews]
        if values:
            lake.replace_ds(table, lake.spark.createDataFrame(values, struct_of(table)), days)


def names() -> list[str]:
    return sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir())


def expected(name: str) -> dict[str, dict[str, Any]]:
    """Expectations by check point: `2026-06-01` or `2026-06-01T12:00`."""
    content = yaml.load((SCENARIOS / name / "expect.yaml").read_text(), Loader=yaml.BaseLoader)
    return content or {}


def staged() -> Stage:
    """All scenarios, and the stage on which they play."""
    stage = Stage()
    set_the(stage)
    for name in names():
        # Times stay text: YAML's own have no zone.
        told = yaml.load((SCENARIOS / name / "facts.yaml").read_text(), Loader=yaml.BaseLoader)
        tell(stage, name, told)
    return stage


def set_the(stage: Stage) -> None:
    """The sellers, what they offer, and the buyer."""
    stage.put(
        "buyers", OPENED, buyer_id=BUYER, registered_at=OPENED, country="DE",
        email="buyer@example.org", stripe_customer_id="cus_1",
    )  # fmt: skip
    for seller, suspended_at in SELLERS.items():
        common: dict[str, Any] = {
            "seller_id": seller, "name": seller.title(), "marketplace": "DE",
            "business_type": "individual", "registered_at": OPENED, "currency": "EUR",
            "email": f"{seller}@example.org",
        }  # fmt: skip
        stage.put("sellers", OPENED, status="active", **common)
        if suspended_at:
            stage.put("sellers", suspended_at, status="suspended", **common)
        for listing in ("live", "gone"):
            offer: dict[str, Any] = {
                "listing_id": f"{seller}-{listing}", "seller_id": seller, "title": "A lamp",
                "category": "home", "price_minor": 1000, "currency": "EUR", "image_count": 1,
            }  # fmt: skip
            stage.put("listings", OPENED, status="active", **offer)
            if listing == "gone":
                stage.put("listings", GONE_AT, status="removed", **offer)


def tell(stage: Stage, name: str, told: Mapping[str, Any]) -> None:
    """One order's facts, from the content of a facts.yaml read as text."""
    order = told.get("order", {})
    lines = _lines(order)
    if not order.get("missing"):
        _tell_order(stage, name, order, lines)
    placed, known = instant(order["placed_at"]), order.get("known")
    for number, line in enumerate(lines, 1):
        stage.put(
            "order_items",
            placed,
            instant(known) if known else None,
            order_id=name,
            line_no=number,
            **line,
        )
    for event in told.get("events") or []:
        _tell_event(stage, name, order, event)
    amount = int(order.get("total") or _total(order, lines))
    made: dict[str, datetime] = {}
    for event in told.get("provider") or []:
        at = instant(event["at"])
        number = event.get("intent", "1")
        made[number] = min(made.get(number, at), at)
    for event in told.get("provider") or []:
        _tell_provider(stage, name, made[event.get("intent", "1")], amount, event)


def _lines(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    placed = []
    for line in order.get("lines") or []:
        price, quantity = int(line["price"]), int(line.get("quantity", 1))
        deliver_by = line.get("deliver_by")
        placed.append({
            "seller_id": line["seller"], "quantity": quantity, "unit_price_minor": price,
            "listing_id": f"{line['seller']}-{line.get('listing', 'live')}",
            "line_total_minor": int(line.get("total", price * quantity)),
            "shipping_minor": int(line.get("shipping", 0)), "tax_minor": int(line.get("tax", 0)),
            "currency": line.get("currency", "EUR"), "fulfillment": "merchant",
            "deliver_by": instant(deliver_by) if deliver_by else None,
        })  # fmt: skip
    return placed


def _summed(lines: list[dict[str, Any]], name: str) -> int:
    return sum(line[name] for line in lines)


def _total(order: Mapping[str, Any], lines: list[dict[str, Any]]) -> int:
    amounts = ("line_total_minor", "shipping_minor", "tax_minor")
    return sum(_summed(lines, n) for n in amounts) - int(order.get("discount", 0))


def _tell_order(
    stage: Stage, name: str, order: Mapping[str, Any], lines: list[dict[str, Any]]
) -> None:
    given = {key: int(order[key]) for key in ("shipping", "tax", "total") if key in order}
    known = order.get("known")
    stage.put(
        "orders", instant(order["placed_at"]), instant(known) if known else None, order_id=name,
        buyer_id=BUYER,
        currency=order.get("currency", "EUR"),
        total_minor=given.get("total", _total(order, lines)),
        shipping_minor=given.get("shipping", _summed(lines, "shipping_minor")),
        tax_minor=given.get("tax", _summed(lines, "tax_minor")),
        discount_minor=int(order.get("discount", 0)),
        payment_method=order.get("method", "card"),
        payment_method_id=_or_none(order.get("card", "pm_card_visa")),
        shipping_country=_or_none(order.get("country", "DE")),
    )  # fmt: skip


def _tell_event(
    stage: Stage, name: str, order: Mapping[str, Any], event: Mapping[str, Any]
) -> None:
    at, known = instant(event["at"]), event.get("known")
    when = (at, instant(known) if known else None)
    line = int(event["line"]) if "line" in event else None
    if "review" in event:
        stage.reviews.append({
            "ds": at.date(), "order_id": name, "outcome": event["review"], "decided_at": at,
            "reason_codes": ["told"], "policy_version": 1,
        })  # fmt: skip
    elif "refund" in event:
        stage.put("refunds", *when, refund_id=f"{name}-{at}", order_id=name, line_no=line,
                  seller_id=event.get("seller"), amount_minor=int(event["refund"]),
                  currency="EUR", reason="sorry", initiated_by="platform")  # fmt: skip
    elif "payment" in event:
        stage.put("payments", *when, order_id=name, payment_no=int(event.get("no", 1)),
                  method=event.get("method", order.get("method", "card")),
                  amount_minor=int(event["amount"]), status=event["payment"],
                  currency=event.get("currency", "EUR"),
                  provider_id=f"pi_{name}_1" if "provider" in event else None)  # fmt: skip
    elif what := {"shipped", "delivered"} & set(event):
        (kind,) = what
        numbers = [int(number) for number in event[kind]]
        stage.put("shipments", *when, shipment_event_id=f"{name}-{kind}-{at}-{numbers}",
                  shipment_id=f"{name}-{numbers}", order_id=name, seller_id=event["seller"],
                  line_nos=numbers, event=kind)  # fmt: skip
    else:
        (kind,) = {"confirmed", "rejected", "cancelled"} & set(event)
        by_seller = kind != "cancelled"
        stage.put("order_events", *when, order_event_id=f"{name}-{kind}-{at}-{line}",
                  order_id=name, line_no=line, event=kind,
                  seller_id=event[kind] if by_seller else event.get("seller"),
                  actor="seller" if by_seller else event.get("by", event[kind]))  # fmt: skip


def _tell_provider(
    stage: Stage, name: str, created: datetime, total: int, event: Mapping[str, Any]
) -> None:
    at, known = instant(event["at"]), event.get("known")
    number, status = int(event.get("intent", 1)), event["status"]
    amount = int(event.get("amount", total))
    metadata = {"order_id": name, "payment_no": "1", "request_no": str(number),
                "request_key": f"{name}-{number}", "legal_entity": "marketplace_eu"}  # fmt: skip
    common = {"created": int(created.timestamp()), "amount": amount,
              "currency": event.get("currency", "EUR").lower(),
              "metadata": metadata, "transfer_group": name}  # fmt: skip
    declined = {"code": "card_declined", "decline_code": event.get("decline")}
    intent = common | {
        "object": "payment_intent", "id": f"pi_{name}_{number}", "status": status,
        "amount_capturable": amount if status == "requires_capture" else 0,
        "amount_received": int(event.get("received", 0)),
        "cancellation_reason": event.get("reason"),
        "last_payment_error": declined if "decline" in event else None,
    }  # fmt: skip
    told = [("payment_intent.amount_capturable_updated", intent)]
    if ends := event.get("capture_before"):
        card = {"capture_before": int(instant(ends).timestamp())}
        charge = common | {
            "object": "charge", "id": f"ch_{name}_{number}", "amount_captured": 0,
            "payment_intent": intent["id"], "payment_method_details": {"card": card},
        }  # fmt: skip
        told.append(("charge.succeeded", charge))
    for kind, thing in told:
        event_id = f"evt_{name}_{number}_{status}_{at:%d%H%M}_{kind.partition('.')[0]}"
        payload = {"id": event_id, "object": "event", "type": kind, "data": {"object": thing}}
        stage.put("stripe_events", at, instant(known) if known else None, type=kind,
                  stripe_event_id=event_id, payload=json.dumps(payload),
                  source="listed")  # fmt: skip


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _or_none(text: str) -> str | None:
    return None if text in ("null", "~", "") else text
