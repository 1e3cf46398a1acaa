"""What came back of a call, and the little of it that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How far a call came. LOST and UNREADABLE say nothing about whether it was executed."""

    COMPLETE = "complete"
    UNREADABLE = "unreadable"
    LOST = "lost"
    NOT_SENT = "not sent"


@dataclass(frozen=True)
class Answer:
    """One call's outcome. `body` may hold secrets and personal data: it is never shown or kept
    whole. `reason` is a short safe text for people."""

    kind: Kind
    status: int | None = None
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    error_type: str | None = None
    error_code: str | None = None
    decline_code: str | None = None
    retry_after_seconds: float | None = None
    replayed: bool = False
    reason: str = ""

    @property
    def ok(self) -> bool:
        """A 2xx whose body is a JSON object."""
        return self.kind is Kind.COMPLETE and self.status is not None and self.status < 300

    @property
    def server_error(self) -> bool:
        """A whole answer of 5xx: its key replays it for 24 h if execution had begun."""
        return self.status is not None and self.status >= 500 and self.kind is not Kind.LOST

    @property
    def error_object(self) -> Mapping[str, Any]:
        """The `error` of a refusal, {} where there is none."""
        found = (self.body or {}).get("error")
        return found if isinstance(found, dict) else {}


PLAIN_FIELDS = (
    "id", "object", "status", "amount", "amount_capturable", "amount_received", "currency",
    "cancellation_reason", "canceled_at", "created",
)  # fmt: skip
CHARGE_FIELDS = ("captured", "amount_captured", "amount_refunded", "created")


def kept_intent(intent: Mapping[str, Any]) -> dict[str, Any]:
    """The allow-listed fields of a payment intent: ids, states, amounts in minor units, instants in
    epoch seconds. Never card data, an address or the client secret."""
    kept = {name: intent[name] for name in PLAIN_FIELDS if _plain(intent.get(name))}
    if code := _mapping(intent.get("last_payment_error")).get("code"):
        kept["last_payment_error_code"] = str(code)
    if kind := _mapping(intent.get("next_action")).get("type"):
        kept["next_action_type"] = str(kind)
    charge = intent.get("latest_charge")
    if isinstance(charge, str):
        kept["charge_id"] = charge
    return kept | _kept_charge(_mapping(charge))


def kept_error(answer: Answer) -> dict[str, Any]:
    """Which parameter was refused, and the kind of the error; never its text, which may repeat what
    was sent."""
    found = {"error_type": answer.error_type, "error_param": answer.error_object.get("param")}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _kept_charge(charge: Mapping[str, Any]) -> dict[str, Any]:
    kept = {f"charge_{name}": charge[name] for name in CHARGE_FIELDS if _plain(charge.get(name))}
    if isinstance(charge.get("id"), str):
        kept["charge_id"] = charge["id"]
    card = _mapping(_mapping(charge.get("payment_method_details")).get("card"))
    if isinstance(card.get("capture_before"), int):
        kept["capture_before"] = card["capture_before"]
    posted = charge.get("balance_transaction")
    if isinstance(posted, str):
        kept["balance_transaction_id"] = posted
    return kept | _kept_posting(_mapping(posted))


def _kept_posting(posted: Mapping[str, Any]) -> dict[str, Any]:
    names = {"id": "balance_transaction_id", "fee": "fee", "net": "net", "currency": "fee_currency"}
    return {name: posted[field] for field, name in names.items() if _plain(posted.get(field))}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> bool:
    return isinstance(value, str | int)
