"""Orders within an open day: what has landed so far is decided, and with --act acted upon.

For a schedule of quarter-hours. Closes nothing: the whole day is decided again when it has ended.
The lake is only held while something is written, never while something is sent. With nothing new
one row is written, the record of the run.

examples:
  ./spark-submit.sh run.orders --until 2026-06-30T14:15:00Z --landing landing
  ./spark-submit.sh run.orders --until 2026-06-30T14:15:00Z --landing landing --inbox inbox --act
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conf.settings import Settings
from conf.tables import meta
from jobs import registry
from jobs.arguments import UNTIL, Argument
from jobs.errors import UsageError
from jobs.lake.io import Lake, Tally
from jobs.lake.records import require_open
from jobs.runner import Step, run_each, run_job
from jobs.window import Window, end_of, start_of

READS: tuple[Any, ...] = ()
WRITES: tuple[Any, ...] = ()
ARGUMENTS = (
    UNTIL,
    Argument("--landing", "also take in what has landed in this folder"),
    Argument("--inbox", "also take in what the webhook receiver keeps in this folder"),
    Argument("--act", "also pay and notify; else nothing reaches the outside",
             action="store_true", default=False),
)  # fmt: skip
WINDOW = "optional"
LEASE = False
TURN_PATIENCE_SECONDS = 600


def steps(until: datetime | None, landing: str | None, inbox: str | None, act: bool) -> list[Step]:
    """The jobs of a run with their options, in the order in which they go."""
    within = {"until": until}
    todo: list[Step] = []
    if landing:
        todo.append(("ingest.landing", {"landing": landing, "check": False, **within}))
    if inbox:
        todo.append(("ingest.stripe_events", {"inbox": inbox, **within}))
    todo.append(("decide.orders", within))
    if act:
        todo.append(("act.payment_intents", {}))
        todo.append(("ingest.stripe_events", {"list": True}))
    todo.append(("decide.follow_ups", within))
    if act:
        todo.append(("act.notices", {}))
    return todo


def run(
    lake: Lake, settings: Settings, window: Window | None, *, until: datetime | None = None,
    landing: str | None = None, inbox: str | None = None, act: bool = False,
) -> None:  # fmt: skip
    window = window or _day_of(lake, until)
    _require_within(lake, window, until)
    require_open(lake, window.last, until)
    tally, records = Tally(), list[dict[str, Any]]()

    def run_one(name: str, options: Mapping[str, Any]) -> None:
        """A job that writes all along has the lake to itself meanwhile."""
        holds = getattr(registry.module_of(name), "LEASE", True)
        with lake.held() if holds else nullcontext():
            done = run_job(name, lake, settings, window, lake.run_id, options, keep=records.append)
        tally.rows |= done.tally.rows

    try:
        run_each(steps(until, landing, inbox, act), run_one)
    finally:
        lake.tally = tally
        with lake.turn():
            lake.append(meta.JOB_RUNS, records)


def _day_of(lake: Lake, until: datetime | None) -> Window:
    """The business day that ends at `until`, or in which it lies."""
    if until is None:
        raise UsageError("run.orders needs --ds, --until or both")
    last_known = until - timedelta(microseconds=1)
    return Window.day(last_known.astimezone(ZoneInfo(lake.zone)).date())


def _require_within(lake: Lake, window: Window, until: datetime | None) -> None:
    if len(window) > 1:
        raise UsageError("run.orders is about one day: give --ds")
    start, end = start_of(window.last, lake.zone), end_of(window.last, lake.zone)
    if until and not start < until <= end:
        raise UsageError(f"--until {until} does not lie within {window} ({start} to {end})")
