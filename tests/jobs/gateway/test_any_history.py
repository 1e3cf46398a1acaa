"""Any history of plans, faults, crashes, clock jumps and lost journals keeps the promises.

Never two live intents of one payment, no key executed twice, no state moves back, nothing open
without a due time, and when the faults end everything is settled as the provider's books say.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from datetime import timedelta
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

from jobs.gateway.gateway import Gateway
from jobs.gateway.journal import Journal
from jobs.gateway.request import Request, State
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.conftest import IN_MEMORY
from tests.jobs.gateway.crashing import Crash, CrashingJournal, SkewedClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.planner import PlannersTable
from tests.jobs.gateway.plans import ENVIRONMENT, JOB, policy
from tests.jobs.gateway.test_fault_matrix import CASES

FAULTS = st.lists(st.none() | st.sampled_from(CASES), max_size=3)
RARELY = st.sampled_from([False, False, False, True])
MINUTES = st.sampled_from([0, 1, 20, 90, 600, 22 * 60 + 59, 23 * 60 + 1, 24 * 60 + 1, 31 * 24 * 60])
PAYMENTS = [("a", 1), ("a", 2), ("b", 1)]


class History(RuleBasedStateMachine):
    """The planner's table, the gateway, and the provider's books, which are the fake's."""

    def __init__(self) -> None:
        super().__init__()
        place = IN_MEMORY if IN_MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="history-", dir=place))
        self.true = TestClock()
        self.clock, self.provider = SkewedClock(self.true), FakeProvider(self.true)
        self.table = PlannersTable()
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

    def plan(self, operation: str, order_id: str, payment_no: int, **more: Any) -> None:
        with Journal(self.folder / "journal.sqlite", self.clock) as journal:
            self.table.plan(
                operation, order_id, payment_no, planned_at=self.clock.now(),
                journal_id=journal.id, **more,
            )  # fmt: skip

    def is_over(self, row: Request) -> bool:
        return self.table.is_over(row, self.provider.intents)

    @rule(payment=st.sampled_from(PAYMENTS))
    def plans_a_hold(self, payment: tuple[str, int]) -> None:
        """A new request number when what was before is over; some buyers have no customer."""
        if all(self.is_over(row) for row in self.table.of(*payment, "authorize")):
            self.plan("authorize", *payment, customer_id="cus_1" if payment[1] == 1 else None)

    @rule(
        payment=st.sampled_from(PAYMENTS), operation=st.sampled_from(["capture", "cancel"]),
        share=st.integers(1, 100),
    )  # fmt: skip
    def plans_its_end(self, payment: tuple[str, int], operation: str, share: int) -> None:
        held = [
            row for row in self.table.of(*payment, "authorize")
            if row.state is State.ACCEPTED and not self.is_over(row)
        ]  # fmt: skip
        if not held:
            return
        intent_id = self.table.outcomes[held[-1].key].provider_id
        ends = [
            r
            for r in self.table.of(*payment, "capture", "cancel")
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

    @precondition(lambda self: self.table.rows)
    @rule()
    def the_journal_is_lost(self) -> None:
        for file in self.folder.glob("journal.sqlite*"):
            file.unlink()

    # -- the job -------------------------------------------------------------------------------

    def run_gateway(self, known: bool = False, merges: bool = True) -> None:
        with CrashingJournal(self.folder / "journal.sqlite", self.clock) as journal:
            sending = self.sending(journal)
            sent = sending.send([*self.table.rows.values()], self.came_back() if known else {})
            if merges:
                self.table.merge(sent.outcomes)
                sending.mark_reported(sent.outcomes)

    def sending(self, journal: Journal) -> Gateway:
        few = policy(attempts_per_run=2)
        return Gateway(journal, self.provider, few, self.clock, JOB, ENVIRONMENT, self.folder)

    def came_back(self) -> dict[str, str]:
        found = self.provider.intents.values()
        return {one["metadata"]["request_key"]: one["id"] for one in found}

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
                body = next(row for row in self.table.rows.values() if row.key == key)
                self.provider.execute(body, key)
            raise Crash

        self.provider.before_post = crash
        with contextlib.suppress(Crash):
            self.run_gateway()
        self.provider.before_post = lambda path, key: None

    @rule()
    def the_planner_changes_its_mind(self) -> None:
        open_rows = [row for row in self.table.rows.values() if row.state is State.PLANNED]
        with Journal(self.folder / "journal.sqlite", self.clock) as journal:
            sending = self.sending(journal)
            gone = sending.withdraw(open_rows).keys
            self.table.merge(tuple(sending.unreported()))
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
            if all(row.state.settled for row in self.table.rows.values()):
                break
            self.true.advance(timedelta(hours=1))
        assert all(row.state.settled for row in self.table.rows.values())
        states = {key: row.state for key, row in self.table.rows.items()}
        for one in self.provider.intents.values():
            state = states[one["metadata"]["request_key"]]
            alive = one["status"] in ("requires_capture", "succeeded")
            assert state is State.ACCEPTED if alive else state.settled
        accepted = [row for row in self.table.rows.values() if row.state is State.ACCEPTED]
        holds = [row for row in accepted if row.operation == "authorize"]
        assert not [row for row in holds if not self.provider.executed[row.key]]
        captured = {row.payment_intent_id for row in accepted if row.operation == "capture"}
        taken = {one["id"] for one in self.provider.intents.values() if one["amount_received"]}
        assert captured == taken
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
    play(1500, 50)
