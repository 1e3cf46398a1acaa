"""Documentation page "ACH Direct Debit": a method that cannot be held and does not know at once."""

from __future__ import annotations

from typing import Any

from stripe import PaymentIntent, StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold, intent, paid, refused, types
from tests.support.sandbox import Sandbox

SETTLES_SECONDS = 4 * DAY_SECONDS
BANK = "us_bank_account"


def debit(stripe: StripeClient, outcome: str = "success") -> PaymentIntent:
    return paid(
        stripe, amount=100_000, payment_method=f"pm_usBankAccount_{outcome}",
        payment_method_types=[BANK], expand=["latest_charge"],
    )  # fmt: skip


def test_a_debit_is_processing_before_it_succeeds(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = debit(stripe)
    charge: Any = made.latest_charge
    assert (made.status, made.amount_received) == ("processing", 0)
    assert (charge.status, charge.paid, charge.id[:3]) == ("pending", False, "py_")
    sandbox.advance(SETTLES_SECONDS - 1)
    assert stripe.v1.payment_intents.retrieve(made.id).status == "processing"

    sandbox.advance(1)

    after = stripe.v1.payment_intents.retrieve(
        made.id, {"expand": ["latest_charge.balance_transaction"]}
    )
    assert (after.status, after.amount_received) == ("succeeded", 100_000)
    assert (made.processing.type, after.processing) == (BANK, None)
    entry: Any = after.latest_charge.balance_transaction
    assert (entry.type, entry.fee) == ("payment", 500)
    assert types(stripe) == [
        "payment_intent.created", "charge.pending", "payment_intent.processing",
        "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


def test_a_debit_can_fail_days_later(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = debit(stripe, "insufficientFunds")
    sandbox.advance(SETTLES_SECONDS)

    after = stripe.v1.payment_intents.retrieve(made.id)

    assert (after.status, after.amount_received) == ("requires_payment_method", 0)
    assert after.last_payment_error.code == "insufficient_funds"
    assert types(stripe)[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert sandbox.books()["balance"] == {}


def test_what_is_processing_cannot_be_cancelled(stripe: StripeClient) -> None:
    made = debit(stripe)

    found = refused(lambda: stripe.v1.payment_intents.cancel(made.id))

    assert found.code == "payment_intent_unexpected_state"


def test_a_debit_cannot_be_held(stripe: StripeClient) -> None:
    params = intent(payment_method_types=[BANK], capture_method="manual")

    found = refused(lambda: stripe.v1.payment_intents.create(params))

    assert found.param == "capture_method"


def test_an_intent_takes_only_its_kinds_of_methods(stripe: StripeClient) -> None:
    refused(lambda: hold(stripe, payment_method="pm_usBankAccount_success"))
    refused(lambda: paid(stripe, payment_method_types=[BANK]))


def test_a_debit_is_given_back_like_any_payment(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = debit(stripe)
    refused(lambda: stripe.v1.refunds.create({"payment_intent": made.id}))
    sandbox.advance(SETTLES_SECONDS)

    refund = stripe.v1.refunds.create(
        {"payment_intent": made.id, "expand": ["balance_transaction.source"]}
    )

    entry: Any = refund.balance_transaction
    assert (entry.type, entry.amount, entry.source.id) == ("payment_refund", -100_000, refund.id)
