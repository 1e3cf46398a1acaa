"""Every request that the product sends is one that the sandbox takes; `make conformance` asks the
same of stripe-mock."""

from __future__ import annotations

import pytest
from stripe import StripeClient

from tests.sandbox.payments import hold, intent, paid
from tests.sandbox.shapes import shapes
from tests.support.sandbox import Sandbox

NAMES = [shape.name for shape in shapes()]


@pytest.fixture
def ids(sandbox: Sandbox, stripe: StripeClient) -> dict[str, str]:
    """Objects in the states that the shapes ask for."""
    customer = stripe.v1.customers.create().id
    captured = paid(stripe, amount=12_340, customer=customer)
    refund = stripe.v1.refunds.create({"payment_intent": captured.id, "amount": 1})
    return {
        "captured": captured.id, "charge": str(captured.latest_charge), "customer": customer,
        "event": stripe.v1.events.list().data[0].id, "held": hold(stripe, amount=12_340).id,
        "refund": refund.id, "unconfirmed": stripe.v1.payment_intents.create(intent()).id,
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_sandbox_takes_what_the_product_sends(
    stripe: StripeClient, ids: dict[str, str], name: str
) -> None:
    (shape,) = [one for one in shapes(ids) if one.name == name]
    assert "{" not in shape.path

    answer = stripe.raw_request(shape.method.lower(), shape.path, **shape.params)

    assert answer.code == 200


def test_every_operation_of_the_product_has_a_shape() -> None:
    wanted = {"authorize", "capture", "cancel", "refund", "list_events", "list_charges_of_order",
              "list_payment_intents_of_customer", "list_balance_transactions"}  # fmt: skip

    assert wanted <= set(NAMES)
