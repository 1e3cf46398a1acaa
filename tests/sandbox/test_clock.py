"""The control endpoint's clock."""

from __future__ import annotations

import time
from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.payments import DAY_SECONDS, hold
from tests.support.sandbox import Sandbox


def test_a_frozen_clock_stands(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.set_clock("frozen", "2030-01-02T03:04:05Z")

    first, second = hold(stripe), hold(stripe)

    assert sandbox.clock()["now"] == "2030-01-02T03:04:05Z"
    assert first.created == second.created == int(sandbox.clock()["epoch_seconds"])


def test_a_running_clock_goes_on_from_an_instant(sandbox: Sandbox) -> None:
    shown = sandbox.set_clock("running", "2030-01-02T03:04:05+02:00")

    assert shown["now"].startswith("2030-01-02T01:04:05")
    assert sandbox.clock()["epoch_seconds"] > shown["epoch_seconds"]


def test_advancing_moves_a_frozen_clock_exactly(sandbox: Sandbox) -> None:
    before = sandbox.clock()["epoch_seconds"]

    after = sandbox.advance(DAY_SECONDS)

    assert after["epoch_seconds"] == before + DAY_SECONDS
    assert after["mode"] == "frozen"


def test_advancing_a_real_clock_makes_it_run_ahead(sandbox: Sandbox) -> None:
    before = sandbox.set_clock("real")

    after = sandbox.advance(1_000)

    assert after["mode"] == "running"
    assert after["epoch_seconds"] >= before["epoch_seconds"] + 1_000


@pytest.mark.parametrize(
    ("act", "content", "said"),
    [
        ("clock", {"mode": "fast"}, "known: real, running, frozen"),
        ("clock", {"mode": "frozen", "at": "2030-01-02T03:04:05"}, "no time zone"),
        ("clock", {"mode": "frozen", "at": "yesterday"}, "yesterday"),
        ("advance", {"seconds": -1}, "between 0 and"),
        ("advance", {"seconds": "nan"}, "between 0 and"),
        ("advance", {}, "seconds"),
        ("advance", [], "TypeError"),
        ("nothing", {}, "known below /_control/"),
        ("payment_intents/pi_none/complete_action", {"outcome": "fail"}, "No such"),
        ("payment_intents/pi_none/complete_action", {"outcome": "both"}, "succeed or fail"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    sandbox: Sandbox, act: str, content: Any, said: str
) -> None:
    before = sandbox.clock()

    with pytest.raises(AssertionError, match=said):
        sandbox.control("POST", act, content)

    assert sandbox.clock() == before


def test_holds_end_while_nobody_calls(sandbox: Sandbox, stripe: StripeClient) -> None:
    made = hold(stripe)
    limit = made.created + 7 * DAY_SECONDS
    shown = sandbox.set_clock("running", "2026-07-07T11:59:59.500Z")
    assert limit - 1 < shown["epoch_seconds"] < limit

    until = time.monotonic() + 20
    while time.monotonic() < until:
        status = sandbox.books()["payment_intents"][made.id]["status"]
        if status == "canceled":
            break
        time.sleep(0.05)

    assert status == "canceled"
    assert sandbox.clock()["epoch_seconds"] >= limit
