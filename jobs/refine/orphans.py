"""Refine the count of facts that name an order or a seller that is not known."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze, silver
from features import orphans
from jobs import history
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.refine import days
from jobs.window import Window

FACTS = tuple(table for table in bronze.TABLES if table.name in orphans.NAMES_AN_ORDER)
READS = (*FACTS, bronze.ORDERS, bronze.SELLERS)
WRITES = (silver.ORPHAN_DAYS,)
JOB = "refine.orphans"


def run(lake: Lake, settings: Settings, window: Window) -> None:
    window = days.ledger_window(lake, window, JOB)
    past = history.of(lake, window)
    landed = {
        t.name: lake.read(t).where(F.col("ds").between(window.first, window.last)) for t in FACTS
    }
    named = landed["order_items"].select("order_id")
    for name in (table.name for table in FACTS[1:]):
        named = named.union(landed[name].select("order_id"))
    orders = _first_known(past.all_of(bronze.ORDERS), "order_id").join(
        named.distinct(), "order_id", "left_semi"
    )
    sellers = _first_known(past.all_of(bronze.SELLERS), "seller_id")
    # Each is looked up once per kind of fact.
    orders, sellers = lake.settle(orders), lake.settle(sellers)
    lake.replace_ds(silver.ORPHAN_DAYS, orphans.count(landed, orders, sellers), window)
    record_day(lake, window.last, "refined", JOB)


def _first_known(rows: DataFrame, key: str) -> DataFrame:
    return (
        rows.where("not retracted")
        .groupBy(key)
        .agg(F.min("ds").alias("first_known_ds"), F.max("currency").alias("currency"))
    )
