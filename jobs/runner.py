"""Running one job: count what it does, time it, and keep a record of the run."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from conf.settings import Settings
from jobs import registry
from jobs.errors import JobError, OutsideUnavailable
from jobs.lake.io import MANY_DATES, Lake, Tally
from jobs.lake.records import record_run
from jobs.window import Window

log = logging.getLogger(__name__)

Step = tuple[str, Mapping[str, Any]]
"""A job's name and its options."""
PARTITION_BYTES = 200_000_000
"""Of stored files: some ten times as much in memory."""


@dataclass(frozen=True)
class Run:
    """What one run of a job came to; `report` is the JSON object that ends its output."""

    job: str
    run_id: str
    window: Window | None
    status: str
    exit_code: int
    seconds: float
    tally: Tally
    error: str | None = None

    def report(self) -> dict[str, Any]:
        days = {"ds": str(self.window.last), "from": str(self.window.first)} if self.window else {}
        error = {"error": self.error} if self.error else {}
        return {
            "job": self.job, "ds": None, **days, "run_id": self.run_id, "status": self.status,
            "rows": self.tally.rows, "seconds": round(self.seconds, 2), **error,
        }  # fmt: skip


def run_job(
    name: str, lake: Lake, settings: Settings, window: Window | None, run_id: str,
    options: Mapping[str, Any], keep: Callable[[dict[str, Any]], None] | None = None,
) -> Run:  # fmt: skip
    """Runs a job and records it in meta/job_runs, also when it fails; the failure is raised on.

    `keep` takes the record instead, for a caller that writes those of several jobs at once.
    """
    module = registry.module_of(name)
    lake.tally, lake.run_id = Tally(), run_id
    read = {table.path: lake.version(table) for table in registry.reads_of(module)}
    started_at, began = datetime.now(UTC), time.monotonic()
    error: Exception | None = None
    try:
        with _enough_partitions(lake, module, window):
            module.run(lake, settings, window, **options)
    except Exception as raised:
        error = raised
    finally:
        lake.spark.catalog.clearCache()
    run = Run(
        name, run_id, window, "failed" if error else "done", exit_code_of(error),
        time.monotonic() - began, lake.tally, str(error) if error else None,
    )  # fmt: skip
    if module.__name__ not in registry.OUTSIDE_THE_VERBS.values():
        record = _row(run, read, started_at, part=bool(options.get("until")))
        if keep:
            keep(record)
        else:
            with lake.turn():
                record_run(lake, record)
    if error:
        raise error
    return run


def run_each(todo: Sequence[Step], run_one: Callable[[str, Mapping[str, Any]], None]) -> None:
    """Runs each of the steps; one goes on where another is not available.

    OutsideUnavailable at the end, naming those that were not.
    """
    away = []
    for number, (name, options) in enumerate(todo, 1):
        log.info("[%d/%d] %s ...", number, len(todo), name)
        try:
            run_one(name, options)
        except OutsideUnavailable as error:
            log.warning("%s: %s", name, error)
            away.append(f"{name}: {error}")
    if away:
        raise OutsideUnavailable("; ".join(away))


@contextmanager
def _enough_partitions(lake: Lake, module: Any, window: Window | None) -> Iterator[None]:
    """Shuffles of a long window in as many parts as the tables are large: sorted in memory."""
    setting, spark = "spark.sql.shuffle.partitions", lake.spark
    usual = spark.conf.get(setting) or "200"
    if window and len(window) > MANY_DATES:
        read = sum(lake.bytes_of(table) for table in registry.reads_of(module))
        spark.conf.set(setting, str(max(int(usual), read // PARTITION_BYTES)))
    try:
        yield
    finally:
        spark.conf.set(setting, usual)


def exit_code_of(error: BaseException | None) -> int:
    """0 for none, a JobError's own code, 1 for anything else."""
    if error is None:
        return 0
    return error.exit_code if isinstance(error, JobError) else 1


def _row(run: Run, read: dict[str, int], started_at: datetime, *, part: bool) -> dict[str, Any]:
    """The run's record. One that saw only `part` of a day has not done the day."""
    return {
        "run_id": run.run_id,
        "job": run.job,
        "first_ds": run.window.first if run.window else None,
        "last_ds": run.window.last if run.window else None,
        "status": "part" if part and run.status == "done" else run.status,
        "exit_code": run.exit_code,
        "error": run.error[:2000] if run.error else None,
        "rows": json.dumps(run.tally.rows, sort_keys=True),
        "versions_read": json.dumps(read | run.tally.read, sort_keys=True),
        "versions_written": json.dumps(run.tally.written, sort_keys=True),
        "code_version": code_version(),
        "started_at": started_at,
        "seconds": run.seconds,
    }


@cache
def code_version() -> str:
    """A digest of the project's own sources: other code may give other results."""
    digest = hashlib.sha256()
    for package in ("conf", "features", "ml", "jobs"):
        for name, content in sorted(_sources(files(package), package)):
            digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, path)
        elif entry.name.endswith((".py", ".yaml", ".j2", ".css")):
            yield path, entry.read_bytes()
