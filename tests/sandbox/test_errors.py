"""Documentation pages "Errors", "Error codes" and "Authentication"."""

from __future__ import annotations

import pytest
import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import error_of, hold, intent, refused
from tests.support.sandbox import Sandbox


def test_an_unknown_parameter_is_refused(stripe: StripeClient) -> None:
    found = refused(lambda: stripe.v1.payment_intents.create(intent(colour="red")))

    assert (found.http_status, found.code) == (400, "parameter_unknown")
    assert found.param == "colour"


def test_an_unknown_parameter_within_another_is_refused(stripe: StripeClient) -> None:
    automatic = {"enabled": True, "colour": "red"}
    params = intent(payment_method_types=None, automatic_payment_methods=automatic)

    found = refused(lambda: stripe.v1.payment_intents.create(params))

    assert found.param == "automatic_payment_methods[colour]"


@pytest.mark.parametrize("left_out", ["amount", "currency"])
def test_a_missing_parameter_is_refused(stripe: StripeClient, left_out: str) -> None:
    found = refused(lambda: stripe.v1.payment_intents.create(intent(**{left_out: None})))

    assert found.code == "parameter_missing"
    assert found.param == left_out


@pytest.mark.parametrize("amount", ["ten", "10.5", "1e3", "-", "٣٠٠"])
def test_amounts_are_integers(stripe: StripeClient, amount: str) -> None:
    found = refused(lambda: stripe.v1.payment_intents.create(intent(amount=amount)))

    assert found.code == "parameter_invalid_integer"


def test_an_empty_parameter_is_refused(stripe: StripeClient) -> None:
    found = refused(lambda: stripe.v1.payment_intents.create(intent(transfer_group="")))

    assert found.code == "parameter_invalid_empty"


def test_a_missing_object_is_404(stripe: StripeClient) -> None:
    found = refused(lambda: stripe.v1.payment_intents.retrieve("pi_none"))

    assert (found.http_status, found.code) == (404, "resource_missing")


def test_a_missing_object_in_a_parameter_is_400(stripe: StripeClient) -> None:
    found = refused(lambda: stripe.v1.payment_intents.create(intent(customer="cus_none")))

    assert (found.http_status, found.code) == (400, "resource_missing")
    assert found.param == "customer"


@pytest.mark.parametrize("key", ["sk_live_1", "pk_test_1", "secret"])
def test_only_test_keys_are_let_in(sandbox: Sandbox, key: str) -> None:
    client = StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)

    found = refused(lambda: hold(client), sdk.AuthenticationError)

    assert found.http_status == 401
    assert key not in str(found)


def test_restricted_keys_are_let_in(sandbox: Sandbox) -> None:
    client = StripeClient("rk_test_1", base_addresses={"api": sandbox.url})

    assert hold(client).status == "requires_capture"


def test_every_answer_names_its_request(sandbox: Sandbox, stripe: StripeClient) -> None:
    answered = hold(stripe).last_response.request_id
    failed = refused(lambda: stripe.v1.payment_intents.retrieve("pi_none")).request_id

    assert answered.startswith("req_")
    assert failed.startswith("req_")
    assert answered != failed


def test_an_unknown_url_is_404(stripe: StripeClient) -> None:
    found = refused(lambda: stripe.raw_request("get", "/v1/nothing"))

    assert found.http_status == 404


def test_connected_accounts_are_refused(stripe: StripeClient) -> None:
    options: sdk.RequestOptions = {"stripe_account": "acct_1"}
    found = refused(lambda: stripe.v1.payment_intents.list(options=options), sdk.PermissionError)

    assert error_of(found)["code"] == "account_invalid"
