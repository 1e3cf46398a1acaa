"""One day's snapshot from the ledger against the same snapshot recomputed from bronze events.

A simulated world is taken in and refined up to a day. One side is the job, which sums the ledger;
the other first refines all of bronze anew, as if every row known by then had landed on that one
day: the same functions, without the days before. Its ledger then has what counts at the day's end
and no history. They take turns in one warm session and must arrive at the same cells. Aim: at most
0.15x. The world begins ten days before the windows, so that little is recomputed in vain.
"""

from __future__ import annotations

import argparse
import logging
import shutil
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks import ledger
from benchmarks.sides import Side, compared, opened, same_rows
from benchmarks.snapshots import snapshot
from conf.contract import Table
from conf.settings import Settings, load_settings
from conf.tables import bronze, features, meta, silver
from jobs.lake.io import Lake
from jobs.lake.session import open_session
from jobs.runner import run_job
from jobs.simulate import world
from jobs.window import Window

log = logging.getLogger(__name__)

AIM = 0.15
REFINE = "refine.seller_days"
FROM_BRONZE, SNAPSHOT = "ledger from bronze", "snapshot"
AT_ONCE = (*bronze.TABLES, meta.LANDING_FILES)


class AtOnce(Lake):
    """A lake of its own before another's bronze, all of which seems to have landed on one day: the
    rows that were known at the end of that day."""

    def __init__(self, source: Lake, root: Path, ds: date) -> None:
        super().__init__(source.spark, str(root), source.zone)
        self._source = source
        self._ds = ds

    def read(self, table: Table) -> DataFrame:
        if table not in AT_ONCE:
            return super().read(table)
        known = self._source.read(table).where(F.col("ds") <= F.lit(self._ds))
        return known.withColumn("ds", F.lit(self._ds)).select(*table.column_names)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sellers", type=int, default=1_500, metavar="N",
                        help="in the world (default 1500)")  # fmt: skip
    parser.add_argument("--orders-per-day", type=int, default=1_000, metavar="N",
                        help="default 1000")  # fmt: skip
    parser.add_argument("--days", type=int, default=100, metavar="N",
                        help="of the world, up to the snapshot's (default 100)")  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="make the world and its lake anew")


def run(options: argparse.Namespace) -> str:
    asked = (options.sellers, options.orders_per_day, options.days)
    root = (Path(options.work) / "-".join(map(str, ("recomputed", *asked)))).resolve()
    settings = load_settings("local")
    spark = open_session(settings, "benchmarks recomputed")
    try:
        if options.fresh or not (root / "made").exists():
            _make(spark, settings, root, options)
            (root / "made").touch()
        return _measure(spark, settings, root, options)
    finally:
        spark.stop()


def _make(spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace) -> None:
    shutil.rmtree(root, ignore_errors=True)
    window, landing = ledger.last_days(options.days), str(root / "landing")
    world.run(
        spark, settings, window, sellers=options.sellers, orders_per_day=options.orders_per_day,
        seed=ledger.SEED, out=landing,
    )  # fmt: skip
    lake = opened(spark, settings, root / "lake")
    given = {"landing": landing, "check": False}
    for job, own in (("ingest.landing", given), (REFINE, {})):
        log.info("%s", job)
        run_job(job, lake, settings, window, "benchmark", own)


def _measure(
    spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace
) -> str:
    today = Window.day(ledger.TODAY)
    lake = opened(spark, settings, root / "lake")
    shutil.rmtree(root / "at-once", ignore_errors=True)
    at_once = AtOnce(lake, root / "at-once", ledger.TODAY)
    summed, again = Side("from the ledger"), Side("from bronze")
    sides = {"summed": summed, "again": again}
    for number in range(options.runs + 1):  # the first to warm up, and to create the tables
        for name in ("summed", "again") if number % 2 == 0 else ("again", "summed"):
            if name == "summed":
                steps = {SNAPSHOT: snapshot(lake, settings, today)}
            else:
                refined = run_job(REFINE, at_once, settings, today, "benchmark", {}).seconds
                steps = {FROM_BRONZE: refined, SNAPSHOT: snapshot(at_once, settings, today)}
            if number:
                sides[name].add(sum(steps.values()), steps)
    roots = (root / "lake", root / "at-once")
    told = same_rows(roots, [features.SELLER_SNAPSHOTS])
    lines = lake.read(bronze.ORDER_ITEMS).count()
    changes, totals = (frame.read(silver.SELLER_DAYS).count() for frame in (lake, at_once))
    table = compared(f"a day after {options.days} days", summed, again, AIM)
    return (
        f"## A snapshot from the ledger against one from bronze\n\n{table}\n"
        f"Order lines in bronze: {lines:,}; rows in the ledger of sellers: {changes:,}, and "
        f"{totals:,} anew. {told}"
    )
