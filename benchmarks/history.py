"""A day's run with a long history against the same day's run with a shorter one.

Both lakes hold the same last days and take the same next day (ingest, refine, report) in one warm
session, alternately, each time on a fresh copy. Work that grows with history would show as a
ratio of long / short. Aim: at most 1.15x with 540 days against 240 and 18,000 order lines a day.
What the day adds to the ledger must be the same row by row on both lakes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import shutil
import time
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.grown import grow
from benchmarks.sides import Side, add_sizes, compared, copied, in_turns, opened, same_rows, session
from conf.settings import Settings
from conf.tables import bronze, meta, silver
from jobs import day
from jobs.simulate import world
from jobs.window import DAY, Window

log = logging.getLogger(__name__)

AIM = 1.15
TODAY = date(2026, 6, 30)
LINES_AN_ORDER = 1.56
"""Of a simulated order; how many lines the day really had is said."""
# A seller's state tells when he registered, which is when history begins.
COMPARED = tuple(table for table in silver.LEDGER if table is not silver.SELLER_STATE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    lines = "order lines of the day and of every earlier one (default %(default)s)"
    add_sizes(
        parser,
        lines=(18_000, "N", lines),
        long=(540, "DAYS", "default %(default)s"),
        short=(240, "DAYS", "default %(default)s"),
        block=(30, "DAYS", "days that are simulated; history repeats them (default %(default)s)"),
        fresh="make the lakes anew, not those of an earlier run (do so when the code has changed)",
    )


def run(options: argparse.Namespace) -> str:
    if options.long % options.block or options.short % options.block:
        raise SystemExit("--long and --short are multiples of --block")
    asked = {name: getattr(options, name) for name in ("lines", "long", "short", "block")}
    made = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
    root = (Path(options.work) / f"history-{made}").resolve()
    if options.fresh:
        shutil.rmtree(root, ignore_errors=True)
    with session("history") as (spark, settings):
        if not (root / "made.json").exists():
            shutil.rmtree(root, ignore_errors=True)
            _make(spark, settings, root, options)
            (root / "made.json").write_text(json.dumps(asked))
        return _measure(spark, settings, root, options)


def _make(spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace) -> None:
    block = Window(TODAY - timedelta(days=options.block), TODAY - DAY)
    sellers, orders = max(20, options.lines // 15), max(5, round(options.lines / LINES_AN_ORDER))
    landing = str(root / "landing")
    world.run(
        spark, settings, Window(block.first, TODAY),
        sellers=sellers, orders_per_day=orders, seed=7, out=landing,
    )  # fmt: skip
    source = opened(spark, settings, root / "block")
    day.run(source, settings, block, landing=landing)
    for name in ("short", "long"):
        log.info("making %d days of history", getattr(options, name))
        grow(source, opened(spark, settings, root / name), block,
             getattr(options, name) // options.block)  # fmt: skip
        spark.catalog.clearCache()


def _measure(
    spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace
) -> str:
    log.info("warming up")
    _day(spark, settings, root, "short", "warm-up", None)
    short, long = (Side(f"{getattr(options, n)} days") for n in ("short", "long"))
    sides = {"short": short, "long": long}
    for name, side in in_turns(options.runs, *sides.items()):
        _day(spark, settings, root, name, f"run-{name}", side)
    runs = (root / "run-short", root / "run-long")
    where = dict.fromkeys(COMPARED, f"known_ds = date '{TODAY}'")
    lake = opened(spark, settings, runs[1])
    lines = lake.read(bronze.ORDER_ITEMS).where(F.col("ds") == F.lit(TODAY)).count()
    size = {n: opened(spark, settings, root / n).read(bronze.ORDER_ITEMS).count() for n in sides}
    told = same_rows(runs, COMPARED, where)
    for copy in (*runs, root / "warm-up"):
        shutil.rmtree(copy)
    table = compared(f"a day of {lines:,} order lines", long, short, AIM)
    return (
        f"## History: {options.long} days against {options.short}\n\n{table}\n"
        f"Order lines in bronze before the day: {size['long']:,} and {size['short']:,}. "
        f"In what the day added to the ledger: {told[0].lower()}{told[1:]}"
    )


def _day(
    spark: SparkSession, settings: Settings, root: Path, history: str, copy: str, side: Side | None
) -> None:
    """Takes the next day into a copy of a lake, timed."""
    lake = opened(spark, settings, copied(root / history, root / copy))
    lake.run_id = f"benchmark-{time.time_ns()}"
    run_id, began = lake.run_id, time.monotonic()
    day.run(lake, settings, Window.day(TODAY), landing=str(root / "landing"))
    total = time.monotonic() - began
    if side:
        rows = lake.read(meta.JOB_RUNS).where(F.col("run_id") == run_id).orderBy("started_at")
        side.add(total, {row["job"]: row["seconds"] for row in rows.collect()})
