"""Decide follow-ups: which reminders, escalations and requests about orders fall due.

examples:
  ./spark-submit.sh decide.follow_ups --ds 2026-06-30
  ./spark-submit.sh decide.follow_ups --ds 2026-06-30 --until 2026-06-30T14:15:00Z
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.notice_settings import NoticesPolicy, load_notices_policy
from conf.settings import Settings
from conf.tables import decisions
from features import follow_ups
from jobs.arguments import UNTIL, Argument
from jobs.lake.io import Lake
from jobs.lake.records import require_open
from jobs.window import Window, end_of, start_of

READS = (decisions.ORDERS,)
WRITES = (decisions.FOLLOW_UPS,)
ARGUMENTS = (
    UNTIL,
    Argument("--newest-only", "of a range, only its last day", action="store_true", default=False),
)

LOOK_BACK = timedelta(days=60)
"""An order of which nothing was heard for longer is followed up by nobody."""


def run(
    lake: Lake, settings: Settings, window: Window, *, until: datetime | None = None,
    newest_only: bool = False,
) -> None:  # fmt: skip
    policy = load_notices_policy()
    require_open(lake, window.last, until)
    for ds in [window.last] if newest_only else window:
        rows = due_on(lake, policy, ds, until)
        lake.replace_ds(decisions.FOLLOW_UPS, rows, [ds], unless_same=until is not None)


def due_on(lake: Lake, policy: NoticesPolicy, ds: date, until: datetime | None) -> DataFrame:
    """Rows of decisions/follow_ups of a business date, or of its part before `until`."""
    decided = lake.read(decisions.ORDERS).where(F.col("ds").between(ds - LOOK_BACK, ds))
    parts = follow_ups.newest(decided)
    due = follow_ups.due(parts, policy, start_of(ds, lake.zone), until or end_of(ds, lake.zone))
    return due.withColumns(
        {
            "ds": F.lit(ds),
            "outcome": F.lit("notify"),
            "policy_version": F.lit(policy.version),
            "model_version": F.lit(None).cast("string"),
        }
    ).select(*decisions.FOLLOW_UPS.column_names)
