"""Holds and captures as the planner freezes them, and what the sandbox's books then have to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from benchmarks.sides import Different
from jobs.gateway.request import Request, body_text, request_key, sha256_of

ENVIRONMENT, ENTITY, CURRENCY = "sandbox", "marketplace_us", "USD"
EXPAND = ["latest_charge.balance_transaction"]
NOT_YET_PLANNED = datetime.min.replace(tzinfo=UTC)
"""Who sends them sets the instant, and the journal that is there."""

Expected = Mapping[str, tuple[str, int, int]]
"""By request key of the hold: the intent's status, and what is authorised and captured (minor)."""


def hold(order_id: str, number: int) -> Request:
    """A guest's hold as the planner freezes it, of 1 to 10 dollars."""
    key = request_key(ENVIRONMENT, ENTITY, "authorize", order_id, 1, 1)
    amount_minor = 100 + number % 901
    params = {
        "amount": amount_minor, "capture_method": "manual", "confirm": True,
        "currency": CURRENCY.lower(), "expand": EXPAND, "payment_method": "pm_card_visa",
        "payment_method_types": ["card"], "transfer_group": order_id,
        "metadata": {"legal_entity": ENTITY, "order_id": order_id, "payment_no": "1",
                     "request_key": key, "request_no": "1"},
    }  # fmt: skip
    return _request("authorize", order_id, amount_minor, "/v1/payment_intents", params)


def capture(held: Request, intent_id: str) -> Request:
    """The capture of all that `held` holds."""
    params = {"amount_to_capture": held.amount_minor, "expand": EXPAND}
    path = f"/v1/payment_intents/{intent_id}/capture"
    request = _request("capture", held.order_id, held.amount_minor, path, params)
    return replace(request, payment_intent_id=intent_id)


def _request(
    operation: str, order_id: str, amount_minor: int, path: str, params: Mapping[str, Any]
) -> Request:
    key, body = request_key(ENVIRONMENT, ENTITY, operation, order_id, 1, 1), body_text(path, params)
    return Request(
        key, operation, order_id, 1, 1, ENTITY, None, None, amount_minor, CURRENCY, body,
        sha256_of(body), NOT_YET_PLANNED,
    )  # fmt: skip


def expected(holds: Sequence[Request], captures: Sequence[Request]) -> Expected:
    """What the books have to say of each hold."""
    captured = {request.order_id: request.amount_minor for request in captures}
    return {
        one.key: (
            "succeeded" if one.order_id in captured else "requires_capture",
            one.amount_minor, captured.get(one.order_id, 0),
        )
        for one in holds
    }  # fmt: skip


def require_equal(books: Mapping[str, Any], wanted: Expected) -> None:
    """Different, naming a request key, unless each hold is there once, as it was asked for."""
    found: dict[str, list[tuple[str, int, int]]] = {key: [] for key in wanted}
    for one in books["payment_intents"].values():
        key = one["metadata"].get("request_key", "")
        found.setdefault(key, []).append((one["status"], one["authorized"], one["captured"]))
    wrong = [key for key, intents in found.items() if intents != [wanted.get(key)]]
    if wrong:
        key = wrong[0]
        raise Different(
            f"{len(wrong)} holds are otherwise in the sandbox's books, the first is {key!r}: "
            f"{found[key]}, asked for: {wanted.get(key)}"
        )
