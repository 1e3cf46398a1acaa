"""Any history of plans, faults, crashes, clock jumps and lost journals keeps the promises.

Never two live intents of one payment, no key executed twice, no state moves back, nothing open
without a due time, and when the faults end everything is settled as the provider's books say.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs.gateway.entry import Entry, Outcome
from jobs.gateway.gateway import Gateway
from jobs.gateway.journal import Journal
from jobs.gateway.judge import NEEDS_PERSON
from jobs.gateway.request import Request, State
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.conftest import IN_MEMORY
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import ENVIRONMENT, JOB, planned, policy
from tests.jobs.gateway.test_fault_matrix import CASES

RANK = {State.PLANNED: 0, State.UNKNOWN: 1}
SETTLED = 2
FAULTS = st.lists(st.none() | st.sampled_from(CASES), max_size=3)
RARELY = st.sampled_from([False, False, False, True])
MINUTES = st.sampled_from([0, 1, 20, 90, 600, 22 * 60 + 59, 23 * 60 + 1, 24 * 60 + 1, 31 * 24 * 60])
PAYMENTS = [("a", 1), ("a", 2), ("b", 1)]


def rank(state: State) -> int:
    return RANK.get(state, SETTLED)


class Crash(BaseException):
    """kill -9, as far as one process can play it: nothing after it runs."""


class SkewedClock:
    """The gateway's clock beside the provider's."""

    def __init__(self, true: TestClock) -> None:
        self.true, self.skew = true, timedelta()

    def now(self) -> datetime:
        return self.true.now() + self.skew

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)

    def monotonic(self) -> float:
        return self.true.monotonic()


class CrashingJournal(Journal):
    """Crashes before or after its n-th change."""

    crash_in = 0
    after = False

    def change(self, key: str, state: State, **values: Any) -> Entry:
        type(self).crash_in -= 1
        if type(self).crash_in == 0 and not self.after:
            raise Crash
        entry = super().change(key, state, **values)
        if type(self).crash_in == 0:
            raise Crash
        return entry


class History(RuleBasedStateMachine):
    """The planner's table is `rows`, by key; the provider's books are the fake's."""

    def __init__(self) -> None:
        super().__init__()
        place = IN_MEMORY if IN_MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="history-", dir=place))
        self.true = TestClock()
        self.clock, self.provider = SkewedClock(self.true), FakeProvider(self.true)
        self.rows: dict[str, Request] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.numbers: Counter[tuple[str, str, int]] = Counter()
        self.amounts: dict[str, int] = {}
        CrashingJournal.crash_in = 0

    def teardown(self) -> None:
        try:
            self.ends_well()
        finally:
            shutil.rmtree(self.folder)

    @initialize()
    def orders_came_in(self) -> None:
        for payment in PAYMENTS:
            self.plans_a_hold(payment)

    # -- the planner ---------------------------------------------------------------------------

    def latest(self, order_id: str, payment_no: int, *operations: str) -> list[Request]:
        return [
            row for row in self.rows.values()
            if (row.order_id, row.payment_no) == (order_id, payment_no)
            and row.operation in operations
        ]  # fmt: skip

    def plan(self, operation: str, order_id: str, payment_no: int, **more: Any) -> None:
        place = (operation, order_id, payment_no)
        self.numbers[place] += 1
        row = planned(
            operation, order_id, payment_no=payment_no, request_no=self.numbers[place],
            planned_at=self.clock.now(), journal_id=self.journal_id(), **more,
        )  # fmt: skip
        self.rows[row.key] = row

    def journal_id(self) -> str:
        with Journal(self.folder / "journal.sqlite", self.clock) as journal:
            return journal.id

    def is_over(self, row: Request) -> bool:
        """Refused, withdrawn, or its intent was cancelled or expired, as events say."""
        outcome = self.outcomes.get(row.key)
        if outcome is None or not outcome.state.settled or outcome.error_code in NEEDS_PERSON:
            return False
        intent = self.provider.intents.get(str(outcome.provider_id))
        return outcome.state is not State.ACCEPTED or (
            intent is not None and intent["status"] == "canceled"
        )

    @rule(payment=st.sampled_from(PAYMENTS))
    def plans_a_hold(self, payment: tuple[str, int]) -> None:
        """A new request number when what was before is over; some buyers have no customer."""
        if all(self.is_over(row) for row in self.latest(*payment, "authorize")):
            self.plan("authorize", *payment, customer_id="cus_1" if payment[1] == 1 else None)

    @rule(
        payment=st.sampled_from(PAYMENTS), operation=st.sampled_from(["capture", "cancel"]),
        share=st.integers(1, 100),
    )  # fmt: skip
    def plans_its_end(self, payment: tuple[str, int], operation: str, share: int) -> None:
        held = [
            row for row in self.latest(*payment, "authorize")
            if row.state is State.ACCEPTED and not self.is_over(row)
        ]  # fmt: skip
        if not held:
            return
        intent_id = self.outcomes[held[-1].key].provider_id
        ends = [
            r
            for r in self.latest(*payment, "capture", "cancel")
            if r.payment_intent_id == intent_id
        ]
        if all(r.state in (State.REJECTED, State.WITHDRAWN) for r in ends):
            amount = max(held[-1].amount_minor * share // 100, 1)
            self.plan(operation, *payment, amount_minor=amount, intent_id=intent_id)

    # -- the world -----------------------------------------------------------------------------

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        if minutes > 10:
            self.provider.arrive_late()
        self.true.advance(timedelta(minutes=minutes))

    @rule(seconds=st.integers(-120, 120))
    def our_clock_is_set(self, seconds: int) -> None:
        self.clock.skew = timedelta(seconds=seconds)

    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        self.provider.arrive_late()

    @precondition(lambda self: self.rows)
    @rule()
    def the_journal_is_lost(self) -> None:
        for file in self.folder.glob("journal.sqlite*"):
            file.unlink()

    # -- the job -------------------------------------------------------------------------------

    def run_gateway(self, known: bool = False, merges: bool = True) -> None:
        with CrashingJournal(self.folder / "journal.sqlite", self.clock) as journal:
            sending = Gateway(
                journal,
                self.provider,
                policy(attempts_per_run=2),
                self.clock,
                JOB,
                ENVIRONMENT,
                self.folder,
            )
            sent = sending.send([*self.rows.values()], self.came_back() if known else {})
            if merges:
                self.merge(sent.outcomes)
                sending.mark_reported(sent.outcomes)

    def sending(self, journal: Journal) -> Gateway:
        few = policy(attempts_per_run=2)
        return Gateway(journal, self.provider, few, self.clock, JOB, ENVIRONMENT, self.folder)

    def came_back(self) -> dict[str, str]:
        found = self.provider.intents.values()
        return {one["metadata"]["request_key"]: one["id"] for one in found}

    def merge(self, outcomes: tuple[Outcome, ...]) -> None:
        for outcome in outcomes:
            row = self.rows[outcome.key]
            assert rank(outcome.state) >= rank(row.state), (row, outcome)
            assert not row.state.settled or outcome.state is row.state, (row, outcome)
            assert outcome.state.settled or outcome.next_attempt_at is not None, outcome
            self.rows[row.key] = replace(row, state=outcome.state, attempts=outcome.attempts)
            self.outcomes[row.key] = outcome

    @rule(faults=FAULTS, reads=FAULTS, known=RARELY, merges=st.booleans(), minutes=MINUTES)
    def the_job_runs(
        self, faults: list[Fault | None], reads: list[Fault | None], known: bool, merges: bool,
        minutes: int,
    ) -> None:  # fmt: skip
        self.provider.faults, self.provider.read_faults = list(faults), list(reads)
        self.run_gateway(known, merges)
        for payment in PAYMENTS:
            self.plans_a_hold(payment)
        self.time_passes(minutes)

    @rule(steps=st.integers(1, 5), after=st.booleans(), faults=FAULTS)
    def the_job_is_killed(self, steps: int, after: bool, faults: list[Fault | None]) -> None:
        self.provider.faults = list(faults)
        CrashingJournal.crash_in, CrashingJournal.after = steps, after
        with contextlib.suppress(Crash):
            self.run_gateway()
        CrashingJournal.crash_in = 0

    @rule(executed=st.booleans())
    def the_job_is_killed_while_it_waits(self, executed: bool) -> None:
        def crash(path: str, key: str) -> None:
            self.provider.before_post = lambda path, key: None
            if executed:
                body = next(row for row in self.rows.values() if row.key == key)
                self.provider.execute(body, key)
            raise Crash

        self.provider.before_post = crash
        with contextlib.suppress(Crash):
            self.run_gateway()
        self.provider.before_post = lambda path, key: None

    @rule()
    def the_planner_changes_its_mind(self) -> None:
        open_rows = [row for row in self.rows.values() if row.state is State.PLANNED]
        with Journal(self.folder / "journal.sqlite", self.clock) as journal:
            sending = Gateway(
                journal,
                self.provider,
                policy(attempts_per_run=2),
                self.clock,
                JOB,
                ENVIRONMENT,
                self.folder,
            )
            gone = sending.withdraw(open_rows).keys
            self.merge(tuple(sending.unreported()))
            sending.mark_reported(sending.unreported())
        assert not [key for key in gone if self.provider.executed[key]]

    # -- the promises --------------------------------------------------------------------------

    @invariant()
    def never_two_live_intents(self) -> None:
        for payment in PAYMENTS:
            assert len(self.provider.live(*payment)) <= 1

    @invariant()
    def no_key_is_executed_twice(self) -> None:
        assert not [key for key, times in self.provider.executed.items() if times > 1]

    @invariant()
    def never_captured_above_what_was_authorised(self) -> None:
        for one in self.provider.intents.values():
            assert one["amount_received"] <= one["amount"]

    def ends_well(self) -> None:
        """The faults end; three days of hourly runs settle everything as the books say."""
        self.provider.settle()
        self.clock.skew = timedelta()
        for _ in range(72):
            self.run_gateway(known=False)
            if all(row.state.settled for row in self.rows.values()):
                break
            self.true.advance(timedelta(hours=1))
        assert all(row.state.settled for row in self.rows.values())
        for row in self.rows.values():
            outcome, executed = self.outcomes[row.key], self.provider.executed[row.key]
            assert executed == 1 or row.state is not State.ACCEPTED or row.operation != "authorize"
            if executed and row.operation == "authorize":
                assert outcome.provider_id in self.provider.intents
        self.never_two_live_intents()
        self.no_key_is_executed_twice()


def play(examples: int, steps: int, **more: Any) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        History,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), **more,
        ),
    )  # fmt: skip


def test_any_history_keeps_the_promises() -> None:
    play(120, 25, derandomize=True)


@pytest.mark.soak
def test_many_long_histories_keep_the_promises() -> None:
    play(3000, 60)
