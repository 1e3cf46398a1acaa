"""A request whose answer nobody has: asked again while its key is young, looked up afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.gateway.request import State
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import gateway, merged, planned, until_settled

LOST = [Fault(True, "timeout")]
AGES = {
    "22:59": (timedelta(hours=22, minutes=59), 2),
    "23:59": (timedelta(hours=23, minutes=59), 1),
    "24:01": (timedelta(hours=24, minutes=1), 1),
    "31 days": (timedelta(days=31), 1),
}
"""Age of the key when the gateway runs again, and how often it was posted in the end."""


@pytest.mark.parametrize(("age", "posts"), AGES.values(), ids=AGES)
@pytest.mark.parametrize("customer", ["cus_1", None])
def test_a_hold_whose_answer_was_lost_is_found_at_any_age(
    customer: str | None, age: timedelta, posts: int, folder: Path, provider: FakeProvider,
    clock: TestClock,
) -> None:  # fmt: skip
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        request = planned("authorize", customer_id=customer, journal_id=sending.journal_id)
        provider.faults = list(LOST)
        sending.send([request])
    clock.advance(age)
    outcome = until_settled(folder, provider, clock, request)
    code = "canceled" if age > timedelta(days=7) else None  # the hold expired meanwhile
    assert (outcome.provider_id, outcome.error_code) == ("pi_1", code)
    assert (provider.posts[request.key], len(provider.intents)) == (posts, 1)


@pytest.mark.parametrize("age", [timedelta(hours=23, minutes=59), timedelta(hours=24, minutes=1)])
def test_what_is_not_found_proves_nothing_for_a_day_after_the_last_attempt(
    age: timedelta, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        request = planned("authorize", journal_id=sending.journal_id)
        provider.faults = [Fault(False, "timeout")]
        sending.send([request])
    clock.advance(age)
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        (outcome,) = sending.send([request]).outcomes
    if age < timedelta(hours=24):
        assert (outcome.state, outcome.error_code) == (State.UNKNOWN, "lost")
        assert outcome.next_attempt_at == clock.now() + timedelta(minutes=1)
    else:
        assert (outcome.state, outcome.error_code) == (State.REJECTED, "never_arrived")
    assert provider.posts[request.key] == 1


def test_a_key_ages_from_its_first_attempt_however_often_it_was_sent_since(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = planned("authorize")
    provider.faults = [Fault(True, "timeout"), Fault(False, "timeout"), Fault(False, "timeout")]
    for hours in (11, 11, 2):
        with gateway(folder, provider, clock, attempts_per_run=1) as sending:
            sending.send([request])
        clock.advance(timedelta(hours=hours))
    outcome = until_settled(folder, provider, clock, request)
    assert (outcome.state, provider.posts[request.key]) == (State.ACCEPTED, 3)
    assert len(provider.intents) == 1


@pytest.mark.parametrize("operation", ["capture", "cancel"])
def test_a_capture_or_cancellation_is_read_before_it_is_sent_again(
    operation: str, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        (held,) = sending.send([planned("authorize")]).outcomes
        sending.mark_reported([held])
        provider.faults = list(LOST)
        (outcome,) = sending.send([planned(operation, intent_id=held.provider_id)]).outcomes
    assert (outcome.state, outcome.attempts) == (State.ACCEPTED, 1)


@pytest.mark.parametrize("operation", ["capture", "cancel"])
def test_an_intent_that_the_provider_does_not_know_is_for_a_person(
    operation: str, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        nowhere = planned(operation, intent_id="pi_nowhere", journal_id=sending.journal_id)
        (outcome,) = sending.send([nowhere]).outcomes
    assert (outcome.state, outcome.error_code) == (State.REJECTED, "intent_missing")
    assert outcome.needs_person
    assert provider.posts[nowhere.key] == 1


def test_a_capture_that_another_amount_won_needs_a_person(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        (held,) = sending.send([planned("authorize")]).outcomes
        first = planned("capture", intent_id=held.provider_id, amount_minor=400)
        second = planned("capture", intent_id=held.provider_id, amount_minor=500, request_no=2)
        outcomes = {o.key: o for one in (first, second) for o in sending.send([one]).outcomes}
    assert outcomes[first.key].state is State.ACCEPTED
    assert outcomes[second.key].error_code == "captured_otherwise"
    assert outcomes[second.key].needs_person


def test_a_lost_journal_puts_every_open_request_in_doubt_and_nothing_happens_twice(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    requests = [planned("authorize", f"o{number}") for number in range(3)]
    provider.faults = [Fault(True, "timeout"), None, None]
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        requests = [replace(one, journal_id=sending.journal_id) for one in requests]
        sending.send(requests)  # and the job dies before it has merged anything
    for file in folder.glob("journal.sqlite*"):
        file.unlink()
    clock.advance(timedelta(days=2))
    with gateway(folder, provider, clock) as sending:
        outcomes = sending.send(requests).outcomes
    assert {outcome.state for outcome in outcomes} == {State.ACCEPTED}
    assert (provider.posts.total(), len(provider.intents)) == (3, 3)


def test_what_the_table_has_heard_of_is_doubted_by_an_older_copy_of_the_journal(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock, enabled=False) as sending:
        request = planned("authorize", journal_id=sending.journal_id)
        sending.send([request])
    copy = {file.name: file.read_bytes() for file in folder.glob("journal.sqlite*")}
    provider.faults = list(LOST)
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        (outcome,) = sending.send([request]).outcomes
    for name, content in copy.items():
        (folder / name).write_bytes(content)
    clock.advance(timedelta(days=2))
    with gateway(folder, provider, clock) as sending:
        (outcome,) = sending.send([merged(request, outcome)]).outcomes
    assert (outcome.state, len(provider.intents)) == (State.ACCEPTED, 1)


def test_what_the_table_has_settled_is_not_sent_by_an_older_copy_of_the_journal(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock, enabled=False) as sending:
        request = planned("authorize", journal_id=sending.journal_id)
        sending.send([request])
    settled = replace(request, state=State.ACCEPTED, attempts=1)
    with gateway(folder, provider, clock) as sending:
        assert sending.send([settled]).outcomes == ()
    assert provider.posts.total() == 0


def test_what_came_back_as_an_event_is_accepted_without_another_post(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = planned("authorize")
    provider.faults = list(LOST)
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        sending.send([request])
        (outcome,) = sending.send([request], known={request.key: "pi_1"}).outcomes
    assert (outcome.state, outcome.provider_id) == (State.ACCEPTED, "pi_1")
    assert provider.posts[request.key] == 1


def test_a_rejected_request_whose_object_comes_back_is_named(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = planned("authorize", more={"payment_method": "pm_card_chargeDeclined"})
    with gateway(folder, provider, clock) as sending:
        sending.send([request])
        assert sending.send([request], known={request.key: "pi_1"}).contradicted == ()
        again = sending.send([request], known={request.key: "pi_9"})
    assert again.contradicted == (request.key,)


def test_a_key_that_is_under_way_is_waited_for(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    """Timed out and still running: the same key meets 409 until it is done."""
    request = planned("authorize")
    provider.faults = [Fault(True, "late")]
    with gateway(folder, provider, clock, attempts_per_run=3) as sending:
        (outcome,) = sending.send([request]).outcomes
        assert (outcome.state, outcome.error_code) == (State.UNKNOWN, "idempotency_key_in_use")
        provider.arrive_late()
        clock.advance(timedelta(minutes=1))
        (outcome,) = sending.send([request]).outcomes
    assert (outcome.state, provider.executed[request.key]) == (State.ACCEPTED, 1)
