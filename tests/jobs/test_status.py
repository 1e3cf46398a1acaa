"""run.status: each day's files and records, what came late, what is closed and finished."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from conf.settings import Settings
from conf.tables import meta
from jobs import status
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.window import Window

pytestmark = pytest.mark.spark

ONE, TWO, THREE = date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)


def file(ds: date, run_id: str, hour: int, outcome: str = "taken", **more: Any) -> dict[str, Any]:
    return {
        "at": datetime(2024, 6, 1, hour, tzinfo=UTC), "source_sha256": f"{ds}{run_id}{hour}",
        "entity": "orders", "path": "p", "ds": ds, "outcome": outcome, "records": 10, "good": 9,
        "rejected": 1, "duplicate": 0, "bytes": 1, "run_id": run_id, **more,
    }  # fmt: skip


@pytest.fixture
def lake(make_lake: Callable[..., Lake]) -> Lake:
    """Two days taken in one run, then a third, then another file of the second, which is late."""
    lake = make_lake()
    files = [file(ONE, "a", 1), file(TWO, "a", 2), file(THREE, "b", 3), file(TWO, "c", 4)]
    refused = file(THREE, "c", 5, outcome="refused", good=0, rejected=0, records=0)
    lake.append(meta.LANDING_FILES, [*files, refused])
    record_day(lake, TWO, "closed", "refine")
    return lake


def shown(lake: Lake, settings: Settings, capsys: Any, window: Window | None) -> list[list[str]]:
    status.run(lake, settings, window)
    return [line.split() for line in capsys.readouterr().out.splitlines()[2:]]


def test_a_line_a_day(lake: Lake, settings: Settings, capsys: Any) -> None:
    lines = [line[:6] for line in shown(lake, settings, capsys, None)]
    assert lines == [
        ["2024-05-01", "1", "9", "1", "0", "yes"],
        ["2024-05-02", "2", "18", "2", "1", "yes"],
        ["2024-05-03", "1", "9", "1", "0", "-"],
    ]


def test_a_window_shows_its_days_and_what_is_finished(
    lake: Lake, settings: Settings, capsys: Any
) -> None:
    done = {
        "run_id": "r", "job": "refine.entities", "first_ds": ONE, "last_ds": TWO, "status": "done",
        "exit_code": 0, "code_version": "1", "started_at": datetime(2024, 6, 1, tzinfo=UTC),
        "seconds": 1.0,
    }  # fmt: skip
    lake.append(meta.JOB_RUNS, [done])
    (line,) = shown(lake, settings, capsys, Window.day(TWO))
    assert line[0] == "2024-05-02"
    assert line[6].startswith("1/")
