"""Documentation pages "How PaymentIntents work", "Decline codes", "Testing"."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import error_of, hold, intent, paid, refused, types
from tests.support.sandbox import Sandbox

MASTERCARD: Any = {"payment_method": "pm_card_mastercard"}


def declined(stripe: StripeClient, card: str, **changed: Any) -> sdk.StripeError:
    return refused(lambda: hold(stripe, payment_method=card, **changed), sdk.CardError)


def test_an_intent_begins_without_a_payment_method(stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.create(intent())

    assert made.status == "requires_payment_method"
    assert made.client_secret.startswith(made.id)
    assert (made.livemode, made.object) == (False, "payment_intent")


def test_with_a_payment_method_it_waits_for_confirmation(stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.create(intent(payment_method="pm_card_visa"))

    assert made.status == "requires_confirmation"
    assert made.latest_charge is None
    assert stripe.v1.payment_intents.confirm(made.id).status == "succeeded"


def test_automatic_capture_takes_the_money(stripe: StripeClient) -> None:
    made = paid(stripe, expand=["latest_charge"])

    assert (made.status, made.amount_received, made.amount_capturable) == ("succeeded", 1_000, 0)
    assert made.latest_charge.captured


def test_a_test_name_becomes_a_payment_method(stripe: StripeClient) -> None:
    made = hold(stripe, expand=["payment_method"])

    assert made.payment_method.id.startswith("pm_")
    assert made.payment_method.id != "pm_card_visa"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ],
)
def test_a_decline_is_402_and_says_why(
    stripe: StripeClient, card: str, code: str, decline_code: str
) -> None:
    found = declined(stripe, card)
    error = error_of(found)

    assert (found.http_status, error["type"]) == (402, "card_error")
    assert (error["code"], error["decline_code"]) == (code, decline_code)
    assert error["charge"] == error["payment_intent"]["latest_charge"]


def test_a_declined_intent_is_there_and_wants_another_method(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    error = error_of(declined(stripe, "pm_card_chargeDeclined", metadata={"order_id": "O-1"}))

    after = stripe.v1.payment_intents.retrieve(error["payment_intent"]["id"])

    assert (after.status, after.payment_method) == ("requires_payment_method", None)
    assert after.last_payment_error.decline_code == "generic_decline"
    charge = stripe.v1.charges.retrieve(error["charge"])
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")
    assert sandbox.books()["live_intents"] == {}
    assert types(stripe) == [
        "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
    ]  # fmt: skip


def test_after_a_decline_another_card_can_pay(sandbox: Sandbox, stripe: StripeClient) -> None:
    error = error_of(declined(stripe, "pm_card_chargeDeclined"))

    again = stripe.v1.payment_intents.confirm(error["payment_intent"]["id"], MASTERCARD)

    assert (again.status, again.last_payment_error) == ("requires_capture", None)


def test_authentication_is_asked_for(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, payment_method="pm_card_authenticationRequired")
    assert (made.status, made.latest_charge) == ("requires_action", None)
    assert made.next_action.type == "use_stripe_sdk"

    sandbox.complete_action(made.id)

    after = stripe.v1.payment_intents.retrieve(made.id)
    assert (after.status, after.next_action) == ("requires_capture", None)


def test_a_return_url_makes_authentication_a_redirect(stripe: StripeClient) -> None:
    made = hold(
        stripe, payment_method="pm_card_threeDSecure2Required", return_url="https://shop.test/back"
    )

    assert made.next_action.type == "redirect_to_url"


def test_failed_authentication_wants_another_method(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, payment_method="pm_card_authenticationRequired")

    sandbox.complete_action(made.id, "fail")

    after = stripe.v1.payment_intents.retrieve(made.id)
    assert after.status == "requires_payment_method"
    error = after.last_payment_error
    assert error.code == "payment_intent_authentication_failure"


@pytest.mark.parametrize("asked", ["off_session", "error_on_requires_action"])
def test_without_the_customer_authentication_is_a_decline(stripe: StripeClient, asked: str) -> None:
    found = declined(stripe, "pm_card_authenticationRequired", **{asked: True})

    assert found.code == "authentication_required"


def test_redirecting_methods_need_a_return_url(sandbox: Sandbox, stripe: StripeClient) -> None:
    found = refused(lambda: hold(stripe, payment_method_types=None))
    assert found.param == "return_url"
    assert sandbox.books()["payment_intents"] == {}

    never = {"enabled": True, "allow_redirects": "never"}
    made = hold(stripe, payment_method_types=None, automatic_payment_methods=never)
    assert made.status == "requires_capture"


@pytest.mark.parametrize("act", ["confirm", "capture", "cancel"])
def test_what_the_state_does_not_allow_is_refused(stripe: StripeClient, act: str) -> None:
    made = paid(stripe)

    found = refused(lambda: getattr(stripe.v1.payment_intents, act)(made.id))

    assert (found.http_status, found.code) == (400, "payment_intent_unexpected_state")
    assert error_of(found)["payment_intent"]["status"] == "succeeded"


def test_confirming_needs_a_payment_method(stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.create(intent())

    found = refused(lambda: stripe.v1.payment_intents.confirm(made.id))

    assert found.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    "state", ["requires_payment_method", "requires_confirmation", "requires_action"]
)
def test_what_is_not_paid_can_be_cancelled(stripe: StripeClient, state: str) -> None:
    changes: dict[str, Any] = {
        "requires_payment_method": {},
        "requires_confirmation": {"payment_method": "pm_card_visa"},
        "requires_action": {"payment_method": "pm_card_authenticationRequired", "confirm": True},
    }[state]
    made = stripe.v1.payment_intents.create(intent(**changes))
    assert made.status == state

    gone = stripe.v1.payment_intents.cancel(made.id, {"cancellation_reason": "abandoned"})

    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert gone.canceled_at
    refused(lambda: stripe.v1.payment_intents.cancel(made.id))


def test_cancellation_reasons_are_the_documented_ones(stripe: StripeClient) -> None:
    made = hold(stripe)
    params: Any = {"cancellation_reason": "automatic"}

    refused(lambda: stripe.v1.payment_intents.cancel(made.id, params))


def test_a_charge_copies_what_the_intent_says(stripe: StripeClient) -> None:
    made = hold(
        stripe, metadata={"order_id": "O-1"}, transfer_group="O-1", description="shoes",
        expand=["latest_charge"],
    )  # fmt: skip

    charge: Any = made.latest_charge
    assert charge.metadata.to_dict() == {"order_id": "O-1"}
    assert (charge.transfer_group, charge.description) == ("O-1", "shoes")
    assert charge.payment_intent == made.id


def test_metadata_is_merged_by_an_update(stripe: StripeClient) -> None:
    made = hold(stripe, metadata={"a": "1", "b": "2"})

    after = stripe.v1.payment_intents.update(made.id, {"metadata": {"b": "", "c": "3"}})

    assert after.metadata.to_dict() == {"a": "1", "c": "3"}
    charge = stripe.v1.charges.retrieve(str(made.latest_charge))
    assert charge.metadata.to_dict() == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "metadata", [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}]
)
def test_metadata_is_bounded(stripe: StripeClient, metadata: dict[str, str]) -> None:
    assert refused(lambda: hold(stripe, metadata=metadata)).http_status == 400
