"""The gateway's journal: what may have been sent, durable before the first byte goes out.

One SQLite file with a row for each request key, one process at a time (a lock beside it). A state
moves forward only:

    PLANNED -> SENDING -> ACCEPTED | REJECTED | UNKNOWN      UNKNOWN -> ACCEPTED | REJECTED
    PLANNED -> WITHDRAWN                                     SENDING -> PLANNED

The last of these needs an answer which proves that nothing was executed. A request that is UNKNOWN
stays so while it is sent again. What is SENDING when the file is opened was cut off by a crash, and
becomes UNKNOWN. WAL and synchronous=FULL: what is committed outlives a kill and a power cut.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobs.clock import Clock
from jobs.errors import JobError, UsageError
from jobs.gateway.entry import COLUMNS, Entry, Outcome, entry_of, stored, text_of
from jobs.gateway.journal_file import opened
from jobs.gateway.request import Request, State
from jobs.sender_lock import only_sender

KEPT_FOR = timedelta(days=60)
MAY_BECOME: Mapping[State, tuple[State, ...]] = {
    State.PLANNED: (State.PLANNED, State.SENDING),
    State.SENDING: (State.PLANNED,),
    State.UNKNOWN: (State.PLANNED, State.SENDING, State.UNKNOWN),
    State.ACCEPTED: (State.PLANNED, State.SENDING, State.UNKNOWN),
    State.REJECTED: (State.PLANNED, State.SENDING, State.UNKNOWN),
    State.WITHDRAWN: (State.PLANNED,),
}
"""From which states each may come."""
TOLD = tuple(field.name for field in fields(Outcome) if field.name != "journal_id")


class MovedBack(JobError):
    """A change would have moved a request's state back: a defect; nothing was changed."""


class Journal:
    """Opens the file at `path`, or makes it; AnotherSender when another process has it open.

    `mode` (sandbox, test, live) is bound to the file when it is made: what was sent to one provider
    is never looked for at another. Safe to use from many threads.
    """

    def __init__(self, path: Path, clock: Clock, mode: str = "sandbox") -> None:
        self.path, self._clock, self._turn = path, clock, threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock")
        self._lock = only_sender(
            lock,
            f"another process is sending ({lock}); nothing was done, run it again when it ends",
        )
        try:
            self._db = opened(path)
            self.id = self._identity(mode)
            self._after_a_crash()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        self._db.close()
        self._lock.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def entry(self, key: str) -> Entry:
        """The row of `key`; KeyError when there is none."""
        return self.entries([key])[key]

    def entries(self, keys: Iterable[str]) -> dict[str, Entry]:
        """The rows of those of `keys` that are here."""
        wanted = json.dumps(sorted(set(keys)))
        return {e.key: e for e in self._found("key in (select value from json_each(?))", [wanted])}

    def take_in(self, rows: Iterable[tuple[Request, Mapping[str, Any]]], job: str) -> None:
        """Adds requests in one commit, each with its `state` and instants."""
        now = self._clock.now()
        with self._changing() as db:
            for request, given in rows:
                values: dict[str, Any] = {name: getattr(request, name, None) for name in COLUMNS}
                values |= {"job": job, "attempts": 0, "counted_on": None, "needs_person": False}
                values |= {"revision": 1, "reported": False, "changed_at": now, **given}
                names = ", ".join(f":{name}" for name in COLUMNS)
                db.execute(
                    f"insert into requests ({', '.join(COLUMNS)}) values ({names})", stored(values)
                )

    def sending(self, key: str, counted_on: str | None) -> Entry:
        """Durably notes that bytes go out now."""
        now, before = self._clock.now(), self.entry(key)
        first = before.first_attempt_at or now
        state = State.UNKNOWN if before.state is State.UNKNOWN else State.SENDING
        return self.change(
            key, state, attempts=before.attempts + 1, first_attempt_at=first,
            last_attempt_at=now, counted_on=counted_on or before.counted_on,
        )  # fmt: skip

    def change(self, key: str, state: State, **values: Any) -> Entry:
        """Durably sets the state and other columns of a request; MovedBack, with nothing changed,
        when it is in a state from which `state` does not follow."""
        given = stored({**values, "changed_at": self._clock.now()})
        sets = ", ".join(f"{name} = :{name}" for name in given)
        froms = ", ".join(f"'{before}'" for before in MAY_BECOME[state])
        with self._changing() as db:
            changed = db.execute(
                f"update requests set state = :to_state, revision = revision + 1, reported = 0, "
                f"{sets} where key = :of_key and state in ({froms})",
                {**given, "to_state": state, "of_key": key},
            )
            if changed.rowcount != 1:
                raise MovedBack(f"request {key} would go to {state} from {self.entry(key).state}")
        return self.entry(key)

    def unreported(self) -> list[Outcome]:
        """What the caller has not yet marked as merged, in the order of the keys."""
        return self.told(self._found("reported = 0 and state <> 'SENDING'", []))

    def told(self, entries: Iterable[Entry]) -> list[Outcome]:
        return [
            Outcome(journal_id=self.id, **{name: getattr(entry, name) for name in TOLD})
            for entry in entries
        ]

    def mark_reported(self, outcomes: Iterable[Outcome]) -> None:
        """The caller has merged them; what changed since is handed out again."""
        with self._changing() as db:
            db.executemany(
                "update requests set reported = 1 where key = ? and revision = ?",
                [(outcome.key, outcome.revision) for outcome in outcomes],
            )

    def counted(self, day: str, job: str) -> dict[tuple[str, str], int]:
        """Minor units by (operation, currency) that count on the UTC date `day`: what was accepted
        or may have been executed."""
        with self._turn:
            rows = self._db.execute(
                "select operation, currency, sum(amount_minor) from requests where counted_on = ? "
                "and job = ? and state in ('SENDING', 'UNKNOWN', 'ACCEPTED') group by 1, 2",
                [day, job],
            ).fetchall()
        return {(operation, currency): int(amount) for operation, currency, amount in rows}

    def prune(self) -> int:
        """Forgets what is settled, reported and older than 60 days; returns how many."""
        before = text_of(self._clock.now() - KEPT_FOR)
        with self._changing() as db:
            return db.execute(
                "delete from requests where reported = 1 and changed_at < ? and planned_at < ? "
                "and state in ('ACCEPTED', 'REJECTED', 'WITHDRAWN')",
                [before, before],
            ).rowcount

    def _after_a_crash(self) -> None:
        with self._changing() as db:
            db.execute(
                "update requests set state = 'UNKNOWN', revision = revision + 1, reported = 0, "
                "next_attempt_at = :now, changed_at = :now where state = 'SENDING'",
                {"now": text_of(self._clock.now())},
            )

    def _identity(self, mode: str) -> str:
        with self._changing() as db:
            made = {"id": str(uuid.uuid4()), "mode": mode, "made_at": text_of(self._clock.now())}
            db.executemany("insert or ignore into journal values (?, ?)", list(made.items()))
            found = dict(db.execute("select name, value from journal").fetchall())
        if found["mode"] != mode:
            raise UsageError(
                f"the journal {self.path} belongs to mode {found['mode']}, this run is {mode}: set "
                "MARKETPLACE_GATEWAY_DIR to another folder, and use a lake of its own"
            )
        return str(found["id"])

    def _found(self, condition: str, values: Sequence[Any]) -> list[Entry]:
        with self._turn:
            rows = self._db.execute(
                f"select {', '.join(COLUMNS)} from requests where {condition} order by key", values
            ).fetchall()
        return [entry_of(row) for row in rows]

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
