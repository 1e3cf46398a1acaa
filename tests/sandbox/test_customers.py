"""Documentation pages "Customers", "Payment methods" and "Save a card"."""

from __future__ import annotations

from typing import Any

import pytest
import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import error_of, hold, paid, refused, types
from tests.support.sandbox import Sandbox


@pytest.fixture
def customer(stripe: StripeClient) -> str:
    return stripe.v1.customers.create({"name": "Ada"}).id


def card(stripe: StripeClient, number: str = "4242424242424242") -> str:
    params: Any = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    return stripe.v1.payment_methods.create({"type": "card", "card": params}).id


def test_a_customer_is_made_read_and_changed(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = stripe.v1.customers.create({"name": "Ada", "email": "a@x.test", "metadata": {"a": "1"}})
    assert made.id.startswith("cus_")

    stripe.v1.customers.update(made.id, {"name": "Ada", "email": "", "metadata": {"b": "2"}})

    after = stripe.v1.customers.retrieve(made.id)
    assert (after.name, after.email) == ("Ada", None)
    assert after.metadata.to_dict() == {"a": "1", "b": "2"}
    assert [one.id for one in stripe.v1.customers.list().data] == [made.id]
    event = stripe.v1.events.list({"type": "customer.updated"}).data[0]
    before = event.data.to_dict()["previous_attributes"]
    assert before == {"email": "a@x.test", "metadata": {"a": "1"}}


def test_an_attached_card_belongs_to_its_customer(
    sandbox: Sandbox, stripe: StripeClient, customer: str
) -> None:
    method = stripe.v1.payment_methods.attach(card(stripe), {"customer": customer})
    assert method.customer == customer
    stranger = stripe.v1.customers.create().id

    for other in (None, stranger):
        refused(lambda other=other: hold(stripe, payment_method=method.id, customer=other))
    for _ in range(2):
        assert hold(stripe, payment_method=method.id, customer=customer).customer == customer
    refused(lambda: stripe.v1.payment_methods.attach(method.id, {"customer": stranger}))
    assert "payment_method.attached" in types(stripe)


def test_a_loose_card_pays_once(stripe: StripeClient) -> None:
    method = card(stripe)
    hold(stripe, payment_method=method)

    found = refused(lambda: hold(stripe, payment_method=method))

    assert "may not be used again" in str(found)


def test_a_card_is_kept_for_later_on_request(stripe: StripeClient, customer: str) -> None:
    made = paid(stripe, customer=customer, setup_future_usage="off_session")

    again = paid(stripe, customer=customer, payment_method=made.payment_method, off_session=True)

    assert again.status == "succeeded"


def test_a_declining_card_cannot_be_attached(stripe: StripeClient, customer: str) -> None:
    method = card(stripe, "4000000000000002")

    refused(lambda: stripe.v1.payment_methods.attach(method, {"customer": customer}), sdk.CardError)


def test_one_card_is_attached_and_then_declines(stripe: StripeClient, customer: str) -> None:
    method = stripe.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer}
    ).id

    refused(lambda: hold(stripe, payment_method=method, customer=customer), sdk.CardError)


def test_numbers_of_real_cards_are_refused(sandbox: Sandbox, stripe: StripeClient) -> None:
    found = refused(lambda: card(stripe, "4111111111111111"), sdk.CardError)

    assert error_of(found)["decline_code"] == "test_mode_live_card"
    assert stripe.v1.payment_methods.list().data == []


def test_payment_methods_are_listed_by_customer(
    sandbox: Sandbox, stripe: StripeClient, customer: str
) -> None:
    wanted = stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    card(stripe)

    found = stripe.v1.payment_methods.list({"customer": customer, "type": "card"}).data

    assert [one.id for one in found] == [wanted.id]
    assert stripe.v1.payment_methods.retrieve(wanted.id).card.brand == "visa"
