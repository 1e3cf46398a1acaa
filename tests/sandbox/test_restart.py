"""kill -9 loses nothing that was answered, and leaves no key in use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from stripe import APIConnectionError

from tests.sandbox.conftest import client_of
from tests.support.sandbox import Sandbox

HOLD = {
    "amount": 1_000, "currency": "eur", "capture_method": "manual", "confirm": True,
    "payment_method": "pm_card_visa", "payment_method_types": ["card"],
}  # fmt: skip


def test_what_was_answered_before_kill_minus_9_is_there_after_it(
    own_sandbox: Callable[..., Sandbox],
) -> None:
    first = own_sandbox("--no-limits")
    answered = [client_of(first).v1.payment_intents.create(HOLD) for _ in range(20)]
    first.kill()

    again = client_of(own_sandbox("--no-limits"))

    found = list(again.v1.payment_intents.list({"limit": 100}).auto_paging_iter())
    assert [one.to_dict() for one in found] == [one.to_dict() for one in reversed(answered)]


def test_a_key_that_was_in_use_at_kill_minus_9_can_be_used_again(
    own_sandbox: Callable[..., Sandbox],
) -> None:
    first = own_sandbox("--no-limits")
    first.faults({"do": "delay", "delay_ms": 30_000, "key": "K"})

    def held_up() -> None:
        with suppress(APIConnectionError):
            client_of(first).v1.payment_intents.create(HOLD, {"idempotency_key": "K"})

    waiting = threading.Thread(target=held_up)
    waiting.start()
    while not first.control("GET", "faults")[0]["fired"]:
        pass
    first.kill()
    waiting.join()

    again = own_sandbox("--no-limits")

    assert client_of(again).v1.payment_intents.create(HOLD, {"idempotency_key": "K"}).id
    assert len(again.books()["payment_intents"]) == 1


def test_the_clock_goes_on_from_where_it_was(own_sandbox: Callable[..., Sandbox]) -> None:
    first = own_sandbox()
    first.set_clock("frozen", "2031-02-03T04:05:06Z")
    first.kill()

    assert own_sandbox().clock()["now"] == "2031-02-03T04:05:06Z"


def test_one_database_belongs_to_one_process(own_sandbox: Callable[..., Sandbox]) -> None:
    own_sandbox()

    with pytest.raises(AssertionError, match="another sandbox is using it"):
        own_sandbox()
