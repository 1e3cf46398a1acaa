"""run.day: flow order, steps that are finished and unchanged are skipped, a crash is made good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from conf.settings import Settings
from conf.tables import meta, silver
from jobs import day, registry
from jobs.lake.io import Lake
from jobs.window import Window

pytestmark = pytest.mark.spark

ONE, TWO = date(2024, 5, 1), date(2024, 5, 2)
SOURCE = replace(silver.ORPHAN_DAYS, name="source", writer="refine.first")
TARGET = replace(silver.ORPHAN_DAYS, name="target", writer="refine.second")


class Steps:
    """Two jobs, the second reading what the first writes; they count how often they run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[str] = []
        self.fails = False
        jobs = {
            "refine.first": SimpleNamespace(READS=(), WRITES=(SOURCE,), run=self.first),
            "refine.second": SimpleNamespace(READS=(SOURCE,), WRITES=(TARGET,), run=self.second),
        }
        for name, job in jobs.items():
            job.__name__ = name
        monkeypatch.setattr(registry, "module_of", lambda name: jobs[name])
        monkeypatch.setattr(day, "steps", lambda: list(jobs))

    def first(self, lake: Lake, settings: Settings, window: Window) -> None:
        self.ran.append("first")
        self.write(lake, SOURCE, window)

    def second(self, lake: Lake, settings: Settings, window: Window) -> None:
        self.ran.append("second")
        if self.fails:
            raise RuntimeError("pulled the plug")
        self.write(lake, TARGET, window)

    def write(self, lake: Lake, table: Any, window: Window) -> None:
        rows = [(ds, "kind", 1) for ds in window]
        schema = "known_ds date, kind string, orphans bigint"
        lake.replace_ds(table, lake.spark.createDataFrame(rows, schema), window)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    day.run(lake, settings, window, landing=None, only=None)


def test_finished_steps_with_unchanged_inputs_are_skipped(
    make_lake: Callable[..., Lake], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a single day of a range that is finished."""
    steps, lake = Steps(monkeypatch), make_lake()
    run(lake, settings, Window(ONE, TWO))
    run(lake, settings, Window(ONE, TWO))
    run(lake, settings, Window.day(ONE))
    assert steps.ran == ["first", "second"]
    lake.replace_ds(SOURCE, lake.read(SOURCE).limit(0), Window.day(TWO))
    run(lake, settings, Window(ONE, TWO))
    assert steps.ran == ["first", "second", "second"]


def test_a_step_that_failed_is_recorded_and_run_again(
    make_lake: Callable[..., Lake], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, lake = Steps(monkeypatch), make_lake()
    steps.fails = True
    with pytest.raises(RuntimeError, match="plug"):
        run(lake, settings, Window.day(ONE))
    failed = lake.read(meta.JOB_RUNS).where("status = 'failed'").collect()
    assert [(row["job"], row["exit_code"]) for row in failed] == [("refine.second", 1)]
    steps.fails = False
    run(lake, settings, Window.day(ONE))
    assert steps.ran == ["first", "second", "second"]
