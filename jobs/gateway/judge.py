"""What an answer means for a request. Pure: no clock, no network.

Answers to a POST:

| answer | is executed | the request is |
| --- | --- | --- |
| 2xx, a JSON object of the kind asked for | yes | ACCEPTED |
| 402 | yes: declined | REJECTED with its codes and the intent's id |
| 400, 404 and other 4xx with an error object | no | REJECTED with its code |
| the same, code payment_intent_unexpected_state or alike | earlier? | as the intent's state says |
| 400 idempotency_error | the key was used otherwise | REJECTED, a person has to look |
| 409 idempotency_key_in_use | under way | UNKNOWN |
| other 409, 429 | no | as before, backed off |
| 401, 403 | no | as before; the run ends, all would be refused |
| no connection came about | no | as before, backed off |
| 5xx, 408, 424, unreadable, cut, reset, timed out | not known | UNKNOWN |

Sources: docs.stripe.com/error-low-level (429 and 401 come before the idempotency layer; a 500 is
indeterminate), docs.stripe.com/api/idempotent_requests (results are kept once execution began, also
500s; keys may go after 24 h), docs.stripe.com/error-codes.

A payment intent that was read judges a request as follows:

| intent's status | authorize | capture | cancel |
| --- | --- | --- | --- |
| requires_capture, processing, requires_action, requires_confirmation | ACCEPTED | open | open |
| succeeded | ACCEPTED | ACCEPTED if the amount is ours, else a person | REJECTED already_captured |
| canceled | REJECTED canceled | REJECTED already_canceled | ACCEPTED |
| requires_payment_method after an error | REJECTED, the error's code | open | open |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.gateway.answer import Answer, Kind, kept_intent
from jobs.gateway.request import Request, State

READ_FIRST = frozenset({
    "payment_intent_unexpected_state", "charge_already_captured", "charge_expired_for_capture",
    "charge_already_refunded",
})  # fmt: skip
INDETERMINATE = frozenset({408, 424})
NOT_LET_IN = frozenset({401, 403})
REPLAYED = "server_error_replayed"
"""The provider keeps this failure for the key: the same key brings nothing else for a day."""


@dataclass(frozen=True)
class Verdict:
    """`state` PLANNED means: certainly not executed by this call, so that the request is what it
    was before. `read_first`: the intent's own state decides. `ends_run`: nothing else will go
    through either. `answer` is what is kept of the object."""

    state: State
    code: str | None = None
    decline_code: str | None = None
    provider_id: str | None = None
    answer: Mapping[str, Any] | None = None
    needs_person: bool = False
    read_first: bool = False
    ends_run: str | None = None
    wait_seconds: float = 0.0


def judged(request: Request, answer: Answer) -> Verdict:
    """What the answer to the request's own POST means; see the table above."""
    if answer.kind is Kind.NOT_SENT:
        return Verdict(State.PLANNED, "not_sent")
    if answer.kind is not Kind.COMPLETE or answer.status is None:
        return Verdict(State.UNKNOWN, f"{answer.kind}".replace(" ", "_"))
    if answer.ok:
        return _accepted(request, answer.body or {})
    if answer.server_error or answer.status in INDETERMINATE:
        return Verdict(State.UNKNOWN, REPLAYED if answer.replayed else "server_error")
    return _refused(answer, answer.status)


def judged_by_intent(request: Request, intent: Mapping[str, Any]) -> Verdict | None:
    """What the intent's state says of the request; None while it is open."""
    return {"authorize": _authorized, "capture": _captured, "cancel": _cancelled}[
        request.operation
    ](request, intent)


def _accepted(request: Request, body: Mapping[str, Any]) -> Verdict:
    found, wanted = body.get("id"), request.payment_intent_id
    if body.get("object") != "payment_intent" or not isinstance(found, str):
        return Verdict(State.UNKNOWN, "unexpected_object")
    if wanted is not None and found != wanted:
        return Verdict(State.UNKNOWN, "unexpected_object")
    return Verdict(State.ACCEPTED, provider_id=found, answer=kept_intent(body))


def _refused(answer: Answer, status: int) -> Verdict:
    code = answer.error_code or answer.error_type or f"http_{status}"
    if status in NOT_LET_IN:
        return Verdict(
            State.PLANNED, code, ends_run=f"the provider lets us not in: {status} {code}"
        )
    if status == 429 or code == "rate_limit":
        return Verdict(State.PLANNED, code, wait_seconds=answer.retry_after_seconds or 0.0)
    if status == 409:
        under_way = code == "idempotency_key_in_use"
        return Verdict(State.UNKNOWN if under_way else State.PLANNED, code)
    if answer.error_type == "idempotency_error":
        return Verdict(State.REJECTED, "idempotency_error", needs_person=True)
    intent = answer.error_object.get("payment_intent")
    known: Mapping[str, Any] = intent if isinstance(intent, dict) else {}
    return Verdict(
        State.REJECTED, code, answer.decline_code, known.get("id"),
        kept_intent(known) if known else None, read_first=code in READ_FIRST,
    )  # fmt: skip


def _authorized(request: Request, intent: Mapping[str, Any]) -> Verdict:
    del request
    kept, found = kept_intent(intent), str(intent["id"])
    error = intent.get("last_payment_error")
    if intent.get("status") == "canceled":
        return Verdict(State.REJECTED, "canceled", provider_id=found, answer=kept)
    if intent.get("status") == "requires_payment_method" and isinstance(error, dict):
        code = str(error.get("code") or "declined")
        return Verdict(State.REJECTED, code, error.get("decline_code"), found, kept)
    return Verdict(State.ACCEPTED, provider_id=found, answer=kept)


def _captured(request: Request, intent: Mapping[str, Any]) -> Verdict | None:
    kept, found = kept_intent(intent), str(intent["id"])
    if intent.get("status") == "canceled":
        return Verdict(State.REJECTED, "already_canceled", provider_id=found, answer=kept)
    if intent.get("status") != "succeeded":
        return None
    if intent.get("amount_received") == request.amount_minor:
        return Verdict(State.ACCEPTED, provider_id=found, answer=kept)
    return Verdict(
        State.REJECTED, "captured_otherwise", provider_id=found, answer=kept, needs_person=True
    )


def _cancelled(request: Request, intent: Mapping[str, Any]) -> Verdict | None:
    del request
    kept, found = kept_intent(intent), str(intent["id"])
    if intent.get("status") == "canceled":
        return Verdict(State.ACCEPTED, provider_id=found, answer=kept)
    if intent.get("status") == "succeeded":
        return Verdict(State.REJECTED, "already_captured", provider_id=found, answer=kept)
    return None
