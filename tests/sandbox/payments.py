"""Requests that tests of the sandbox make, and how they look at refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe as sdk
from stripe import PaymentIntent, StripeClient

DAY_SECONDS = 86_400


def intent(**changed: Any) -> dict[str, Any]:
    """Parameters of a payment that is not confirmed yet; None leaves one out."""
    plain = {"amount": 1_000, "currency": "usd", "payment_method_types": ["card"]}
    return {name: value for name, value in {**plain, **changed}.items() if value is not None}


def hold_params(**changed: Any) -> dict[str, Any]:
    held = {"capture_method": "manual", "confirm": True, "payment_method": "pm_card_visa"}
    return intent(**{**held, **changed})


def hold(client: StripeClient, key: str | None = None, **changed: Any) -> PaymentIntent:
    """A payment that is held: authorised, not captured."""
    options: Any = {"idempotency_key": key} if key else {}
    return client.v1.payment_intents.create(hold_params(**changed), options)


def paid(client: StripeClient, **changed: Any) -> PaymentIntent:
    """A payment that is captured at once."""
    return hold(client, capture_method="automatic", **changed)


def refused(
    act: Callable[[], Any], kind: type[sdk.StripeError] = sdk.InvalidRequestError
) -> sdk.StripeError:
    """The SDK's error; the test fails when there is none, or one of another kind."""
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    return caught.value


def error_of(found: sdk.StripeError) -> dict[str, Any]:
    """The error object of the answer's body."""
    return found.json_body["error"]


def types(client: StripeClient, **params: Any) -> list[str]:
    """Types of the events so far, oldest first."""
    page = client.v1.events.list({"limit": 100, **params})
    return [event.type for event in reversed(page.data)]
