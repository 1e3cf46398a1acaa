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
from benchmarks.sides import Side, add_sizes, compared, in_turns, opened, same_rows, session
from benchmarks.snapshots import snapshot
from conf.contract import Table
from conf.settings import Settings
from conf.tables import bronze, features, meta, silver
from jobs.lake.io import Lake
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
    add_sizes(
        parser,
        sellers=(1_500, "N", "in the world (default %(default)s)"),
        orders_per_day=(1_000, "N", "default %(default)s"),
        days=(100, "N", "of the world, up to the snapshot's (default %(default)s)"),
        fresh="make the world and its lake anew",
    )


def run(options: argparse.Namespace) -> str:
    asked = (options.sellers, options.orders_per_day, options.days)
    root = (Path(options.work) / "-".join(map(str, ("recomputed", *asked)))).resolve()
    with session("recomputed") as (spark, settings):
        if options.fresh or not (root / "made").exists():
            _make(spark, settings, root, options)
            (root / "made").touch()
        return _measure(spark, settings, root, options)


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

    def from_ledger() -> dict[str, float]:
        return {SNAPSHOT: snapshot(lake, settings, today)}

    def from_bronze() -> dict[str, float]:
        refined = run_job(REFINE, at_once, settings, today, "benchmark", {}).seconds
        return {FROM_BRONZE: refined, SNAPSHOT: snapshot(at_once, settings, today)}

    for seconds in (from_ledger, from_bronze):  # to warm up, and to create the tables
        seconds()
    for side, seconds in in_turns(options.runs, (again, from_bronze), (summed, from_ledger)):
        side.add_steps(seconds())
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
