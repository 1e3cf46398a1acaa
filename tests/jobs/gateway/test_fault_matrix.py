"""Every fault, at every place of a request's life: how it ends, and that nothing happens twice.

A case is (applied, how) as in `fake_provider.Fault`: whether the provider executed the request, and
what came back. "applied" with a refusal is a provider that says no and did it all the same.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.gateway.entry import Outcome
from jobs.gateway.request import Request, State
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import gateway, planned, until_settled

HOWS = (
    "200", "400", "402", "409", "429", "500", "503", "timeout", "reset", "cut", "bad_json", "late",
)  # fmt: skip
CASES = [Fault(applied, how) for applied in (True, False) for how in HOWS]
OPERATIONS = ("authorize", "capture", "cancel")
ACCEPTED = (State.ACCEPTED, None)

FIRST = {
    # What is not executed and not said to be lost ends as the provider says; the rest is accepted.
    "authorize": {
        Fault(False, "400"): (State.REJECTED, "parameter_invalid_empty"),
        Fault(False, "402"): (State.REJECTED, "card_declined"),
        Fault(False, "500"): (State.REJECTED, "never_arrived"),
    },
    "capture": {
        Fault(False, "400"): (State.REJECTED, "parameter_invalid_empty"),
        Fault(False, "402"): (State.REJECTED, "card_declined"),
        Fault(False, "500"): (State.REJECTED, "not_applied"),
    },
    "cancel": {
        Fault(False, "400"): (State.REJECTED, "parameter_invalid_empty"),
        Fault(False, "402"): (State.REJECTED, "card_declined"),
        Fault(False, "500"): (State.REJECTED, "not_applied"),
    },
}
RETRY = {
    # A refusal of a retry says nothing of the attempt before it: the same key is asked again.
    "authorize": {
        Fault(False, "402"): (State.REJECTED, "card_declined"),
        Fault(False, "500"): (State.REJECTED, "never_arrived"),
    },
    "capture": FIRST["capture"],
    "cancel": FIRST["cancel"],
}


def name_of(fault: Fault) -> str:
    return f"{'applied' if fault.applied else 'not'}-{fault.how}"


def asked(operation: str, folder: Path, provider: FakeProvider, clock: TestClock) -> Request:
    """The request whose faults are tried; a capture and a cancellation have a hold before them."""
    with gateway(folder, provider, clock) as sending:
        hold = planned("authorize", journal_id=sending.journal_id)
        if operation == "authorize":
            return hold
        held = sending.send([hold])
        sending.mark_reported(held.outcomes)
        return planned(
            operation, amount_minor=600, intent_id=held.outcomes[0].provider_id,
            journal_id=sending.journal_id,
        )  # fmt: skip


def ended(outcome: Outcome) -> tuple[State, str | None]:
    code = outcome.error_code if outcome.state is State.REJECTED else None
    return outcome.state, code


def judge(
    outcome: Outcome, expected: tuple[State, str | None], request: Request, provider: FakeProvider
) -> None:
    provider.settle()
    assert ended(outcome) == expected
    assert len(provider.live("o1", 1)) <= 1
    assert provider.executed[request.key] <= 1
    if outcome.state is State.ACCEPTED:
        assert provider.executed[request.key] == 1
        assert outcome.provider_id in provider.intents
    elif outcome.error_code != "card_declined":
        assert provider.executed[request.key] == 0


@pytest.mark.parametrize("fault", CASES, ids=name_of)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_of_the_first_try(
    operation: str, fault: Fault, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = asked(operation, folder, provider, clock)
    provider.faults = [fault]
    provider.arrives_after_posts = 2
    outcome = until_settled(folder, provider, clock, request)
    judge(outcome, FIRST[operation].get(fault, ACCEPTED), request, provider)


@pytest.mark.parametrize("fault", CASES, ids=name_of)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_of_the_retry(
    operation: str, fault: Fault, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = asked(operation, folder, provider, clock)
    provider.faults = [Fault(False, "timeout"), fault]
    provider.arrives_after_posts = 3
    outcome = until_settled(folder, provider, clock, request)
    judge(outcome, RETRY[operation].get(fault, ACCEPTED), request, provider)


@pytest.mark.parametrize("fault", CASES, ids=name_of)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_of_the_look_up(
    operation: str, fault: Fault, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    """The answer is lost, nobody runs for a day, and then the reads fail three times."""
    request = asked(operation, folder, provider, clock)
    provider.faults = [Fault(fault.applied, "timeout")]
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        sending.send([request])
    clock.advance(timedelta(hours=23, minutes=30))
    provider.read_faults = [fault] * 3
    outcome = until_settled(folder, provider, clock, request)
    never = "never_arrived" if operation == "authorize" else "not_applied"
    expected = ACCEPTED if fault.applied else (State.REJECTED, never)
    judge(outcome, expected, request, provider)
    assert provider.posts[request.key] == 1, "a key of that age is never used again"
