"""A job that plans holds and sends them, as a process of its own that can be killed at any point.

python -m tests.jobs.gateway.job_process FOLDER URL PREFIX ORDERS [POINT NTH]

Its table is FOLDER/table.json, replaced in one step as a Delta commit is. At the NTH time that it
comes to POINT it kills itself with SIGKILL. Exit code 4 when another copy is sending.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.clock import RealClock
from jobs.errors import JobError
from jobs.gateway.access import Access
from jobs.gateway.answer import Answer
from jobs.gateway.entry import Entry, Outcome
from jobs.gateway.gateway import Gateway, Sent
from jobs.gateway.journal import Journal
from jobs.gateway.provider import StripeProvider
from jobs.gateway.redaction import Secret
from jobs.gateway.request import Request, State
from tests.jobs.gateway.plans import ENVIRONMENT, JOB, planned, policy

POINTS = (
    "before the plan", "after the plan", "before SENDING", "after SENDING", "before the call",
    "after the call", "before the outcome", "after the outcome", "before the merge",
    "after the merge", "after the report",
)  # fmt: skip
"""Before and after every side effect, in their order."""


class Deadly:
    """Kills the process at the n-th time that it comes to a point; never by default."""

    def __init__(self, point: str | None = None, nth: int = 1) -> None:
        self._point, self._nth = point, nth
        self._seen, self._turn = Counter[str](), threading.Lock()

    def at(self, point: str) -> None:
        assert point in POINTS
        with self._turn:
            self._seen[point] += 1
            if point == self._point and self._seen[point] == self._nth:
                os.kill(os.getpid(), signal.SIGKILL)


class DeadlyJournal(Journal):
    deadly = Deadly()

    def change(self, key: str, state: State, **values: Any) -> Entry:
        what = "SENDING" if state is State.SENDING else "the outcome"
        self.deadly.at(f"before {what}")
        entry = super().change(key, state, **values)
        self.deadly.at(f"after {what}")
        return entry


class DeadlyProvider(StripeProvider):
    deadly = Deadly()

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        self.deadly.at("before the call")
        answer = super().post(path, params, key)
        self.deadly.at("after the call")
        return answer


def run_job(
    folder: Path, url: str, prefix: str, orders: int, deadly: Deadly | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Sent:  # fmt: skip
    """One run: plan what is not planned, send what is open, merge, report."""
    deadly, clock = deadly or Deadly(), RealClock()
    declared = policy(**{"workers": 4, "read_timeout_seconds": 5.0, **(changes or {})})
    DeadlyJournal.deadly = DeadlyProvider.deadly = deadly
    provider = DeadlyProvider(Access("sandbox", url, Secret("sk_test_sandbox")), declared)
    with DeadlyJournal(folder / "journal.sqlite", clock) as journal:
        sending = Gateway(journal, provider, declared, clock, JOB, ENVIRONMENT, folder)
        table = read_table(folder)
        if not table:
            deadly.at("before the plan")
            table = _plan(prefix, orders, sending.journal_id, clock.now())
            write_table(folder, table)
            deadly.at("after the plan")
        sent = sending.send([row for row in table.values() if not row.state.settled])
        deadly.at("before the merge")
        write_table(folder, table | _merged(table, sent.outcomes))
        deadly.at("after the merge")
        sending.mark_reported(sent.outcomes)
        deadly.at("after the report")
    return sent


def read_table(folder: Path) -> dict[str, Request]:
    file = folder / "table.json"
    if not file.exists():
        return {}
    rows = []
    for row in json.loads(file.read_text()):
        row |= {"state": State(row["state"])}
        rows.append(Request(**{**row, "planned_at": datetime.fromisoformat(row["planned_at"])}))
    return {row.key: row for row in rows}


def write_table(folder: Path, table: Mapping[str, Request]) -> None:
    rows = [asdict(row) | {"planned_at": row.planned_at.isoformat()} for row in table.values()]
    new = folder / f"table.{os.getpid()}"
    new.write_text(json.dumps(rows))
    new.replace(folder / "table.json")


def _plan(prefix: str, orders: int, journal_id: str, now: datetime) -> dict[str, Request]:
    rows = [
        planned(
            "authorize", f"{prefix}-{number}", customer_id=None, journal_id=journal_id,
            planned_at=now,
        )
        for number in range(orders)
    ]  # fmt: skip
    return {row.key: row for row in rows}


def _merged(table: Mapping[str, Request], outcomes: tuple[Outcome, ...]) -> dict[str, Request]:
    return {
        outcome.key: replace(table[outcome.key], state=outcome.state, attempts=outcome.attempts)
        for outcome in outcomes
    }


def main() -> int:
    folder, url, prefix, orders, *crash = sys.argv[1:]
    deadly = Deadly(crash[0], int(crash[1])) if crash else Deadly()
    try:
        run_job(Path(folder), url, prefix, int(orders), deadly)
    except JobError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
