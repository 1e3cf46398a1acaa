"""The jobs by name. A job `<verb>.<noun>` is the module `jobs/<verb>/<noun>.py`.

A job module has a docstring (its first line is shown by `list`), `READS` and `WRITES` (tables),
and `run(lake, settings, window, **options)`. It may have `ARGUMENTS` (its own options), `WINDOW`
("required", "optional" or "none"; default required), `TIME_ZONE` (the zone that a new lake takes
from it), `LEASE` (False, or a function of the options that says so, if it does not hold the lake's
lease all along), and then `TURN_PATIENCE_SECONDS`, how long it waits for its turn to write. Every
module is imported to read these: what takes seconds to import (MLflow, LightGBM) is imported by the
function that needs it.
"""

from __future__ import annotations

import importlib
from importlib.resources import files
from types import ModuleType

from conf.contract import Table
from jobs.errors import UsageError

VERBS = ("ingest", "refine", "featurize", "learn", "decide", "act", "report")
"""In the order in which data flows."""

OUTSIDE_THE_VERBS = {
    "run.day": "jobs.day",
    "run.orders": "jobs.orders",
    "run.status": "jobs.status",
    "lake.maintain": "jobs.lake.maintain",
    "simulate.world": "jobs.simulate.world",
}


def names() -> list[str]:
    """Every job, in the order of the verbs, then by noun."""
    found = [f"{verb}.{noun}" for verb in VERBS for noun in _nouns(verb)]
    return [*found, *OUTSIDE_THE_VERBS]


def module_of(name: str) -> ModuleType:
    """The job's module; UsageError that names the jobs there are."""
    if name not in names():
        raise UsageError(f"there is no job {name!r}; known: {', '.join(names())}")
    return importlib.import_module(OUTSIDE_THE_VERBS.get(name, f"jobs.{name}"))


def summary_of(module: ModuleType) -> str:
    """The first line of the job's docstring."""
    return (module.__doc__ or "").strip().splitlines()[0]


def reads_of(module: ModuleType) -> tuple[Table, ...]:
    return tuple(getattr(module, "READS", ()))


def writes_of(module: ModuleType) -> tuple[Table, ...]:
    return tuple(getattr(module, "WRITES", ()))


def in_flow_order(job_names: list[str]) -> list[str]:
    """Jobs sorted so that each comes after the jobs that write what it reads.

    Ties keep the given order. ValueError when the tables make a circle.
    """
    pending = {name: module_of(name) for name in job_names}
    writer = {table.path: name for name, job in pending.items() for table in writes_of(job)}
    ordered: list[str] = []
    while pending:
        ready = [
            name
            for name, job in pending.items()
            if not {writer.get(table.path, name) for table in reads_of(job)}
            & (set(pending) - {name})
        ]
        if not ready:
            raise ValueError(f"the jobs read each other's tables in a circle: {sorted(pending)}")
        ordered.append(ready[0])
        del pending[ready[0]]
    return ordered


def _nouns(verb: str) -> list[str]:
    # A verb's folder holds the parts of its jobs too; a job is what says what it writes. Read as
    # a resource, because on a cluster the code is a zip.
    folder = files("jobs") / verb
    if not folder.is_dir():
        return []
    modules = [file for file in folder.iterdir() if file.name.endswith(".py")]
    return sorted(m.name.removesuffix(".py") for m in modules if "\nWRITES" in m.read_text())
