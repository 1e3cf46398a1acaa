"""Documentation page "Rate limits"; buckets are filled by the sandbox's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
import stripe as sdk
from stripe import StripeClient

from sandbox.errors import Refused
from sandbox.limits import Limits
from tests.sandbox.conftest import client_of
from tests.sandbox.payments import hold, refused
from tests.support.sandbox import Sandbox


class Ticking:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def passed(limits: Limits, endpoint: str, calls: int) -> int:
    """How many of so many calls at once were let in."""
    count = 0
    for _ in range(calls):
        with suppress(Refused):
            limits.admit(endpoint)
            count += 1
    return count


def test_an_endpoint_takes_25_a_second() -> None:
    ticking = Ticking()
    limits = Limits(ticking)

    assert passed(limits, "POST /v1/payment_intents", 30) == 25
    ticking.now += 0.2
    assert passed(limits, "POST /v1/payment_intents", 30) == 5


def test_evenly_spaced_calls_at_the_limit_all_pass() -> None:
    ticking = Ticking()
    limits = Limits(ticking)

    for _ in range(1_000):
        assert passed(limits, "GET /v1/events", 1) == 1
        ticking.now += 1 / 25


def test_all_endpoints_together_take_100_a_second() -> None:
    ticking = Ticking()
    limits = Limits(ticking)

    assert [passed(limits, f"GET /{name}", 25) for name in "abcde"] == [25, 25, 25, 25, 0]
    ticking.now += 0.1
    assert passed(limits, "GET /e", 25) == 10


def test_a_refused_call_costs_nothing() -> None:
    ticking = Ticking()
    limits = Limits(ticking)
    passed(limits, "GET /a", 500)

    assert passed(limits, "GET /b", 25) == 25


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    ticking = Ticking()
    limits = Limits(ticking)
    passed(limits, "GET /a", 25)
    ticking.now -= 1_000

    assert passed(limits, "GET /a", 1) == 0
    ticking.now += 1
    assert passed(limits, "GET /a", 30) == 25


@pytest.fixture
def limited(own_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return own_sandbox()


def burst(client: StripeClient, calls: int) -> list[sdk.RateLimitError]:
    found = []
    for _ in range(calls):
        try:
            client.v1.payment_intents.list({"limit": 1})
        except sdk.RateLimitError as error:
            found.append(error)
    return found


def test_too_many_requests_are_429(limited: Sandbox) -> None:
    client = client_of(limited)
    limited.set_clock("frozen")
    until = time.monotonic() + 30
    refusals: list[sdk.RateLimitError] = []
    while not refusals and time.monotonic() < until:
        refusals = burst(client, 60)

    assert refusals[0].http_status == 429
    assert refusals[0].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert refusals[0].headers["Stripe-Should-Retry"] == "true"
    assert limited.books()["refused_by_rate"] >= len(refusals)


def test_without_limits_nothing_is_429(sandbox: Sandbox, stripe: StripeClient) -> None:
    assert burst(stripe, 60) == []
    assert refused(lambda: hold(stripe, amount=1)).http_status == 400
    assert sandbox.books()["refused_by_rate"] == 0
