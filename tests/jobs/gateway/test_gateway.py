"""What a job sees of the gateway on ordinary days."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.gateway.journal import Journal
from jobs.gateway.request import State
from jobs.sender_lock import AnotherSender
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import gateway, merged, planned


def test_a_hold_a_capture_and_a_cancellation(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        holds = [planned("authorize", name, journal_id=sending.journal_id) for name in ("a", "b")]
        held = {outcome.key: outcome for outcome in sending.send(holds).outcomes}
        first, second = (held[request.key].provider_id for request in holds)
        sent = sending.send(
            [
                planned(
                    "capture", "a", amount_minor=700, intent_id=first, journal_id=sending.journal_id
                ),
                planned("cancel", "b", intent_id=second, journal_id=sending.journal_id),
            ]
        )
    assert {outcome.state for outcome in sent.outcomes} == {State.ACCEPTED}
    assert sent.unavailable is None
    assert provider.intents[str(first)]["amount_received"] == 700
    assert provider.intents[str(second)]["status"] == "canceled"


def test_operations_take_turns_so_that_each_endpoint_s_rate_is_used(
    folder: Path, provider: FakeProvider
) -> None:
    """On a clock that goes on by itself, as a real one does."""

    class Running(TestClock):
        def now(self) -> datetime:
            self.advance(timedelta(microseconds=3))
            return super().now()

    seen: list[str] = []
    with gateway(folder, provider, Running()) as sending:
        holds = [planned("authorize", f"o{n}") for n in range(12)]
        ids = {o.key: o.provider_id for o in sending.send(holds[:6]).outcomes}
        captures = [planned("capture", one.order_id, intent_id=ids[one.key]) for one in holds[:6]]
        provider.before_post = lambda path, key: seen.append(path.rpartition("/")[2])
        sending.send([*holds, *captures])
    assert [set(seen[n : n + 2]) for n in range(0, 12, 2)] == [{"payment_intents", "capture"}] * 6


def test_a_finished_run_replayed_ten_times_posts_nothing(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    requests = [planned("authorize", f"o{number}") for number in range(20)]
    with gateway(folder, provider, clock) as sending:
        sending.mark_reported(sending.send(requests).outcomes)
    before = provider.posts.total()
    for _ in range(10):
        with gateway(folder, provider, clock) as sending:
            again = sending.send(requests)
        assert {outcome.state for outcome in again.outcomes} == {State.ACCEPTED}
    assert (before, provider.posts.total()) == (20, 20)


def test_an_outcome_is_handed_out_until_it_is_reported(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = planned("authorize")
    with gateway(folder, provider, clock) as sending:
        (outcome,) = sending.send([request]).outcomes
    with gateway(folder, provider, clock) as sending:
        assert sending.send([]).outcomes == (outcome,)
        sending.mark_reported([outcome])
        assert sending.send([]).outcomes == ()
        assert sending.send([merged(request, outcome)]).outcomes == ()


def test_a_second_sender_leaves(folder: Path, provider: FakeProvider, clock: TestClock) -> None:
    with (
        gateway(folder, provider, clock),
        pytest.raises(AnotherSender, match="another process is sending"),
        Journal(folder / "journal.sqlite", clock),
    ):
        pass


def test_what_is_kept_of_an_answer_names_the_charge_and_no_card(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        (held,) = sending.send([planned("authorize")]).outcomes
        sending.mark_reported([held])
        capture = planned("capture", intent_id=held.provider_id)
        (captured,) = sending.send([capture]).outcomes
    kept = json.loads(str(captured.answer))
    assert kept["charge_id"].startswith("ch_")
    assert (kept["fee"], kept["net"], kept["amount_received"]) == (30, 970, 1000)
    assert "capture_before" in json.loads(str(held.answer))
    for secret in ("4242", "secret", "buyer@"):
        assert secret not in str(captured.answer)


def test_a_decline_is_rejected_with_its_codes_and_the_intent(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    request = planned("authorize", more={"payment_method": "pm_card_chargeDeclined"})
    with gateway(folder, provider, clock) as sending:
        (outcome,) = sending.send([request]).outcomes
    assert outcome.state is State.REJECTED
    assert (outcome.error_code, outcome.decline_code) == ("card_declined", "generic_decline")
    assert outcome.provider_id == "pi_1"


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    provider.faults = [Fault(True, "timeout")]
    request = planned("authorize")
    with gateway(folder, provider, clock) as sending:
        (outcome,) = sending.send([request]).outcomes
    assert (outcome.state, outcome.attempts) == (State.ACCEPTED, 2)
    assert provider.executed[request.key] == 1
