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
from features.decided import newest as newest_decided
from jobs.arguments import LATELY, UNTIL
from jobs.decide.signing import signed
from jobs.lake.io import Lake
from jobs.lake.records import require_open
from jobs.window import Window, end_of, start_of

READS = (decisions.ORDERS,)
WRITES = (decisions.FOLLOW_UPS,)
ARGUMENTS = (UNTIL, LATELY)

LOOK_BACK = timedelta(days=60)
"""An order of which nothing was heard for longer is followed up by nobody."""


def run(
    lake: Lake, settings: Settings, window: Window, *, until: datetime | None = None,
    lately: bool = False,
) -> None:  # fmt: skip
    policy = load_notices_policy()
    require_open(lake, window.last, until)
    for ds in window.lately(policy.look_back_days) if lately else window:
        rows = due_on(lake, policy, ds, until)
        lake.replace_ds(decisions.FOLLOW_UPS, rows, [ds], unless_same=until is not None)


def due_on(lake: Lake, policy: NoticesPolicy, ds: date, until: datetime | None) -> DataFrame:
    """Rows of decisions/follow_ups of a business date, or of its part before `until`."""
    decided = lake.read(decisions.ORDERS).where(F.col("ds").between(ds - LOOK_BACK, ds))
    parts = newest_decided(decided)
    before = newest_decided(decided.where(F.col("ds") < F.lit(ds)))
    since, end = start_of(ds, lake.zone), until or end_of(ds, lake.zone)
    due = follow_ups.due(parts, before, policy, since, end)
    named = due.withColumn("outcome", F.lit("notify"))
    return signed(named, decisions.FOLLOW_UPS, policy.version, ds)
