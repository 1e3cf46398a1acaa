"""The journal: durable before the first byte, forward only, one process at a time."""

from __future__ import annotations

import itertools
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from conf.settings import load_settings
from jobs.errors import JobError, UsageError
from jobs.gateway.entry import Entry
from jobs.gateway.gateway import JOURNAL_FILE, open_gateway
from jobs.gateway.intake import take_in
from jobs.gateway.journal import MAY_BECOME, Journal, MovedBack
from jobs.gateway.journal_file import known_journal_id
from jobs.gateway.request import State
from tests.jobs.gateway.clocks import START, TestClock
from tests.jobs.gateway.fake_provider import FakeProvider, Fault
from tests.jobs.gateway.plans import JOB, gateway, planned

KEY = planned("authorize").key


def opened(folder: Path, clock: TestClock, mode: str = "sandbox") -> Journal:
    return Journal(folder / "journal.sqlite", clock, mode)


def taken_in(journal: Journal) -> Entry:
    take_in(journal, [planned("authorize", journal_id=journal.id)], JOB, START)
    return journal.entry(KEY)


def test_sending_is_on_disk_before_the_first_byte_goes_out(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    found = []

    def look(path: str, key: str) -> None:
        with sqlite3.connect(folder / "journal.sqlite") as other:
            found.append(other.execute("select state, attempts from requests").fetchall())

    provider.before_post = look
    with gateway(folder, provider, clock) as sending:
        sending.send([planned("authorize", journal_id=sending.journal_id)])
    assert found == [[("SENDING", 1)]]


def test_what_was_being_sent_when_the_process_died_is_unknown(
    folder: Path, clock: TestClock
) -> None:
    with opened(folder, clock) as journal:
        taken_in(journal)
        journal.sending(KEY, "2026-06-30")
    clock.advance(timedelta(hours=1))
    with opened(folder, clock) as journal:
        entry = journal.entry(KEY)
    assert (entry.state, entry.attempts) == (State.UNKNOWN, 1)
    assert (entry.first_attempt_at, entry.next_attempt_at) == (START, clock.now())


@pytest.mark.parametrize(("before", "after"), [*itertools.product(State, State)])
def test_a_state_moves_forward_only(
    before: State, after: State, folder: Path, clock: TestClock
) -> None:
    with opened(folder, clock) as journal:
        taken_in(journal)
        with sqlite3.connect(folder / "journal.sqlite") as other:
            other.execute("update requests set state = ?", [before])
        if before in MAY_BECOME[after]:
            assert journal.change(KEY, after).state is after
        else:
            with pytest.raises(MovedBack, match=f"to {after} from {before}"):
                journal.change(KEY, after)
            assert journal.entry(KEY).state is before


def test_nothing_leaves_a_settled_state() -> None:
    settled = {State.ACCEPTED, State.REJECTED, State.WITHDRAWN}
    assert not [after for after, before in MAY_BECOME.items() if settled & set(before)]
    assert State.UNKNOWN not in MAY_BECOME[State.PLANNED] + MAY_BECOME[State.SENDING]


def test_a_change_after_the_report_is_handed_out_again(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    provider.faults = [Fault(False, "timeout")]
    request = planned("authorize", journal_id=None)
    with gateway(folder, provider, clock, attempts_per_run=1) as sending:
        (unknown,) = sending.send([request]).outcomes
        clock.advance(timedelta(minutes=1))
        (accepted,) = sending.send([request]).outcomes
        sending.mark_reported([unknown])  # the merge of the older outcome ends late
        assert sending.unreported() == [accepted]


def test_only_what_is_settled_reported_and_old_is_forgotten(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    reported, told = planned("authorize", "a"), planned("authorize", "b")
    open_ = planned("authorize", "c")
    with gateway(folder, provider, clock) as sending:
        sending.mark_reported(sending.send([reported]).outcomes)
        sending.send([told])
    with gateway(folder, provider, clock, enabled=False) as sending:
        sending.mark_reported([o for o in sending.send([open_]).outcomes if o.key == open_.key])
    for days, forgotten in [(59, 0), (2, 1)]:
        clock.advance(timedelta(days=days))
        with opened(folder, clock) as journal:
            assert journal.prune() == forgotten
    with opened(folder, clock) as journal:
        assert set(journal.entries([r.key for r in (reported, told, open_)])) == {
            told.key, open_.key
        }  # fmt: skip


def test_a_request_that_may_have_been_forgotten_is_looked_up_and_not_sent(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        request = planned("authorize", journal_id=sending.journal_id)
        sending.mark_reported(sending.send([request]).outcomes)
    clock.advance(timedelta(days=61))
    with opened(folder, clock) as journal:
        journal.prune()
    with gateway(folder, provider, clock) as sending:
        (outcome,) = sending.send([request]).outcomes
    assert (outcome.provider_id, provider.posts[request.key]) == ("pi_1", 1)


def test_a_journal_of_one_mode_is_not_used_in_another(folder: Path, clock: TestClock) -> None:
    opened(folder, clock).close()
    with pytest.raises(UsageError, match="belongs to mode sandbox, this run is test"):
        opened(folder, clock, "test")
    opened(folder, clock).close()  # and the lock was freed


def test_a_broken_journal_says_what_to_do(folder: Path, clock: TestClock) -> None:
    (folder / "journal.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(JobError, match="Move it away"):
        opened(folder, clock)


def test_the_planner_reads_the_journal_s_id_without_opening_it(
    folder: Path, clock: TestClock
) -> None:
    assert known_journal_id(folder / "journal.sqlite") is None
    with opened(folder, clock) as journal:
        assert known_journal_id(folder / "journal.sqlite") == journal.id
    assert known_journal_id(folder / "journal.sqlite") == journal.id


def test_the_file_is_for_its_owner_alone_and_holds_no_body(
    folder: Path, provider: FakeProvider, clock: TestClock
) -> None:
    with gateway(folder, provider, clock) as sending:
        sending.send([planned("authorize", more={"description": "to Ada, Main Street 1"})])
        files = [file for file in folder.iterdir() if file.name.startswith("journal.sqlite")]
        assert not [file for file in files if b"Main Street" in file.read_bytes()]
    assert (folder / "journal.sqlite").stat().st_mode & 0o077 == 0


def test_a_gateway_opens_from_the_environment(
    folder: Path, provider: FakeProvider, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STRIPE_API_KEY", "STRIPE_PAYMENTS_KEY", "STRIPE_API_BASE", "MARKETPLACE_NOW"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MARKETPLACE_GATEWAY_DIR", str(folder))
    with open_gateway(load_settings("local"), JOB, clock, provider) as sending:
        assert sending.environment == "sandbox"
        (outcome,) = sending.send([planned("authorize")]).outcomes
    assert outcome.state is State.ACCEPTED
    assert (folder / JOURNAL_FILE).exists()
