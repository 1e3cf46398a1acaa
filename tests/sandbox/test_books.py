"""The books that the control endpoint shows."""

from __future__ import annotations

from typing import Any

import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold, refused
from tests.support.sandbox import Sandbox


def of_order(order_id: str, payment_no: int = 1) -> dict[str, Any]:
    return {"metadata": {"order_id": order_id, "payment_no": str(payment_no)}}


def test_each_payment_has_its_four_amounts(sandbox: Sandbox, stripe: StripeClient) -> None:
    part = hold(stripe).id
    stripe.v1.payment_intents.capture(part, {"amount_to_capture": 700})
    stripe.v1.refunds.create({"payment_intent": part, "amount": 200})
    open_ = hold(stripe, currency="eur").id
    expired = hold(stripe, payment_method="pm_card_shortHold").id
    sandbox.advance(5 * DAY_SECONDS)

    books = sandbox.books()

    amounts = ("authorized", "captured", "refunded", "released")
    found = books["payment_intents"]
    assert [found[part][name] for name in amounts] == [1_000, 700, 200, 300]
    assert [found[open_][name] for name in amounts] == [1_000, 0, 0, 0]
    assert [found[expired][name] for name in amounts] == [1_000, 0, 0, 1_000]
    assert books["balance"] == {"usd": {"amount": 500, "fee": 50, "net": 450}}


def test_two_live_intents_of_one_payment_are_seen(sandbox: Sandbox, stripe: StripeClient) -> None:
    first = hold(stripe, **of_order("O-1"))
    second = hold(stripe, **of_order("O-1"))
    other = hold(stripe, **of_order("O-1", payment_no=2))
    stripe.v1.payment_intents.cancel(hold(stripe, **of_order("O-2")).id)

    assert sandbox.books()["live_intents"] == {
        "O-1/1": [first.id, second.id], "O-1/2": [other.id],
    }  # fmt: skip


def test_every_call_is_counted_once(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, "K")
    hold(stripe, "K")
    refused(lambda: hold(stripe, "K", amount=1_001), sdk.IdempotencyError)
    refused(lambda: hold(stripe, payment_method="pm_card_chargeDeclined"), sdk.CardError)
    refused(lambda: hold(stripe, amount=1))
    stripe.v1.payment_intents.retrieve(made.id)
    sandbox.faults({"do": "status", "status": 503, "nth": 1})
    refused(lambda: hold(stripe), sdk.APIError)

    books = sandbox.books()

    assert {(one["method"], one["outcome"]): one["calls"] for one in books["calls"]} == {
        ("GET", "done"): 1, ("POST", "answered_402"): 1, ("POST", "done"): 1,
        ("POST", "fault_status"): 1, ("POST", "refused_400"): 2, ("POST", "replayed"): 1,
    }  # fmt: skip
    assert books["posts_done"] == {"/v1/payment_intents": 1}
    assert books["replayed"] == 1


def test_a_reset_forgets_all_but_the_clock(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, "K")
    before = sandbox.clock()

    sandbox.reset()

    assert sandbox.clock() == before
    assert sandbox.books()["payment_intents"] == {}
    assert hold(stripe, "K").id != made.id
