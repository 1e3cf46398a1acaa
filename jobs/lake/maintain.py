"""Compact small files and remove old ones, outside the critical path of a day.

Compaction leaves the rows as they are. Files that no version of the last --keep-days needs any
more are removed; fewer than 7 days are refused, because a running reader may still need them.

example:
  ./spark-submit.sh lake.maintain --keep-days 30
"""

from __future__ import annotations

import logging
from typing import Any

from delta.tables import DeltaTable

from conf import tables
from conf.settings import Settings
from jobs.arguments import Argument
from jobs.errors import UsageError
from jobs.lake.io import Lake
from jobs.window import Window

log = logging.getLogger(__name__)

WINDOW = "none"
READS: tuple[Any, ...] = ()
WRITES: tuple[Any, ...] = ()
FEWEST_DAYS = 7
ARGUMENTS = (
    Argument("--keep-days", "days of old versions that stay readable", int, default=30),
    Argument("--table", "only this table, for example silver/orders"),
)


def run(
    lake: Lake, settings: Settings, window: Window | None, *, keep_days: int, table: str | None
) -> None:
    if keep_days < FEWEST_DAYS:
        raise UsageError(f"--keep-days {keep_days}: at least {FEWEST_DAYS}, readers may be running")
    chosen = [one for one in tables.ALL if table in (None, one.path) and lake.version(one) >= 0]
    if table and not chosen:
        raise UsageError(f"--table {table}: the lake {lake.root} has no such table")
    for number, one in enumerate(chosen, 1):
        stored = DeltaTable.forPath(lake.spark, lake.path(one))
        (metrics,) = stored.optimize().executeCompaction().select("metrics").collect()
        stored.vacuum(keep_days * 24)
        log.info(
            "[%d/%d] %-32s %d files became %d", number, len(chosen), one.path,
            metrics["metrics"]["numFilesRemoved"], metrics["metrics"]["numFilesAdded"],
        )  # fmt: skip
