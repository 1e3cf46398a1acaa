"""The gateway and the real sandbox over HTTP: what the model in memory says holds there too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.gateway.access import Access
from jobs.gateway.entry import Outcome
from jobs.gateway.provider import StripeProvider
from jobs.gateway.redaction import Secret
from jobs.gateway.request import Request, State
from tests.jobs.gateway.clocks import START, TestClock
from tests.jobs.gateway.job_process import run_job
from tests.jobs.gateway.plans import gateway, planned, policy, until_settled
from tests.support.sandbox import Sandbox, sandbox_process

ACCEPTED = (State.ACCEPTED, None)
NEVER = (State.REJECTED, "never_arrived")
SAME = {"do": "status", "method": "POST"}
FAULTS: dict[str, tuple[dict[str, Any], tuple[State, str | None]]] = {
    "not-400": ({**SAME, "status": 400}, (State.REJECTED, "invalid_request_error")),
    "not-402": ({**SAME, "status": 402}, (State.REJECTED, "card_declined")),
    "not-409": ({**SAME, "status": 409}, ACCEPTED),
    "not-429": ({**SAME, "status": 429}, ACCEPTED),
    "not-500": ({**SAME, "status": 500}, NEVER),
    "not-503": ({**SAME, "status": 503}, ACCEPTED),
    "not-reset": ({"do": "reset"}, ACCEPTED),
    "not-close": ({"do": "close"}, ACCEPTED),
    "not-cut": ({"do": "cut"}, ACCEPTED),
    "not-wrong_json": ({"do": "wrong_json"}, ACCEPTED),
    "not-timeout": ({"do": "timeout", "hold_seconds": 1.0}, ACCEPTED),
    "applied-400": ({**SAME, "status": 400, "when": "after"}, ACCEPTED),
    "applied-402": ({**SAME, "status": 402, "when": "after"}, ACCEPTED),
    "applied-409": ({**SAME, "status": 409, "when": "after"}, ACCEPTED),
    "applied-429": ({**SAME, "status": 429, "when": "after"}, ACCEPTED),
    "applied-500": ({**SAME, "status": 500, "when": "after"}, ACCEPTED),
    "applied-503": ({**SAME, "status": 503, "when": "after"}, ACCEPTED),
    "applied-reset": ({"do": "reset", "when": "after"}, ACCEPTED),
    "applied-close": ({"do": "close", "when": "after"}, ACCEPTED),
    "applied-cut": ({"do": "cut", "when": "after"}, ACCEPTED),
    "applied-wrong_json": ({"do": "wrong_json", "when": "after"}, ACCEPTED),
    "applied-timeout": ({"do": "timeout", "when": "after", "hold_seconds": 1.0}, ACCEPTED),
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), "--no-limits") as running:
        yield running


class OneClock(TestClock):
    """The test's clock and the sandbox's, moved together."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(START)
        self._sandbox = sandbox
        sandbox.set_clock("frozen", START.isoformat())

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        super().advance(by)
        self._sandbox.set_clock("frozen", self.now().isoformat())


@pytest.fixture
def one_clock(sandbox: Sandbox) -> OneClock:
    sandbox.reset()
    sandbox.faults()
    return OneClock(sandbox)


@pytest.fixture
def stripe_provider(sandbox: Sandbox) -> StripeProvider:
    access = Access("sandbox", sandbox.url, Secret("sk_test_sandbox"))
    return StripeProvider(access, policy(read_timeout_seconds=0.5))


def held(folder: Path, provider: StripeProvider, clock: TestClock, request: Request) -> Outcome:
    with gateway(folder, provider, clock) as sending:
        sent = sending.send([request])
        sending.mark_reported(sent.outcomes)
    return sent.outcomes[0]


@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_on_the_wire_ends_as_in_the_model(
    fault: dict[str, Any], expected: tuple[State, str | None], folder: Path, sandbox: Sandbox,
    one_clock: OneClock, stripe_provider: StripeProvider,
) -> None:  # fmt: skip
    sandbox.faults({"path": "/v1/payment_intents", "method": "POST", "times": 1, **fault})
    with gateway(folder, stripe_provider, one_clock) as sending:
        request = planned("authorize", customer_id=None, journal_id=sending.journal_id)
    outcome = until_settled(folder, stripe_provider, one_clock, request)
    assert (outcome.state, outcome.error_code if expected[1] else None) == expected
    live = sandbox.books()["live_intents"].get("o1/1", [])
    assert live == ([outcome.provider_id] if outcome.state is State.ACCEPTED else [])


def test_a_hold_and_its_capture_keep_charge_fee_and_net(
    folder: Path, one_clock: OneClock, stripe_provider: StripeProvider, sandbox: Sandbox
) -> None:
    expand = {"expand": ["latest_charge.balance_transaction"]}
    hold = held(
        folder, stripe_provider, one_clock, planned("authorize", customer_id=None, more=expand)
    )
    kept = json.loads(str(hold.answer))
    assert kept["capture_before"] == int((START + timedelta(days=7)).timestamp())
    capture = planned("capture", intent_id=hold.provider_id, amount_minor=600, more=expand)
    captured = json.loads(str(held(folder, stripe_provider, one_clock, capture).answer))
    assert captured["balance_transaction_id"].startswith("txn_")
    assert captured["fee"] + captured["net"] == captured["amount_received"] == 600
    book = sandbox.books()["payment_intents"][str(hold.provider_id)]
    assert (book["captured"], book["released"]) == (600, 400)


@pytest.mark.parametrize("with_customer", [True, False])
def test_a_hold_is_found_by_customer_or_by_order_when_its_key_is_gone(
    with_customer: bool, folder: Path, one_clock: OneClock, stripe_provider: StripeProvider,
    sandbox: Sandbox,
) -> None:  # fmt: skip
    customer = None
    if with_customer:
        made = stripe_provider.post("/v1/customers", {"name": "Ada"}, "c" * 64)
        customer = str((made.body or {})["id"])
    for number in range(12):
        held(
            folder, stripe_provider, one_clock, planned("authorize", f"x{number}", customer_id=None)
        )
    sandbox.faults({"do": "reset", "when": "after", "method": "POST", "times": 1})
    with gateway(folder, stripe_provider, one_clock, attempts_per_run=1) as sending:
        request = planned("authorize", customer_id=customer, journal_id=sending.journal_id)
        sending.send([request])
    one_clock.advance(timedelta(hours=24, minutes=1))
    outcome = until_settled(folder, stripe_provider, one_clock, request)
    assert (outcome.state, outcome.attempts) == (State.ACCEPTED, 1)
    assert sandbox.books()["live_intents"]["o1/1"] == [outcome.provider_id]


def test_a_capture_after_the_hold_expired_is_rejected(
    folder: Path, one_clock: OneClock, stripe_provider: StripeProvider
) -> None:
    hold = held(folder, stripe_provider, one_clock, planned("authorize", customer_id=None))
    one_clock.advance(timedelta(days=8))
    capture = planned("capture", intent_id=hold.provider_id)
    assert held(folder, stripe_provider, one_clock, capture).error_code == "already_canceled"


def test_the_provider_s_limits_refuse_nothing(tmp_path: Path, folder: Path) -> None:
    """In real time and on threads, with the limits on."""
    with sandbox_process(tmp_path) as limited:
        changes = {"workers": 16}
        sent = run_job(folder, limited.url, "paced", 75, changes=changes)
        assert (sent.counts["accepted"], sent.counts["posts"]) == (75, 75)
        assert limited.books()["refused_by_rate"] == 0
