"""Documentation pages "Pagination" and "Expanding responses"."""

from __future__ import annotations

from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.payments import hold, paid, refused
from tests.support.sandbox import Sandbox


def made(stripe: StripeClient, count: int) -> list[str]:
    """Ids of holds, newest first."""
    return [hold(stripe).id for _ in range(count)][::-1]


def ids(page: Any) -> list[str]:
    return [one.id for one in page.data]


def test_a_page_has_the_ten_newest_first(sandbox: Sandbox, stripe: StripeClient) -> None:
    all_ids = made(stripe, 11)

    page = stripe.v1.payment_intents.list()

    assert ids(page) == all_ids[:10]
    assert page.has_more
    assert (page.object, page.url) == ("list", "/v1/payment_intents")


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_page_has_1_to_100(stripe: StripeClient, limit: int) -> None:
    assert refused(lambda: stripe.v1.charges.list({"limit": limit})).http_status == 400


def test_a_last_page_has_no_more(sandbox: Sandbox, stripe: StripeClient) -> None:
    made(stripe, 3)

    assert not stripe.v1.payment_intents.list({"limit": 3}).has_more


def test_starting_after_goes_to_older_ones(sandbox: Sandbox, stripe: StripeClient) -> None:
    all_ids = made(stripe, 5)

    page = stripe.v1.payment_intents.list({"starting_after": all_ids[1], "limit": 2})

    assert ids(page) == all_ids[2:4]
    assert page.has_more


def test_ending_before_goes_to_newer_ones(sandbox: Sandbox, stripe: StripeClient) -> None:
    all_ids = made(stripe, 5)

    page = stripe.v1.payment_intents.list({"ending_before": all_ids[3], "limit": 2})

    assert ids(page) == all_ids[1:3]
    assert page.has_more


def test_a_cursor_is_an_id_of_the_list(sandbox: Sandbox, stripe: StripeClient) -> None:
    for cursor in ("starting_after", "ending_before"):
        params: Any = {cursor: "pi_none"}
        found = refused(lambda params=params: stripe.v1.payment_intents.list(params))
        assert found.code == "resource_missing"


def test_all_pages_show_everything_once(sandbox: Sandbox, stripe: StripeClient) -> None:
    all_ids = made(stripe, 7)

    pages = stripe.v1.payment_intents.list({"limit": 3})

    assert [one.id for one in pages.auto_paging_iter()] == all_ids


def test_created_bounds_a_list(sandbox: Sandbox, stripe: StripeClient) -> None:
    found = []
    for _ in range(4):
        found.append(hold(stripe))
        sandbox.advance(10)
    second = [one.created for one in found]

    def listed(created: Any) -> list[str]:
        return ids(stripe.v1.payment_intents.list({"created": created}))[::-1]

    names = [one.id for one in found]
    assert listed({"gte": second[1], "lt": second[3]}) == names[1:3]
    assert listed({"gt": second[1], "lte": second[3]}) == names[2:4]
    assert listed(second[2]) == [names[2]]


def test_charges_are_listed_by_transfer_group(sandbox: Sandbox, stripe: StripeClient) -> None:
    wanted = [hold(stripe, transfer_group="O-1").latest_charge for _ in range(2)]
    hold(stripe, transfer_group="O-2")

    assert ids(stripe.v1.charges.list({"transfer_group": "O-1"})) == wanted[::-1]


def test_lists_are_filtered_by_customer(sandbox: Sandbox, stripe: StripeClient) -> None:
    one, other = (stripe.v1.customers.create({"name": name}).id for name in "ab")
    wanted = hold(stripe, customer=one)
    hold(stripe, customer=other)

    assert ids(stripe.v1.payment_intents.list({"customer": one})) == [wanted.id]
    assert ids(stripe.v1.charges.list({"customer": one})) == [wanted.latest_charge]


def test_ids_are_expanded_on_request(sandbox: Sandbox, stripe: StripeClient) -> None:
    plain = paid(stripe)
    assert isinstance(plain.latest_charge, str)

    deep = stripe.v1.payment_intents.retrieve(
        plain.id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
    )

    assert deep.latest_charge.balance_transaction.net == 941
    assert deep.payment_method.card.last4 == "4242"


def test_lists_are_expanded_below_data(sandbox: Sandbox, stripe: StripeClient) -> None:
    hold(stripe)

    page = stripe.v1.payment_intents.list({"expand": ["data.latest_charge"]})

    assert page.data[0].latest_charge.object == "charge"
    refused(lambda: stripe.v1.payment_intents.list({"expand": ["latest_charge"]}))


def test_what_is_no_id_cannot_be_expanded(sandbox: Sandbox, stripe: StripeClient) -> None:
    found = refused(lambda: hold(stripe, expand=["amount"]))

    assert "cannot be expanded" in str(found)
    assert sandbox.books()["payment_intents"] == {}


def test_nulls_stay_null_when_expanded(sandbox: Sandbox, stripe: StripeClient) -> None:
    found = hold(stripe, expand=["customer", "latest_charge.balance_transaction"])

    assert found.customer is None
    assert found.latest_charge.balance_transaction is None
