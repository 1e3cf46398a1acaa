"""What is never sent: bytes other than the frozen ones, what is switched off, capped, withdrawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import ContractBroken
from jobs.gateway.request import Request, State, body_text, request_key, sha256_of
from tests.jobs.gateway.clocks import START, TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import JOB, gateway, planned


def with_body(request: Request, **params: Any) -> Request:
    body = body_text("/v1/payment_intents", params)
    return replace(request, body=body, body_sha256=sha256_of(body))


HOLD = planned("authorize")
SAID = {"amount": 1000, "currency": "usd", "customer": "cus_1", "transfer_group": "o1"}
METADATA = {"request_key": HOLD.key}
WRONG = {
    "bytes that changed": replace(HOLD, body=HOLD.body.replace("1000", "9000")),
    "another amount": with_body(HOLD, **{**SAID, "amount": 9000}, metadata=METADATA),
    "another currency": with_body(HOLD, **{**SAID, "currency": "eur"}, metadata=METADATA),
    "another customer": with_body(HOLD, **{**SAID, "customer": "cus_2"}, metadata=METADATA),
    "another order": with_body(HOLD, **{**SAID, "transfer_group": "o2"}, metadata=METADATA),
    "another key in it": with_body(HOLD, **SAID, metadata={"request_key": "0" * 64}),
    "no key in it": with_body(HOLD, **SAID),
    "a fraction": with_body(HOLD, **{**SAID, "amount": 1000.0}, metadata=METADATA),
    "another path": replace(planned("cancel", intent_id="pi_1"), payment_intent_id="pi_2"),
    "a path as an id": planned("capture", intent_id="pi_1/../../refunds"),
    "another request number": replace(HOLD, request_no=2),
    "a negative amount": planned("authorize", amount_minor=-5),
    "true for one": with_body(
        replace(HOLD, amount_minor=1), **{**SAID, "amount": True}, metadata=METADATA
    ),
    "an unknown operation": replace(HOLD, operation="gift"),
}


@pytest.mark.parametrize("request_", WRONG.values(), ids=WRONG)
def test_a_request_that_is_not_what_was_frozen_stops_the_batch(
    request_: Request, folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with (
        gateway(folder, provider, clock) as sending,
        pytest.raises(ContractBroken, match=request_.key),
    ):
        sending.send([planned("authorize", "other"), request_])
    assert provider.posts.total() == 0


def test_a_key_that_was_used_with_another_body_is_named_and_nothing_is_sent(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    other = planned("authorize", more={"description": "x"})
    with gateway(folder, provider, clock) as sending:
        sending.send([HOLD])
        with pytest.raises(ContractBroken, match=f"{HOLD.key}.*with another body"):
            sending.send([other])
    assert provider.posts.total() == 1


def test_the_key_is_a_hash_of_its_parts_and_of_nothing_else() -> None:
    key = request_key("sandbox", "us", "authorize", "o1", 1, 2)
    assert key == sha256_of("sandbox\x1fus\x1fauthorize\x1fo1\x1f1\x1f2")
    with pytest.raises(ValueError, match="separator"):
        request_key("sandbox", "us", "authorize", "o1\x1f1", 1, 2)


def test_the_switch_in_the_policy_keeps_everything_planned(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock, enabled=False) as sending:
        sent = sending.send([replace(HOLD, journal_id=sending.journal_id)])
    assert "switched off" in str(sent.unavailable)
    assert [(o.state, o.next_attempt_at) for o in sent.outcomes] == [(State.PLANNED, clock.now())]
    assert provider.posts.total() == 0


def test_the_stop_file_is_looked_at_before_every_send(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    def stop_after_two(path: str, key: str) -> None:
        if provider.posts.total() == 1:
            (folder / "stop").touch()

    provider.before_post = stop_after_two
    with gateway(folder, provider, clock) as sending:
        plans = [planned("authorize", f"o{n}", journal_id=sending.journal_id) for n in range(9)]
        sent = sending.send(plans)
        assert provider.posts.total() == 2
        assert "remove it to go on" in str(sent.unavailable)
        assert (sent.counts["accepted"], sent.counts["planned"]) == (2, 7)
        (folder / "stop").unlink()
        assert sending.send(plans).unavailable is None
    assert provider.posts.total() == 9


def test_the_daily_cap_holds_back_what_would_go_over_until_the_next_utc_day(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    caps = {"daily_cap_minor": {JOB: {"USD": 2500}}}
    plans = [planned("authorize", f"o{number}") for number in range(4)]
    with gateway(folder, provider, clock, **caps) as sending:
        sent = sending.send(plans)
    assert sent.counts["posts"] == 2
    assert "authorize in USD: the daily cap of 2500 minor units is reached" in str(sent.unavailable)
    waiting = [o for o in sent.outcomes if not o.state.settled]
    assert {o.next_attempt_at for o in waiting} == {datetime(2026, 7, 1, tzinfo=UTC)}
    with gateway(folder, provider, clock, **caps) as sending:  # the journal counts, not the run
        assert sending.send(plans).counts["posts"] == 0
    clock.advance(timedelta(hours=16))
    with gateway(folder, provider, clock, **caps) as sending:
        assert sending.send(plans).counts["accepted"] == 4


def test_a_decline_gives_its_amount_back_and_a_cancellation_counts_nothing(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    caps = {"daily_cap_minor": {JOB: {"USD": 1500}}}
    refused = planned("authorize", "a", more={"payment_method": "pm_card_chargeDeclined"})
    with gateway(folder, provider, clock, **caps) as sending:
        sending.send([refused])
        held = {o.key: o for o in sending.send([HOLD]).outcomes}[HOLD.key]
        sent = sending.send([planned("cancel", intent_id=held.provider_id)])
    assert sent.counts["accepted"] == 1


def test_a_currency_or_a_job_without_a_cap_sends_nothing(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        sent = sending.send([planned("authorize", currency="ISK")])
    assert "authorize in ISK: conf/policy/gateway.yaml has no cap for act.payment_intents" in str(
        sent.unavailable
    )
    assert provider.posts.total() == 0


def test_what_was_taken_back_is_never_sent(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        mine = planned("authorize", journal_id=sending.journal_id)
        foreign = planned("authorize", "o2", journal_id="another")
        sent = planned("authorize", "o3", journal_id=sending.journal_id)
        sending.send([sent])
        withdrawn = sending.withdraw([mine, foreign, sent])
        assert withdrawn.keys == (mine.key,)
        assert withdrawn.refused == {
            foreign.key: "UNKNOWN after 0 attempts", sent.key: "ACCEPTED after 1 attempts"
        }  # fmt: skip
        told = {o.key: o.state for o in sending.send([mine]).outcomes}
    assert told[mine.key] is State.WITHDRAWN
    assert provider.posts[mine.key] == 0


def test_a_key_that_is_refused_ends_the_run_and_leaves_everything_as_it_was(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    provider.faults = [Fault(False, "401")]
    with gateway(folder, provider, clock) as sending:
        plans = [planned("authorize", f"o{n}", journal_id=sending.journal_id) for n in range(5)]
        sent = sending.send(plans)
        assert provider.posts.total() == 1
        assert "the provider refuses the key: 401" in str(sent.unavailable)
        assert sent.counts["planned"] == 5
        assert {o.first_attempt_at for o in sent.outcomes} == {None}
    with gateway(folder, provider, clock) as sending:
        assert sending.send(plans).counts["accepted"] == 5


def test_a_run_ends_with_its_budget_and_says_so(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    plans = [planned("authorize", f"o{number}") for number in range(100)]
    with gateway(folder, provider, clock, run_budget_seconds=2) as sending:
        sent = sending.send(plans)
    assert "2 s for sending are used up" in str(sent.unavailable)
    assert 40 <= sent.counts["posts"] <= 49
    assert clock.now() - START < timedelta(seconds=3)
