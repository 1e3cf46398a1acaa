"""Finding out what became of a request whose answer nobody has, by reading alone.

A new payment intent carries its request's key as `metadata.request_key`. Intents cannot be listed
by metadata, so they are listed by what can: the customer and the time of creation; where there is
no customer, charges by `transfer_group` (the order; a charge takes over its intent's metadata),
then every intent of that time (an intent that waits for its buyer has no charge).
Sources: docs.stripe.com/api/payment_intents/list, docs.stripe.com/api/charges/list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from jobs.gateway.answer import Answer
from jobs.gateway.entry import Entry
from jobs.gateway.judge import Verdict, judged_by_intent
from jobs.gateway.provider import ProviderFailed
from jobs.gateway.request import Request, State

MARGIN = timedelta(minutes=5)
"""Between our clock and the provider's."""
EXPAND = ["latest_charge.balance_transaction"]
EXPANDED_IN_LIST = [f"data.{name}" for name in EXPAND]


class Reads(Protocol):
    """A provider that is only read."""

    def get(self, path: str, params: Mapping[str, Any]) -> Answer: ...

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]: ...


def look_up_authorize(reads: Reads, request: Request, entry: Entry) -> Verdict | None:
    """What the intents that carry this key say; None when there is none. ProviderFailed when a
    read does not come back."""
    found = sorted(_intents_of(reads, request, entry), key=lambda intent: intent["created"])
    verdicts = [verdict for one in found if (verdict := judged_by_intent(request, one))]
    live = [verdict for verdict in verdicts if verdict.state is State.ACCEPTED]
    if len(live) > 1:
        return replace(live[0], code="found_twice")
    best = live or verdicts
    return best[0] if best else None


def look_up_intent(reads: Reads, request: Request, entry: Entry) -> Verdict | None:
    """What the intent's own state says of a capture or cancellation; None while it is open.

    Nothing can come of one whose intent the provider does not know: a person has to look.
    """
    del entry
    try:
        intent = intent_of(reads, str(request.payment_intent_id))
    except ProviderFailed as failed:
        if failed.answer.status != 404:
            raise
        return Verdict(State.REJECTED, "intent_missing")
    return judged_by_intent(request, intent)


def intent_of(reads: Reads, intent_id: str) -> Mapping[str, Any]:
    """The payment intent with its charge; ProviderFailed when it does not come back."""
    path = f"/v1/payment_intents/{intent_id}"
    answer = reads.get(path, {"expand": EXPAND})
    if not answer.ok or answer.body is None or answer.body.get("id") != intent_id:
        raise ProviderFailed(path, answer)
    return answer.body


def _intents_of(reads: Reads, request: Request, entry: Entry) -> list[Mapping[str, Any]]:
    between = _created(entry)
    if request.customer_id is not None:
        listed = {"customer": request.customer_id, "created": between, "expand": EXPANDED_IN_LIST}
        return [one for one in reads.pages("/v1/payment_intents", listed) if _has_key(one, request)]
    charges = reads.pages("/v1/charges", {"transfer_group": request.order_id})
    of_charges = [c.get("payment_intent") for c in charges if _has_key(c, request)]
    if ids := sorted({found for found in of_charges if isinstance(found, str)}):
        return [intent_of(reads, found) for found in ids]
    listed = {"created": between, "expand": EXPANDED_IN_LIST}
    return [one for one in reads.pages("/v1/payment_intents", listed) if _has_key(one, request)]


def _created(entry: Entry) -> dict[str, int]:
    first = entry.first_attempt_at or entry.planned_at
    last = entry.last_attempt_at or entry.changed_at
    return {
        "gte": int((first - MARGIN).timestamp()),
        "lte": int((last + MARGIN).timestamp()) + 1,
    }


def _has_key(found: Mapping[str, Any], request: Request) -> bool:
    metadata = found.get("metadata")
    return isinstance(metadata, dict) and metadata.get("request_key") == request.key
