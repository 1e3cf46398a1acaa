"""Report the marketplace's figures of each business date: orders, sales, rates, people, movers.

A window of any length is one pass; the figures of a date know nothing of later days.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.metrics import Source
from conf.settings import AlertsPolicy, Settings, load_alerts_policy
from conf.tables import bronze, reports, silver
from features import figures, report
from features.figures import Ledgers
from jobs.lake.io import Lake
from jobs.state import read_ledger
from jobs.window import Window

READS = (
    silver.BUYER_DAYS, silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.REGION_DAYS,
    bronze.FX_RATES,
)  # fmt: skip
WRITES = (reports.DAILY_MARKETPLACE,)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    policy = load_alerts_policy()
    rows = report.daily(
        ledgers(lake, policy, window), policy, settings.reporting_currency,
        window.first, window.last,
    )  # fmt: skip
    lake.replace_ds(reports.DAILY_MARKETPLACE, rows, window)


def ledgers(lake: Lake, policy: AlertsPolicy, window: Window) -> Ledgers:
    """What the report of the window can need, and no more of history than that."""
    begin = window.first - timedelta(days=report.history_days(policy))

    def recent(table: Table) -> DataFrame:
        return read_ledger(lake, table, begin, window.last)

    orders = recent(silver.BUYER_DAYS)
    sellers = lake.read(silver.SELLER_DAYS).where(F.col("known_ds") <= F.lit(window.last))
    country, region = F.col("country"), F.nullif("region", F.lit(""))
    regions = recent(silver.REGION_DAYS).withColumn("member", F.concat_ws("-", country, region))
    categories = recent(silver.SELLER_CATEGORY_DAYS).withColumnRenamed("category", "member")
    oldest_rate = begin - timedelta(days=policy.max_rate_age_days)
    rates = lake.read(bronze.FX_RATES).where(
        (F.col("ds") <= F.lit(window.last)) & (F.col("date") >= F.lit(oldest_rate))
    )
    return Ledgers(
        orders=figures.summed(orders, Source.ORDERS),
        buyers=orders.select("buyer_id", "occurred_ds", "known_ds", "orders"),
        sales=figures.summed(recent(silver.SELLER_DAYS), Source.SALES).persist(),
        sellers=sellers.select("seller_id", "occurred_ds", "known_ds", "lines_placed").persist(),
        categories=figures.summed(categories, Source.CATEGORIES),
        regions=figures.summed(regions, Source.REGIONS).persist(),
        rates=rates.persist(),
    )
