"""Report the last business date of the window as one HTML page: pages/daily_marketplace/<ds>.html.

The page is made of the date's report rows and, for its charts, of the ledger as known that day.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date

from pyspark.sql import functions as F

from conf.settings import AlertsPolicy, Settings, load_alerts_policy
from conf.tables import reports
from features import report
from jobs.errors import UsageError
from jobs.lake.io import Lake
from jobs.report import daily, html
from jobs.report.figures import Figures
from jobs.report.page import Page, SeriesKey, page
from jobs.window import Window

log = logging.getLogger(__name__)

READS = (reports.DAILY_MARKETPLACE, *daily.READS)
WRITES = ()


def run(lake: Lake, settings: Settings, window: Window) -> None:
    policy, ds = load_alerts_policy(), window.last
    figures = figures_of(lake, ds)
    rendered = render(page(figures, _series(lake, settings, policy, ds), policy))
    path = f"{lake.root}/pages/{reports.DAILY_MARKETPLACE.name}/{ds}.html"
    html.write_text(lake.spark, path, rendered)
    log.info("wrote %s", path)


def figures_of(lake: Lake, ds: date) -> Figures:
    """The report rows of a date; UsageError where there are none."""
    rows = lake.read(reports.DAILY_MARKETPLACE).where(F.col("ds") == F.lit(ds)).collect()
    if not rows:
        raise UsageError(
            f"no rows of {ds} in {reports.DAILY_MARKETPLACE.path}: run report.daily --ds {ds}"
        )
    return Figures(ds, [row.asDict() for row in rows])


def _series(
    lake: Lake, settings: Settings, policy: AlertsPolicy, ds: date
) -> Mapping[SeriesKey, Mapping[date, float | None]]:
    """Values per date of (metric, currency) for the charts: some hundred rows."""
    rows = report.series(
        daily.ledgers(lake, policy, Window.day(ds)), policy, settings.reporting_currency, ds
    ).collect()
    found: dict[SeriesKey, dict[date, float | None]] = {}
    for row in rows:
        found.setdefault((row["metric"], row["currency"]), {})[row["occurred_ds"]] = row["value"]
    return found


def render(content: Page) -> str:
    """The page as HTML; every text is escaped."""
    return html.rendered("daily", page=content)
