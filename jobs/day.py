"""The whole business day in one session: every job that a finished day needs, in flow order.

It ingests only with --landing, never trains, and acts only with --act, on the newest day. A step
whose inputs and code are those of its last run over the same days is skipped. A scheduler takes the
day verb by verb.

examples:
  ./spark-submit.sh run.day --ds 2026-06-30
  ./spark-submit.sh run.day --from 2026-06-01 --to 2026-06-30 --landing landing
  ./spark-submit.sh run.day --ds 2026-06-30 --only refine
  ./spark-submit.sh run.day --ds 2026-06-30 --act
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import decisions, meta
from jobs import registry
from jobs.arguments import Argument
from jobs.errors import NoChampion, NoRegistry, UsageError
from jobs.lake.io import Lake, Tally
from jobs.runner import Step, code_version, run_each, run_job
from jobs.window import Window

log = logging.getLogger(__name__)

VERBS = ("refine", "featurize", "learn", "decide", "report")
ARGUMENTS = (
    Argument("--landing", "also ingest the days from this landing folder first"),
    Argument("--only", "no more than the day's jobs of this verb",
             choices=("ingest", *VERBS, "act")),
    Argument("--act", "then also pay and notify: of one day alone, the newest",
             action="store_true", default=False),
)  # fmt: skip
NEVER_IN_A_DAY = (
    "learn.seller_risk", "learn.seller_segments", "learn.promote", "learn.rollback",
    "report.explain_feature", "report.segment_health", "report.segments",
    "report.compare_seller_methods",
)  # fmt: skip
"""Jobs of these verbs that are no part of a day: training, what is reported once a month, and what
a person asks for."""

IN_A_RANGE: Mapping[str, Mapping[str, Any]] = {
    "featurize.seller_snapshots": {"month_ends": True},
    "featurize.seller_labels": {"month_ends": True},
    "learn.score_seller_risk": {"month_ends": True},
    "learn.assign_segments": {"month_ends": True},
    "decide.orders": {"lately": True},
    "decide.follow_ups": {"lately": True},
}
"""Options in a run of several days: a snapshot of every seller on every day would be too much, and
what was to be done on a day that has passed is nobody's question."""

ACTS: tuple[Step, ...] = (
    ("act.payment_intents", {}),
    ("ingest.stripe_events", {"list": True}),
    ("act.notices", {}),
)
"""What --act adds, in this order: pay, take in what the provider says of it, notify."""

READS: tuple[Any, ...] = ()
WRITES: tuple[Any, ...] = ()
TURN_PATIENCE_SECONDS = 600


def only_derives(options: Mapping[str, Any]) -> bool:
    """Does the run send nothing, so that it may hold the lake all along?"""
    return not options["act"] and options["only"] != "act"


LEASE = only_derives


def steps() -> list[str]:
    """The jobs of a business day, each after those that write what it reads."""
    of_a_day = [n for n in registry.names() if n.split(".")[0] in VERBS and n not in NEVER_IN_A_DAY]
    return registry.in_flow_order(of_a_day)


def run(
    lake: Lake, settings: Settings, window: Window, *, landing: str | None, only: str | None = None,
    act: bool = False,
) -> None:  # fmt: skip
    if (act or only == "act") and (len(window) > 1 or (act and only)):
        raise UsageError("acting is for one day, the newest: give --ds, and --act or --only act")
    tally = Tally()
    if only != "act":
        with lake.held():
            _derive(lake, settings, window, landing, only, tally)
    if act or only == "act":
        _act(lake, settings, window, tally)
    lake.tally = tally


def _derive(
    lake: Lake, settings: Settings, window: Window, landing: str | None, only: str | None,
    tally: Tally,
) -> None:  # fmt: skip
    ranged = IN_A_RANGE if len(window) > 1 else {}
    todo: list[Step] = [(name, ranged.get(name, {})) for name in steps()]
    if landing:
        todo.insert(0, ("ingest.landing", {"landing": landing, "check": False}))
    if only:
        todo = [step for step in todo if step[0].split(".")[0] == only]
    if not todo:
        raise UsageError(f"a day has no job of the verb {only!r}; ingest needs --landing")
    for number, (name, options) in enumerate(todo, 1):
        where = f"[{number}/{len(todo)}] {name:22}"
        if name != "ingest.landing" and _is_done(lake, name, window):
            log.info("%s unchanged, skipped", where)
            continue
        log.info("%s ...", where)
        try:
            done = run_job(name, lake, settings, window, lake.run_id, options)
        except (NoChampion, NoRegistry) as error:  # a lake begins without models
            log.warning("%s skipped: %s", where, error)
            continue
        log.info("%s done in %.1f s", where, done.seconds)
        tally.rows |= done.tally.rows


def _act(lake: Lake, settings: Settings, window: Window, tally: Tally) -> None:
    """Pays, listens, notifies. Where a later day is being decided, its runs do what is still to be
    done about this one."""
    newest = lake.newest_ds(decisions.PAYMENTS)
    if newest and newest > window.last:
        log.info("nothing is done for %s: %s is being decided", window, newest)
        return

    def run_one(name: str, options: Mapping[str, Any]) -> None:
        tally.rows |= run_job(name, lake, settings, window, lake.run_id, options).tally.rows

    run_each(ACTS, run_one)


def _is_done(lake: Lake, name: str, window: Window) -> bool:
    """True when the job's last run over the window (or a wider one) read and left the tables as
    they are now."""
    module = registry.module_of(name)
    if not registry.writes_of(module):
        return False  # a page: rendered anew, for it is cheap and may have been deleted
    covers = (F.col("first_ds") <= window.first) & (F.col("last_ds") >= window.last)
    if name in IN_A_RANGE:  # a wider window may have left days of this one out
        covers = (F.col("first_ds") == window.first) & (F.col("last_ds") == window.last)
    last = (
        lake.read(meta.JOB_RUNS)
        .where((F.col("job") == name) & (F.col("status") == "done") & covers)
        .orderBy(F.col("started_at").desc())
        .first()
    )
    if last is None or last["code_version"] != code_version():
        return False
    read, written = json.loads(last["versions_read"]), json.loads(last["versions_written"])
    inputs_same = all(lake.version(t) == read.get(t.path) for t in registry.reads_of(module))
    outputs_there = all(
        lake.version(t) >= written.get(t.path, -1) for t in registry.writes_of(module)
    )
    return inputs_same and outputs_there
