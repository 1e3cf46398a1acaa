"""When a call goes out: evenly below the limits, backed off, and not at all while all fails."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.clock import RealClock
from jobs.gateway.answer import Answer, Kind
from jobs.gateway.dispatch import Dispatch
from jobs.gateway.pacing import Breaker, Pacer, backoff_seconds, endpoint_of
from jobs.gateway.request import State
from tests.jobs.gateway.clocks import START, TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import gateway, planned, policy

FINE = Answer(Kind.COMPLETE, 200, {})
LOST = Answer(Kind.LOST, reason="ReadTimeout")


def test_an_endpoint_is_a_method_and_a_path_without_ids() -> None:
    assert endpoint_of("POST", "/v1/payment_intents") == "POST /v1/payment_intents"
    assert endpoint_of("POST", "/v1/payment_intents/pi_1aB/capture") == (
        "POST /v1/payment_intents/{id}/capture"
    )
    assert endpoint_of("GET", "/v1/payment_intents/pi_1aB") == "GET /v1/payment_intents/{id}"


def test_no_second_has_more_than_25_calls_of_an_endpoint_or_100_in_all(clock: TestClock) -> None:
    pacer, sent = Pacer(policy(), clock), defaultdict(list)
    for number in range(1500):
        endpoint = f"POST /v1/{number % 5}"
        pacer.wait(endpoint, 60)
        sent[endpoint].append(clock.monotonic())
    every = sorted(at for times in sent.values() for at in times)
    for times, limit in [*((times, 25) for times in sent.values()), (every, 100)]:
        assert all(later - at >= 1 for at, later in zip(times, times[limit:], strict=False))
    assert every[-1] <= 1.05 * 1500 / 100, "and little of the limit is left unused"


def test_a_busy_endpoint_does_not_slow_down_another() -> None:
    """In real time, as threads come: 48 calls to each of two endpoints take as long as to one."""
    clock = RealClock()
    pacer, began = Pacer(policy(), clock), clock.monotonic()

    def call(number: int) -> None:
        pacer.wait(f"POST /{number % 2}", 60)

    with ThreadPoolExecutor(40) as threads:
        list(threads.map(call, sorted(range(96), key=lambda number: number // 16 % 3)))
    assert clock.monotonic() - began < 1.5 * 48 / 25


def test_ten_thousand_holds_take_the_limit_s_own_time(clock: TestClock) -> None:
    pacer = Pacer(policy(), clock)
    for _ in range(10_000):
        pacer.wait("POST /v1/payment_intents", 60)
    assert 1.0 <= clock.monotonic() / (10_000 / 25) <= 1.05


def test_an_endpoint_that_has_too_much_is_left_alone_and_others_go_on(clock: TestClock) -> None:
    pacer = Pacer(policy(), clock)
    pacer.hold_back("POST /a", 7.0)
    pacer.wait("POST /b", 60)
    assert clock.monotonic() == 0
    assert not pacer.wait("POST /a", 6)
    assert clock.monotonic() == 0
    assert pacer.wait("POST /a", 8)
    assert clock.monotonic() == 7.0


def test_backing_off_doubles_up_to_an_hour_and_is_spread_by_the_key() -> None:
    declared = policy()
    for attempts, longest in [(1, 1), (2, 2), (5, 16), (13, 3600), (4000, 3600)]:
        waits = [backoff_seconds(declared, f"key-{n}", attempts) for n in range(500)]
        assert 0 <= min(waits) <= 0.1 * longest
        assert 0.9 * longest <= max(waits) <= longest
    assert backoff_seconds(declared, "key", 3) == backoff_seconds(declared, "key", 3)


def test_pacing_goes_on_from_one_batch_to_the_next(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        for number in range(26):
            assert sending.send([planned("authorize", f"o{number}")]).counts["posts"] == 1
    assert clock.monotonic() >= 1


def test_retry_after_is_waited_for(folder: Path, provider: FakeProvider, clock: TestClock) -> None:
    class Busy(FakeProvider):
        def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
            if clock.now() < START + timedelta(seconds=40):
                return Answer(
                    Kind.COMPLETE, 429, {}, "invalid_request_error", "rate_limit",
                    retry_after_seconds=40.0,
                )  # fmt: skip
            return super().post(path, params, key)

    busy = Busy(clock)
    with gateway(folder, busy, clock) as sending:
        sent = sending.send([planned("authorize", journal_id=sending.journal_id)])
    assert (sent.counts["posts"], sent.counts["refused_by_rate"]) == (2, 1)
    assert sent.outcomes[0].state is State.ACCEPTED


def test_a_provider_that_asks_for_hours_does_not_keep_the_run(
    folder: Path, clock: TestClock
) -> None:
    class Busy(FakeProvider):
        def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
            return Answer(
                Kind.COMPLETE, 429, {}, "invalid_request_error", "rate_limit",
                retry_after_seconds=7200.0,
            )  # fmt: skip

    with gateway(folder, Busy(clock), clock) as sending:
        plans = [planned("authorize", f"o{n}", journal_id=sending.journal_id) for n in range(3)]
        sent = sending.send(plans)
    assert clock.now() - START < timedelta(minutes=1)
    assert "used up: no turn is left for POST calls" in str(sent.unavailable)
    assert {o.state for o in sent.outcomes} == {State.PLANNED}


@pytest.mark.parametrize("failures", [10, 50])
def test_the_breaker_opens_after_failures_in_a_row_or_a_share_of_them(
    failures: int, clock: TestClock
) -> None:
    breaker = Breaker(policy(), clock)
    for number in range(failures):
        assert breaker.wait_seconds() == 0
        in_a_row = failures == 10
        breaker.note(LOST if in_a_row or number % 2 else FINE)
    assert breaker.wait_seconds() == 15
    assert "the payment provider fails" in str(breaker.reason)


def test_a_half_open_breaker_lets_one_call_through_and_closes_on_any_answer(
    clock: TestClock,
) -> None:
    breaker = Breaker(policy(), clock)
    for _ in range(10):
        breaker.note(LOST)
    clock.sleep(15)
    assert (breaker.wait_seconds(), breaker.wait_seconds()) == (0, 1)
    breaker.note(LOST)
    assert breaker.wait_seconds() == 30, "twice as long when it fails again"
    clock.sleep(30)
    assert breaker.wait_seconds() == 0
    breaker.note(FINE)
    assert (breaker.wait_seconds(), breaker.reason) == (0, None)


def test_a_provider_that_is_down_gets_few_calls_and_everything_stays_due(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    provider.faults = [Fault(False, "not_sent")] * 10_000
    with gateway(folder, provider, clock) as sending:
        plans = [planned("authorize", f"o{n}", journal_id=sending.journal_id) for n in range(500)]
        sent = sending.send(plans)
    assert provider.posts.total() <= 20
    assert "the payment provider fails" in str(sent.unavailable)
    assert sent.counts["planned"] == 500, "no connection came about, so nothing is in doubt"
    assert all(o.next_attempt_at is not None for o in sent.outcomes)


def test_threads_work_each_key_once_and_the_first_failure_ends_all() -> None:
    seen: Counter[str] = Counter()
    turn = threading.Lock()

    def work(key: str) -> datetime | None:
        with turn:
            seen[key] += 1
        if key == "bad":
            raise RuntimeError("the disk is full")
        return None

    clock = RealClock()
    due = [(clock.now(), n, f"k{n}") for n in range(200)]
    Dispatch(clock, lambda: 60.0, work).run(due, workers=16)
    assert set(seen.values()) == {1}
    assert len(seen) == 200
    with pytest.raises(RuntimeError, match="disk is full"):
        Dispatch(clock, lambda: 60.0, work).run([(clock.now(), 0, "bad"), *due], workers=16)


def test_a_key_is_worked_on_again_when_it_is_due_and_left_when_that_is_too_late() -> None:
    clock, seen = TestClock(), []

    def work(key: str) -> datetime | None:
        seen.append((key, clock.monotonic()))
        return clock.now() + timedelta(seconds=20)

    Dispatch(clock, lambda: 50 - clock.monotonic(), work).run([(START, 0, "k")], workers=1)
    assert seen == [("k", 0), ("k", 20), ("k", 40)]
