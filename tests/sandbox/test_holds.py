"""Documentation page "Place a hold on a payment method"."""

from __future__ import annotations

from typing import Any

import pytest
from stripe import Charge, StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold, paid, refused, types
from tests.support.sandbox import Sandbox

SHORT_HOLD_SECONDS = 4 * DAY_SECONDS + 18 * 3600


def charge_of(stripe: StripeClient, intent_id: str) -> Charge:
    found = stripe.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})
    return found.latest_charge


def capture_before(charge: Charge) -> int:
    return charge.payment_method_details.card.capture_before


def test_a_hold_can_be_captured_but_is_not(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe)
    charge = charge_of(stripe, made.id)

    assert (made.status, made.amount_capturable, made.amount_received) == (
        "requires_capture", 1_000, 0,
    )  # fmt: skip
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, False, 0)
    assert charge.balance_transaction is None
    assert sandbox.books()["balance"] == {}


@pytest.mark.parametrize(
    ("card", "seconds"),
    [
        ("pm_card_visa", 7 * DAY_SECONDS),
        ("pm_card_mastercard", 7 * DAY_SECONDS),
        ("pm_card_amex", 7 * DAY_SECONDS),
        ("pm_card_shortHold", SHORT_HOLD_SECONDS),
    ],
)
def test_a_hold_says_until_when(
    sandbox: Sandbox, stripe: StripeClient, card: str, seconds: int
) -> None:
    charge = charge_of(stripe, hold(stripe, payment_method=card).id)

    assert capture_before(charge) - charge.created == seconds


def test_what_is_captured_at_once_has_no_such_time(stripe: StripeClient) -> None:
    charge: Any = charge_of(stripe, paid(stripe).id)

    assert "capture_before" not in charge.payment_method_details.card


def test_a_capture_takes_all_unless_told(stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.capture(hold(stripe).id)

    assert (made.status, made.amount_received, made.amount_capturable) == ("succeeded", 1_000, 0)


def test_a_partial_capture_releases_the_rest_for_good(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    made = stripe.v1.payment_intents.capture(hold(stripe).id, {"amount_to_capture": 600})
    charge = charge_of(stripe, made.id)

    assert (made.status, made.amount, made.amount_received) == ("succeeded", 1_000, 600)
    assert (charge.captured, charge.amount_captured, charge.amount_refunded) == (True, 600, 400)
    assert not charge.refunded
    refused(lambda: stripe.v1.payment_intents.capture(made.id, {"amount_to_capture": 400}))
    books = sandbox.books()["payment_intents"][made.id]
    assert (books["authorized"], books["captured"], books["released"]) == (1_000, 600, 400)
    assert books["refunded"] == 0


def test_no_capture_above_what_is_held(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe)

    found = refused(
        lambda: stripe.v1.payment_intents.capture(made.id, {"amount_to_capture": 1_001})
    )

    assert (found.http_status, found.code) == (400, "amount_too_large")
    assert stripe.v1.payment_intents.retrieve(made.id).status == "requires_capture"


def test_cancelling_releases_all(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.cancel(hold(stripe).id)
    charge = charge_of(stripe, made.id)

    assert (made.status, made.amount_capturable) == ("canceled", 0)
    assert (charge.captured, charge.refunded, charge.amount_refunded) == (False, True, 1_000)
    books = sandbox.books()["payment_intents"][made.id]
    assert (books["captured"], books["released"]) == (0, 1_000)
    assert stripe.v1.refunds.list().data == []


def test_an_expired_hold_cancels_its_intent(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, payment_method="pm_card_shortHold")
    sandbox.advance(SHORT_HOLD_SECONDS - 1)
    assert stripe.v1.payment_intents.retrieve(made.id).status == "requires_capture"

    sandbox.advance(1)

    after = stripe.v1.payment_intents.retrieve(made.id)
    assert (after.status, after.cancellation_reason) == ("canceled", "automatic")
    assert after.canceled_at == capture_before(charge_of(stripe, made.id))
    assert types(stripe)[-2:] == ["charge.expired", "payment_intent.canceled"]
    found = refused(lambda: stripe.v1.payment_intents.capture(made.id))
    assert found.code == "payment_intent_unexpected_state"


def test_a_long_jump_of_the_clock_expires_in_order(sandbox: Sandbox, stripe: StripeClient) -> None:
    long = hold(stripe)
    short = hold(stripe, payment_method="pm_card_shortHold")

    sandbox.advance(30 * DAY_SECONDS)

    params: Any = {"type": "payment_intent.canceled"}
    events = stripe.v1.events.list(params).data[::-1]
    assert [event.data.object["id"] for event in events] == [short.id, long.id]
    assert [event.created - short.created for event in events] == [
        SHORT_HOLD_SECONDS, 7 * DAY_SECONDS,
    ]  # fmt: skip


def test_a_captured_hold_does_not_expire(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.capture(hold(stripe).id)

    assert sandbox.advance(30 * DAY_SECONDS)["fallen_due"] == 0
    assert stripe.v1.payment_intents.retrieve(made.id).status == "succeeded"
