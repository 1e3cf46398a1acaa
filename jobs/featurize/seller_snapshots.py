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
from jobs.lake.records import record_quality
from jobs.state import read_ledger
from jobs.window import Window

READS = (
    silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.SELLER_STATE, SELLER_MONTHS,
)  # fmt: skip
WRITES = (features.SELLER_SNAPSHOTS,)
ARGUMENTS = (
    Argument("--month-ends", "only the last days of months", action="store_true", default=False),
)

UNKNOWN = "unknown_seller"

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False) -> None:
    dates = list(window.month_ends() if month_ends else window)
    if not dates:
        log.info("no month ends between %s and %s: nothing to do", window.first, window.last)
        return
    sums, states = settled(lake, dates)
    lake.replace_ds(features.SELLER_SNAPSHOTS, snapshots(lake, sums, states, dates), dates)
    _report_unknown(lake, seller_month.unknown_sellers(sums, states))


def settled(lake: Lake, dates: Sequence[date]) -> tuple[DataFrame, DataFrame]:
    """Sums and states at the end of these dates (ascending): what the features rest on, and the
    count of unknown sellers."""
    sums = seller_month.sums_of(_recent(lake, silver.SELLER_DAYS, dates), dates)
    known = lake.read(silver.SELLER_STATE).where(F.col("known_ds") <= F.lit(dates[-1]))
    return lake.settle(sums), lake.settle(seller_month.state_at(known, dates))


def snapshots(
    lake: Lake, sums: DataFrame, states: DataFrame, dates: Sequence[date]
) -> DataFrame:  # fmt: skip
    """The rows of these dates (ascending): from events, and those that others computed."""
    categories = _recent(lake, silver.SELLER_CATEGORY_DAYS, dates)
    of_events = seller_month.snapshots(sums, categories, states, dates, lake.zone)
    months = lake.read(SELLER_MONTHS).where(F.col("ds").isin(list(dates)))
    return of_events.unionByName(seller_month.given(months))


def _report_unknown(lake: Lake, sellers: DataFrame) -> None:
    """Sellers with lines and no known version have no row: they are counted, day by day."""
    unknown = sellers.orderBy("ds").collect()
    for row in unknown:
        log.warning("%s: %d sellers with lines placed are not known", row["ds"], row["sellers"])
    record_quality(
        lake,
        [
            {"table": features.SELLER_SNAPSHOTS.path, "check": UNKNOWN, "ds": row["ds"],
             "rows": row["sellers"], "detail": "lines placed in 90 days, no version known: no row"}
            for row in unknown
        ],
    )  # fmt: skip


def _recent(lake: Lake, table: Table, dates: Sequence[date]) -> DataFrame:
    return read_ledger(lake, table, seller_month.first_needed(dates), dates[-1])
