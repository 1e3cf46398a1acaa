"""Deciding a day's orders with a long history against the same day with a shorter one.

Both lakes hold the same last days and the same next day, with an intent and a charge of the
provider for every order; decide.orders runs on them alternately in one warm session. Work that
grows with history would show as a ratio of long / short. Aim: at most 1.15x with 540 days against
240. What is decided must be the same row by row on both lakes.
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
from conf.contract import Table
from conf.settings import Settings
from conf.tables import bronze, decisions, provider
from features.asof import month_of
from jobs.decide import orders
from jobs.ingest import landing
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.simulate import world
from jobs.window import DAY, Window

log = logging.getLogger(__name__)

AIM = 1.15
TODAY = date(2026, 6, 30)
ORDERS_A_SELLER = 10
DECIDED = (decisions.ORDERS, decisions.PAYMENTS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        orders=(10_000, "N", "orders of the day and of every earlier one (default %(default)s)"),
        long=(540, "DAYS", "default %(default)s"),
        short=(240, "DAYS", "default %(default)s"),
        block=(30, "DAYS", "days that are simulated; history repeats them (default %(default)s)"),
        fresh="make the lakes anew, not those of an earlier run (do so when the code has changed)",
    )


def run(options: argparse.Namespace) -> str:
    if options.long % options.block or options.short % options.block:
        raise SystemExit("--long and --short are multiples of --block")
    asked = {name: getattr(options, name) for name in ("orders", "long", "short", "block")}
    made = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:8]
    root = (Path(options.work) / f"decided-{made}").resolve()
    if options.fresh:
        shutil.rmtree(root, ignore_errors=True)
    with session("decided") as (spark, settings):
        if not (root / "made.json").exists():
            shutil.rmtree(root, ignore_errors=True)
            _make(spark, settings, root, options)
            (root / "made.json").write_text(json.dumps(asked))
        return _measure(spark, settings, root, options)


def _make(spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace) -> None:
    block = Window(TODAY - timedelta(days=options.block), TODAY - DAY)
    files = str(root / "landing")
    world.run(
        spark, settings, Window(block.first, TODAY), orders_per_day=options.orders, seed=7,
        sellers=max(20, options.orders // ORDERS_A_SELLER), out=files,
    )  # fmt: skip
    source = opened(spark, settings, root / "block")
    landing.run(source, settings, block, landing=files, check=False)
    _tell_of_payments(source, block)
    for name in ("short", "long"):
        log.info("making %d days of history", getattr(options, name))
        grown = opened(spark, settings, root / name)
        grow(source, grown, block, getattr(options, name) // options.block)
        landing.run(grown, settings, Window.day(TODAY), landing=files, check=False)
        spark.catalog.clearCache()


def _tell_of_payments(lake: Lake, block: Window) -> None:
    """What the provider would have told: an intent and a charge for every order, captured."""
    placed = lake.read(bronze.ORDERS).dropDuplicates(["order_id"])
    told = placed.withColumns(
        {
            "payment_intent_id": F.concat(F.lit("pi_"), "order_id"),
            "charge_id": F.concat(F.lit("ch_"), "order_id"),
            "request_key": F.sha2("order_id", 256), "request_no": F.lit(1),
            "payment_no": F.lit(1), "transfer_group": F.col("order_id"),
            "amount_minor": F.col("total_minor"), "received_minor": F.col("total_minor"),
            "captured_minor": F.col("total_minor"), "status": F.lit("succeeded"),
            "status_at": F.col("known_at"), "held_at": F.col("occurred_at"),
            "occurred_month": month_of(F.col("occurred_at"), lake.zone),
        }
    )  # fmt: skip
    for table in (provider.PAYMENT_INTENTS, provider.CHARGES):
        given = (F.col(c.name) if c.name in told.columns else F.lit(None) for c in table.columns)
        named = zip(given, table.columns, strict=True)
        lake.merge(table, told.select(*(v.cast(c.type).alias(c.name) for v, c in named)))
    record_day(lake, block.last, "refined", provider.CHARGES.writer)


def _measure(
    spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace
) -> str:
    log.info("warming up")
    _decide(spark, settings, root, "short", "warm-up", None)
    short, long = (Side(f"{getattr(options, n)} days") for n in ("short", "long"))
    sides = {"short": short, "long": long}
    for name, side in in_turns(options.runs, *sides.items()):
        _decide(spark, settings, root, name, f"run-{name}", side)
    runs = (root / "run-short", root / "run-long")
    told = same_rows(runs, DECIDED, dict.fromkeys(DECIDED, f"ds = date '{TODAY}'"))
    size = {name: _rows(opened(spark, settings, root / name)) for name in sides}
    decided = opened(spark, settings, runs[1]).read(decisions.PAYMENTS)
    orders_of_day = decided.where(F.col("ds") == F.lit(TODAY)).count()
    for copy in (*runs, root / "warm-up"):
        shutil.rmtree(copy)
    table = compared(f"deciding {orders_of_day:,} orders", long, short, AIM)
    return (
        f"## Deciding a day: {options.long} days of history against {options.short}\n\n{table}\n"
        f"Rows in bronze: {size['long']:,} and {size['short']:,}. {told}"
    )


def _rows(lake: Lake) -> int:
    tables: list[Table] = [t for t in bronze.TABLES if lake.version(t) >= 0]
    return sum(lake.read(table).count() for table in tables)


def _decide(
    spark: SparkSession, settings: Settings, root: Path, history: str, copy: str, side: Side | None
) -> None:
    """Decides the next day on a copy of a lake, timed."""
    lake = opened(spark, settings, copied(root / history, root / copy))
    began = time.monotonic()
    orders.run(lake, settings, Window.day(TODAY))
    if side:
        side.add(time.monotonic() - began)
