"""Documentation page "Idempotent requests"."""

from __future__ import annotations

import threading

import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import DAY_SECONDS, error_of, hold, hold_params, intent, refused
from tests.support.sandbox import Sandbox


def count(sandbox: Sandbox) -> int:
    return len(sandbox.books()["payment_intents"])


def test_the_first_result_is_replayed(sandbox: Sandbox, stripe: StripeClient) -> None:
    first, again = hold(stripe, "K"), hold(stripe, "K")

    assert first.to_dict() == again.to_dict()
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert count(sandbox) == 1


def test_a_replay_shows_the_object_as_it_was(sandbox: Sandbox, stripe: StripeClient) -> None:
    first = hold(stripe, "K")
    stripe.v1.payment_intents.capture(first.id)

    assert hold(stripe, "K").status == "requires_capture"


def test_declines_are_replayed(sandbox: Sandbox, stripe: StripeClient) -> None:
    def declined() -> sdk.StripeError:
        return refused(
            lambda: hold(stripe, "K", payment_method="pm_card_chargeDeclined"), sdk.CardError
        )

    first, again = declined(), declined()

    assert first.json_body == again.json_body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert count(sandbox) == 1


def test_server_errors_are_replayed(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.faults({"do": "status", "status": 500, "nth": 1})

    for _ in range(3):
        refused(lambda: hold(stripe, "K"), sdk.APIError)

    assert count(sandbox) == 0


def test_other_parameters_are_refused(sandbox: Sandbox, stripe: StripeClient) -> None:
    hold(stripe, "K")

    found = refused(lambda: hold(stripe, "K", amount=1_001), sdk.IdempotencyError)

    assert found.http_status == 400
    assert error_of(found)["type"] == "idempotency_error"
    assert count(sandbox) == 1


def test_another_endpoint_is_refused(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe, "K")

    refused(
        lambda: stripe.v1.payment_intents.capture(made.id, options={"idempotency_key": "K"}),
        sdk.IdempotencyError,
    )


def test_what_failed_validation_is_not_stored(sandbox: Sandbox, stripe: StripeClient) -> None:
    refused(lambda: hold(stripe, "K", amount=1))

    assert hold(stripe, "K").status == "requires_capture"


def test_what_the_state_refused_is_stored(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = stripe.v1.payment_intents.create(intent(payment_method="pm_card_visa"))

    def captured() -> sdk.StripeError:
        options: sdk.RequestOptions = {"idempotency_key": "C"}
        return refused(lambda: stripe.v1.payment_intents.capture(made.id, options=options))

    first = captured()
    stripe.v1.payment_intents.confirm(made.id)

    assert captured().json_body == first.json_body


def test_a_key_in_use_is_refused_and_not_stored(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.faults({"do": "delay", "delay_ms": 400, "nth": 1})
    first = threading.Thread(target=lambda: hold(stripe, "K"))
    first.start()
    while not sandbox.control("GET", "faults")[0]["fired"]:
        pass

    found = refused(lambda: hold(stripe, "K"), sdk.APIError)
    first.join()

    assert (found.http_status, error_of(found)["code"]) == (409, "idempotency_key_in_use")
    assert found.headers["Stripe-Should-Retry"] == "true"
    assert hold(stripe, "K").status == "requires_capture"
    assert count(sandbox) == 1


def test_too_many_requests_are_not_stored(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.faults({"do": "status", "status": 429, "nth": 1})
    refused(lambda: hold(stripe, "K"), sdk.RateLimitError)

    assert hold(stripe, "K").status == "requires_capture"


def test_keys_have_at_most_255_characters(sandbox: Sandbox, stripe: StripeClient) -> None:
    assert hold(stripe, "k" * 255).id == hold(stripe, "k" * 255).id
    refused(lambda: hold(stripe, "k" * 256))


def test_keys_are_forgotten_after_24_hours(sandbox: Sandbox, stripe: StripeClient) -> None:
    first = hold(stripe, "K")
    sandbox.advance(DAY_SECONDS - 1)
    assert hold(stripe, "K").id == first.id

    sandbox.advance(1)

    assert hold(stripe, "K").id != first.id
    assert count(sandbox) == 2


def test_a_forgotten_key_takes_other_parameters(sandbox: Sandbox, stripe: StripeClient) -> None:
    hold(stripe, "K")
    sandbox.advance(DAY_SECONDS)

    assert hold(stripe, "K", amount=2_000).amount == 2_000


def test_reading_knows_no_keys(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe)
    options: sdk.RequestOptions = {"idempotency_key": "R"}
    assert stripe.v1.payment_intents.retrieve(made.id, options=options).amount_capturable == 1_000
    stripe.v1.payment_intents.cancel(made.id)

    assert stripe.v1.payment_intents.retrieve(made.id, options=options).status == "canceled"


def test_parameters_count_not_their_order(sandbox: Sandbox, stripe: StripeClient) -> None:
    params = hold_params(metadata={"a": "1", "b": "2"})
    turned = {**dict(reversed(params.items())), "metadata": {"b": "2", "a": "1"}}
    create, options = stripe.v1.payment_intents.create, {"idempotency_key": "K"}

    assert create(params, options).id == create(turned, options).id
