"""The operations there are, as a table: a refund, transfer, reversal or payout is one more row.

Each says to which endpoint its body must go, which of its parameters carry the columns of the
planned row, whether its amount counts against the daily cap, and how an object is found again when
nobody knows what became of a request (`lookup.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from jobs.gateway.entry import Entry
from jobs.gateway.judge import Verdict
from jobs.gateway.lookup import Reads, look_up_authorize, look_up_intent
from jobs.gateway.request import Body, Request, broken, parsed_body, request_key

INTENT_ID = re.compile(r"pi_[A-Za-z0-9_]{1,100}", re.ASCII)
KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Operation:
    """`endpoint` is method and path template, the unit of the provider's rate limit; `{id}` in it
    is the payment intent. `settles_by_reading`: its object is known, so that one read tells."""

    name: str
    endpoint: str
    amount_parameter: str | None
    counts: bool
    creates: bool
    look_up: Callable[[Reads, Request, Entry], Verdict | None]

    def path(self, request: Request) -> str:
        return self.endpoint.removeprefix("POST ").format(id=request.payment_intent_id)


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("authorize", "POST /v1/payment_intents", "amount", True, True, look_up_authorize),
        Operation(
            "capture", "POST /v1/payment_intents/{id}/capture", "amount_to_capture", True, False,
            look_up_intent,
        ),
        Operation(
            "cancel", "POST /v1/payment_intents/{id}/cancel", None, False, False, look_up_intent
        ),
    )
}  # fmt: skip


def checked_body(request: Request, environment: str) -> Body:
    """The body, when it says what the row says; ContractBroken naming the key otherwise.

    Amount, currency, recipient and key were chosen when the row was planned. A body that says
    otherwise is never sent.
    """
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        raise broken(request, f"unknown operation; known: {', '.join(OPERATIONS)}")
    if not KEY.fullmatch(request.key) or request.key != _reference(request, environment):
        raise broken(request, f"its key is not that of its parts in environment {environment}")
    if operation.counts and (type(request.amount_minor) is not int or request.amount_minor < 1):
        raise broken(request, f"its amount_minor is {request.amount_minor!r}")
    if request.planned_at.tzinfo is None:
        raise broken(request, "its planned_at has no zone")
    body = parsed_body(request)
    if not operation.creates and not INTENT_ID.fullmatch(request.payment_intent_id or ""):
        raise broken(request, f"its payment_intent_id is {request.payment_intent_id!r}")
    if body.method != "POST" or body.path != operation.path(request):
        raise broken(request, f"its body goes to {body.method} {body.path}")
    for what, said in _contradictions(request, operation, body).items():
        raise broken(request, f"its body has {what} {said!r}, its row does not")
    return body


def _reference(request: Request, environment: str) -> str:
    return request_key(
        environment, request.legal_entity, request.operation, request.order_id,
        request.payment_no, request.request_no,
    )  # fmt: skip


def _contradictions(request: Request, operation: Operation, body: Body) -> dict[str, object]:
    """Parameters of the body that are not what the row says."""
    expected: dict[str, object] = {}
    if operation.amount_parameter:
        expected[operation.amount_parameter] = request.amount_minor
    found = dict(body.params)
    if operation.creates:
        metadata = found.get("metadata")
        found["metadata.request_key"] = (
            metadata.get("request_key") if isinstance(metadata, dict) else None
        )
        expected |= {
            "metadata.request_key": request.key,
            "currency": request.currency.lower(),
            "transfer_group": request.order_id,
            "customer": request.customer_id,
        }
    return {
        name: found.get(name)
        for name, value in expected.items()
        if (type(found.get(name)), found.get(name)) != (type(value), value)  # true is not 1
    }
