"""What an answer means for a request. Pure: no clock, no network.

Answers to a POST:

| answer | executed | the request is |
| --- | --- | --- |
| 2xx, the object asked for | yes | ACCEPTED |
| 402 with the declined intent | yes | REJECTED with its codes and the intent's id |
| other 4xx with an error object | it says no | looked up; not found: REJECTED with its code |
| 400 idempotency_error | the key was used otherwise | REJECTED, a person has to look |
| 409 idempotency_key_in_use | under way | UNKNOWN |
| other 409, 429 | no | as before, backed off |
| 401, 403 | no | as before; the run ends, all would be refused |
| no connection came about | no | as before, backed off |
| 5xx, 408, 424, unreadable, cut, reset, timed out | not known | UNKNOWN |

A refusal is checked by a read because it may be the second answer: the first one was lost, and what
it told of has happened. Where an earlier attempt is in doubt, a refusal that the provider does not
replay for the key says nothing of that attempt, and a new intent stays UNKNOWN.

Sources: docs.stripe.com/error-low-level (429 and 401 come before the idempotency layer; a 500 is
indeterminate), docs.stripe.com/api/idempotent_requests (results are kept once execution began, also
500s; refused parameters are not; keys may go after 24 h), docs.stripe.com/error-codes.

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

from jobs.gateway.answer import Answer, Kind, kept_error, kept_intent
from jobs.gateway.request import Request, State

INDETERMINATE = frozenset({408, 424})
NOT_LET_IN = frozenset({401, 403})
NEEDS_PERSON = frozenset({
    "idempotency_error", "captured_otherwise", "found_twice", "intent_missing",
})  # fmt: skip
"""Error codes after which nothing new may be planned before a person has looked."""
REPLAYED = "server_error_replayed"
"""The provider keeps this failure for the key: the same key brings nothing else for a day."""


@dataclass(frozen=True)
class Verdict:
    """`state` PLANNED means: not executed by this call, so that the request is what it was before;
    `untouched`: it has not even come to the provider's endpoint. `look_first`: a refusal that is
    checked by a read. `ends_run`: why nothing else will go through either. `answer` is what is kept
    of the object."""

    state: State
    code: str | None = None
    decline_code: str | None = None
    provider_id: str | None = None
    answer: Mapping[str, Any] | None = None
    look_first: bool = False
    untouched: bool = False
    ends_run: str | None = None
    wait_seconds: float = 0.0

    @property
    def needs_person(self) -> bool:
        return self.code in NEEDS_PERSON


def judged(request: Request, answer: Answer) -> Verdict:
    """What the answer to the request's own POST means; see the table above."""
    if answer.kind is Kind.NOT_SENT:
        return Verdict(State.PLANNED, "not_sent", untouched=True)
    if answer.kind is not Kind.COMPLETE or answer.status is None:
        return Verdict(State.UNKNOWN, f"{answer.kind}".replace(" ", "_"))
    if answer.ok:
        return _accepted(request, answer.body or {})
    if answer.server_error or answer.status in INDETERMINATE:
        return Verdict(State.UNKNOWN, REPLAYED if answer.replayed else "server_error")
    return _refused(request, answer, answer.status)


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


def _refused(request: Request, answer: Answer, status: int) -> Verdict:
    code = answer.error_code or answer.error_type or f"http_{status}"
    if status in NOT_LET_IN:
        why = f"the provider refuses the key: {status} {code}"
        return Verdict(State.PLANNED, code, ends_run=why, untouched=True)
    if status == 429 or code == "rate_limit":
        return Verdict(State.PLANNED, code, wait_seconds=answer.retry_after_seconds or 0.0)
    if status == 409:
        under_way = code == "idempotency_key_in_use"
        return Verdict(State.UNKNOWN if under_way else State.PLANNED, code)
    if answer.error_type == "idempotency_error":
        return Verdict(State.REJECTED, "idempotency_error")
    intent = answer.error_object.get("payment_intent")
    if request.payment_intent_id is None and isinstance(intent, dict) and _declined(intent):
        found, kept = str(intent.get("id")), kept_intent(intent)
        return Verdict(State.REJECTED, code, answer.decline_code, found, kept)
    return Verdict(
        State.REJECTED, code, answer.decline_code, answer=kept_error(answer), look_first=True
    )


def _declined(intent: Mapping[str, Any]) -> bool:
    return intent.get("status") == "requires_payment_method"


def _authorized(request: Request, intent: Mapping[str, Any]) -> Verdict:
    del request
    kept, found = kept_intent(intent), str(intent["id"])
    error = intent.get("last_payment_error")
    if intent.get("status") == "canceled":
        return Verdict(State.REJECTED, "canceled", provider_id=found, answer=kept)
    if _declined(intent) and isinstance(error, dict):
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
    return Verdict(State.REJECTED, "captured_otherwise", provider_id=found, answer=kept)


def _cancelled(request: Request, intent: Mapping[str, Any]) -> Verdict | None:
    del request
    kept, found = kept_intent(intent), str(intent["id"])
    if intent.get("status") == "canceled":
        return Verdict(State.ACCEPTED, provider_id=found, answer=kept)
    if intent.get("status") == "succeeded":
        return Verdict(State.REJECTED, "already_captured", provider_id=found, answer=kept)
    return None
