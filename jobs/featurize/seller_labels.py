"""Featurize labels: whether enforcement followed each snapshot, once that is sure.

A day's run writes the labels of its own snapshots, which are immature, and of those that become
mature on it.

examples:
  ./spark-submit.sh featurize.seller_labels --ds 2026-06-30
  ./spark-submit.sh featurize.seller_labels --from 2025-01-01 --to 2026-06-30 --month-ends
"""

from __future__ import annotations

import logging

from pyspark.sql import functions as F

from conf.settings import Settings, load_labels_policy
from conf.tables import bronze, features
from conf.tables.seller_months import SELLER_MONTHS
from features import seller_label
from jobs.featurize.seller_snapshots import ARGUMENTS as ARGUMENTS
from jobs.lake.io import Lake
from jobs.lake.records import newest_day
from jobs.window import Window

READS = (features.SELLER_SNAPSHOTS, bronze.ENFORCEMENT_ACTIONS, SELLER_MONTHS)
WRITES = (features.SELLER_LABELS,)

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False) -> None:
    policy = load_labels_policy()
    maturing = window.earlier(policy.sure_after_days)
    dates = sorted(window.month_ends() if month_ends else {*window, *maturing})
    if not dates:
        log.info("no month ends between %s and %s: nothing to do", window.first, window.last)
        return
    months = lake.read(SELLER_MONTHS).where(F.col("ds").isin(dates))
    given = seller_label.given(months, policy)
    asked = lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds").isin(dates))
    # No day is closed in a lake without events.
    closed = newest_day(lake, "closed") or window.last
    actions = lake.read(bronze.ENFORCEMENT_ACTIONS).where(F.col("ds") <= F.lit(closed))
    of_events = asked.join(given, ["ds", "seller_id"], "left_anti")
    rows = seller_label.labels(of_events, actions, closed, policy, lake.zone)
    lake.replace_ds(features.SELLER_LABELS, rows.unionByName(given), dates)
