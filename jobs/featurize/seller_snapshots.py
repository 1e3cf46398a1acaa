"""Featurize sellers: 36 columns for every active seller as of the end of each business date.

examples:
  ./spark-submit.sh featurize.seller_snapshots --ds 2026-06-30
  ./spark-submit.sh featurize.seller_snapshots --from 2026-01-01 --to 2026-06-30 --month-ends
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import features, silver
from conf.tables.seller_months import SELLER_MONTHS
from features import seller_month
from jobs.arguments import Argument
from jobs.lake.io import Lake
from jobs.window import Window

READS = (
    silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.SELLER_STATE, SELLER_MONTHS,
)  # fmt: skip
WRITES = (features.SELLER_SNAPSHOTS,)
ARGUMENTS = (
    Argument("--month-ends", "only the last days of months", action="store_true", default=False),
)

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False) -> None:
    dates = list(window.month_ends() if month_ends else window)
    if not dates:
        log.info("no month ends between %s and %s: nothing to do", window.first, window.last)
        return
    lake.replace_ds(features.SELLER_SNAPSHOTS, snapshots(lake, dates), dates)


def snapshots(lake: Lake, dates: Sequence[date]) -> DataFrame:
    """The rows of these dates (ascending): from events, and those that others computed."""
    states = lake.read(silver.SELLER_STATE).where(F.col("known_ds") <= F.lit(dates[-1]))
    of_events = seller_month.snapshots(
        _recent(lake, silver.SELLER_DAYS, dates), _recent(lake, silver.SELLER_CATEGORY_DAYS, dates),
        states, dates, lake.zone,
    )  # fmt: skip
    months = lake.read(SELLER_MONTHS).where(F.col("ds").isin(list(dates)))
    return of_events.unionByName(seller_month.given(months))


def _recent(lake: Lake, table: Table, dates: Sequence[date]) -> DataFrame:
    # Nothing is known before it occurred, so that older partitions hold nothing of the windows.
    first = F.lit(seller_month.first_needed(dates))
    return lake.read(table).where(
        F.col("known_ds").between(first, F.lit(dates[-1])) & (F.col("occurred_ds") >= first)
    )
