"""Documentation pages "Refund and cancel payments" and "Balance transaction types"."""

from __future__ import annotations

from typing import Any

import pytest
from stripe import BalanceTransaction, StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold, paid, refused, types
from tests.support.sandbox import Sandbox


def booked(stripe: StripeClient, **params: Any) -> list[BalanceTransaction]:
    """Newest first."""
    return stripe.v1.balance_transactions.list(params).data


def test_a_refund_gives_back_all_unless_told(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = paid(stripe)

    refund = stripe.v1.refunds.create({"payment_intent": made.id})

    assert (refund.amount, refund.status, refund.currency) == (1_000, "succeeded", "usd")
    charge = stripe.v1.charges.retrieve(str(made.latest_charge))
    assert (charge.refunded, charge.amount_refunded, charge.amount_captured) == (True, 1_000, 1_000)
    assert types(stripe)[-2:] == ["refund.created", "charge.refunded"]


def test_refunds_come_in_parts_up_to_what_was_captured(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    made = stripe.v1.payment_intents.capture(hold(stripe).id, {"amount_to_capture": 600})
    charge = str(made.latest_charge)
    stripe.v1.refunds.create({"charge": charge, "amount": 250, "reason": "duplicate"})

    refused(lambda: stripe.v1.refunds.create({"charge": charge, "amount": 351}))
    stripe.v1.refunds.create({"charge": charge})

    assert stripe.v1.charges.retrieve(charge).refunded
    assert sandbox.books()["payment_intents"][made.id]["refunded"] == 600
    found = refused(lambda: stripe.v1.refunds.create({"charge": charge}))
    assert found.code == "charge_already_refunded"


def test_what_is_not_captured_is_not_refunded(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe)

    found = refused(lambda: stripe.v1.refunds.create({"payment_intent": made.id}))

    assert found.code == "charge_not_refundable"


def test_refunds_are_listed_by_payment(sandbox: Sandbox, stripe: StripeClient) -> None:
    made, other = paid(stripe), paid(stripe)
    wanted = stripe.v1.refunds.create({"payment_intent": made.id, "amount": 10})
    stripe.v1.refunds.create({"payment_intent": other.id})

    found = stripe.v1.refunds.list({"payment_intent": made.id}).data

    assert [one.id for one in found] == [wanted.id]
    assert stripe.v1.refunds.retrieve(wanted.id).to_dict() == wanted.to_dict()


def test_a_captured_charge_brings_its_amount_less_the_fee(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    made = stripe.v1.payment_intents.capture(
        hold(stripe, amount=10_017).id,
        {"amount_to_capture": 5_017, "expand": ["latest_charge.balance_transaction"]},
    )

    entry: Any = made.latest_charge.balance_transaction
    fee = 145 + 30  # 2.9 % of 50.17 is 1.45493, and 30 cents
    assert (entry.amount, entry.fee, entry.net, entry.type) == (5_017, fee, 5_017 - fee, "charge")
    assert [one.amount for one in entry.fee_details] == [fee]
    assert entry.source == made.latest_charge.id


def test_a_refund_takes_its_amount_and_gives_no_fee_back(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    refund = stripe.v1.refunds.create({"payment_intent": paid(stripe).id, "amount": 400})

    (entry,) = booked(stripe, type="refund")

    assert (entry.id, entry.source) == (refund.balance_transaction, refund.id)
    assert (entry.amount, entry.fee, entry.net, entry.fee_details) == (-400, 0, -400, [])
    assert sandbox.books()["balance"] == {"usd": {"amount": 600, "fee": 59, "net": 541}}


def test_the_fee_follows_the_currency(sandbox: Sandbox, stripe: StripeClient) -> None:
    fees = {}
    for currency in ("eur", "jpy", "chf", "kwd"):
        paid(stripe, currency=currency, amount=10_000)
        fees[currency] = booked(stripe)[0].fee

    assert fees == {"eur": 175, "jpy": 360, "chf": 320, "kwd": 590}


@pytest.mark.parametrize(
    ("amount", "fee"),
    [(499, 14 + 30), (500, 15 + 30), (501, 15 + 30), (50, 1 + 30)],  # 14.471, 14.5, 14.529, 1.45
)
def test_fees_are_rounded_half_up(
    sandbox: Sandbox, stripe: StripeClient, amount: int, fee: int
) -> None:
    paid(stripe, amount=amount)

    assert booked(stripe)[0].fee == fee


def test_money_is_pending_before_it_is_available(sandbox: Sandbox, stripe: StripeClient) -> None:
    paid(stripe)
    entry = booked(stripe)[0]
    assert entry.status == "pending"

    sandbox.advance(2 * DAY_SECONDS)

    assert stripe.v1.balance_transactions.retrieve(entry.id).status == "available"


def test_balance_transactions_are_listed_by_what_they_are_for(
    sandbox: Sandbox, stripe: StripeClient
) -> None:
    made = paid(stripe)
    refund = stripe.v1.refunds.create({"payment_intent": made.id})
    sandbox.advance(1)
    paid(stripe)

    assert [one.source for one in booked(stripe, source=refund.id)] == [refund.id]
    assert len(booked(stripe, type="charge")) == 2
    assert len(booked(stripe, created={"gt": made.created})) == 1
