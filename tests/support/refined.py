"""Lakes in which a random history has been refined: at once, or as it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row

from conf.settings import Settings
from conf.tables import features
from jobs.featurize import seller_snapshots
from jobs.lake.io import Lake
from jobs.refine import buyer_days, entities, orders, seller_days
from jobs.window import Window
from tests.support import histories, late
from tests.support.lakes import Facts, land

STATES, LEDGER_JOBS = (entities, orders), (seller_days, buyer_days)
WINDOW_JOBS = (*STATES, *LEDGER_JOBS)


@dataclass(frozen=True)
class Refined:
    """A lake, what has landed in it, and the business dates that are refined."""

    lake: Lake
    facts: Facts
    days: list[date]
    early: list[Row] = field(default_factory=list)
    """Snapshots made when the lake held nothing of later days."""
    late: late.LateRow | None = None

    @property
    def zone(self) -> str:
        return self.lake.zone


def at_once(make: Callable[[str], Lake], settings: Settings, seed: int) -> Refined:
    """All has landed before the counts of any day are made, in one pass."""
    facts, days = histories.random_history(seed), histories.days_of(seed)
    lake = make(histories.setting_of(seed)[0])
    land(lake, facts)
    refine(lake, settings, Window(days[0], days[-1]), LEDGER_JOBS)
    return Refined(lake, facts, days)


def as_it_came(make: Callable[[str], Lake], settings: Settings, seed: int) -> Refined:
    """Nine days in one pass and the snapshots of the ninth; then a day that crashes after its
    second commit and is run again; then the ninth and that day once more, with the rest.

    Of the last four days, on which nothing else lands, the first learns late that a line was
    cancelled, and the third that it was not.
    """
    facts, days = histories.random_history(seed), histories.days_of(seed)
    lake = make(histories.setting_of(seed)[0])
    cancelled = late.cancel_late(facts, lake.zone, days[12], days[14])
    land(lake, facts, days[:9])
    refine(lake, settings, Window(days[0], days[8]), WINDOW_JOBS)
    seller_snapshots.run(lake, settings, Window.day(days[8]))
    early = lake.read(features.SELLER_SNAPSHOTS).collect()
    land(lake, facts, days[9:])
    crashing(2, lambda: refine(lake, settings, Window.day(days[9]), LEDGER_JOBS))
    refine(lake, settings, Window.day(days[9]), LEDGER_JOBS)
    refine(lake, settings, Window(days[8], days[-1]), WINDOW_JOBS)
    return Refined(lake, facts, days, early, cancelled)


def refine(lake: Lake, settings: Settings, window: Window, jobs: Sequence[Any]) -> None:
    for job in jobs:
        job.run(lake, settings, window)


def crashing(commits: int, run: Callable[[], None]) -> None:
    """Runs something that is killed after so many commits to tables."""
    wrote, count = Lake._wrote, [0]

    def crash(self: Lake, *args: Any) -> None:
        wrote(self, *args)
        count[0] += 1
        if count[0] == commits:
            raise RuntimeError("pulled the plug")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lake, "_wrote", crash)
        with pytest.raises(RuntimeError, match="plug"):
            run()
