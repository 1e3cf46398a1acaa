"""Documentation pages "Events" and "Types of events"."""

from __future__ import annotations

from typing import Any

import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold, paid, refused, types
from tests.support.sandbox import Sandbox

HELD = ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"]


def test_a_hold_and_its_capture_are_told_step_by_step(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    stripe.v1.payment_intents.capture(hold(stripe).id)

    assert types(stripe) == [*HELD, "charge.captured", "payment_intent.succeeded"]


def test_a_cancelled_hold_is_told_as_refunded_and_canceled(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    stripe.v1.payment_intents.cancel(hold(stripe).id)

    assert types(stripe) == [*HELD, "charge.refunded", "payment_intent.canceled"]


def test_an_event_shows_the_object_as_it_was(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, metadata={"order_id": "O-1"})
    stripe.v1.payment_intents.cancel(made.id)

    params: Any = {"type": "payment_intent.amount_capturable_updated"}
    event = stripe.v1.events.list(params).data[0]

    shown = event.data.to_dict()["object"]
    assert (shown["id"], shown["status"]) == (made.id, "requires_capture")
    assert shown["metadata"] == {"order_id": "O-1"}
    assert stripe.v1.events.retrieve(event.id).to_dict() == event.to_dict()


def test_an_event_names_the_request_behind_it(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, "K")
    sandbox.advance(8 * DAY_SECONDS)

    events = stripe.v1.events.list({"limit": 100}).data

    asked: Any = events[-1].request
    assert (asked.id, asked.idempotency_key) == (made.last_response.request_id, "K")
    by_itself: Any = events[0].request
    assert (by_itself.id, by_itself.idempotency_key) == (None, None)


def test_events_are_listed_by_type(sandbox: Sandbox, stripe: StripeClient) -> None:
    stripe.v1.payment_intents.capture(hold(stripe).id)

    assert types(stripe, type="charge.captured") == ["charge.captured"]
    assert types(stripe, type="charge.*") == ["charge.succeeded", "charge.captured"]
    wanted = ["payment_intent.created", "charge.captured"]
    assert types(stripe, types=wanted) == wanted
    refused(lambda: types(stripe, type="charge.captured", types=wanted))


def test_events_are_kept_for_30_days(sandbox: Sandbox, stripe: StripeClient) -> None:
    paid(stripe)
    event = stripe.v1.events.list().data[0]
    sandbox.advance(30 * DAY_SECONDS)
    assert stripe.v1.events.retrieve(event.id).id == event.id

    sandbox.advance(1)

    assert types(stripe) == []
    assert refused(lambda: stripe.v1.events.retrieve(event.id)).code == "resource_missing"


def test_a_replay_makes_no_events(sandbox: Sandbox, stripe: StripeClient) -> None:
    hold(stripe, "K")
    hold(stripe, "K")

    assert types(stripe) == HELD


def test_a_refusal_makes_no_events(sandbox: Sandbox, stripe: StripeClient) -> None:
    refused(lambda: hold(stripe, customer="cus_none"))

    assert types(stripe) == []


def test_the_sandboxs_own_notes_stay_inside(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, expand=["latest_charge", "payment_method"])
    refused(lambda: hold(stripe, payment_method="pm_card_chargeDeclined"), sdk.CardError)
    pages = [stripe.v1.events, stripe.v1.charges, stripe.v1.payment_methods]

    shown = [made.to_dict(), *(page.list().to_dict() for page in pages)]

    assert not [name for name in names_in(shown) if name.startswith("_")]
    assert {"latest_charge", "payment_method", "card"} <= set(names_in(shown))


def names_in(content: Any) -> list[str]:
    """Every key at any depth."""
    if isinstance(content, list):
        return [name for one in content for name in names_in(one)]
    if isinstance(content, dict):
        return [*content, *(name for one in content.values() for name in names_in(one))]
    return []
