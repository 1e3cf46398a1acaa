"""Ten times the orders against once: the world's making, and a day's snapshot.

Sellers and orders grow together. Worlds are written as Parquet in a warm session, in turns;
snapshots are taken of drawn ledgers (`benchmarks/ledger.py`) of as many more sellers and rows.
Aim: at most 11x for both. Any world takes half a minute, which says nothing of orders: the smaller
one is large enough that most of its time is theirs.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks import ledger
from benchmarks.sides import Side, add_sizes, compared, in_turns, session
from benchmarks.snapshots import snapshot
from conf.settings import Settings
from conf.tables import silver
from jobs.lake.io import Lake
from jobs.simulate import world
from jobs.window import Window

AIM = 11
TIMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        sellers=(6_000, "N", "in the smaller world (default %(default)s)"),
        orders_per_day=(3_000, "N", "in the smaller world (default %(default)s)"),
        days=(90, "N", "of both worlds (default %(default)s)"),
        ledger_sellers=(15_000, "N", "active sellers in the smaller ledger (default %(default)s)"),
        ledger_days=(240, "N", "of both ledgers (default %(default)s)"),
        fresh="make the ledgers anew",
    )


def run(options: argparse.Namespace) -> str:
    with session("tenfold") as (spark, settings):
        parts = [_worlds(spark, settings, options), _snapshots(spark, settings, options)]
        return "\n\n".join(["## Ten times the orders", *parts])


def _worlds(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    landing = (Path(options.work) / "tenfold-landing").resolve()
    window = ledger.last_days(options.days)
    once, tenfold = Side("once"), Side(f"{TIMES} times")
    rows: dict[str, int] = {}

    def simulated(times: int) -> float:
        shutil.rmtree(landing, ignore_errors=True)
        began = time.monotonic()
        landed = world.run(
            spark, settings, window, seed=ledger.SEED, out=str(landing), format="parquet",
            sellers=times * options.sellers, orders_per_day=times * options.orders_per_day,
        )  # fmt: skip
        seconds = time.monotonic() - began
        side = tenfold if times > 1 else once
        rows[side.name] = landed["orders"]
        return seconds

    simulated(1)  # to warm up
    for side, times in in_turns(options.runs, (once, 1), (tenfold, TIMES)):
        side.add(simulated(times))
    shutil.rmtree(landing)
    table = compared(f"a world of {options.days} days", tenfold, once, AIM)
    return f"{table}\nOrders landed: {rows[tenfold.name]:,} and {rows[once.name]:,}."


def _snapshots(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    work, small, days = Path(options.work), options.ledger_sellers, options.ledger_days
    once, tenfold = Side("once"), Side(f"{TIMES} times")
    lakes = [
        (side, ledger.lake_of(spark, settings, work, times * small, days, fresh=options.fresh))
        for side, times in ((once, 1), (tenfold, TIMES))
    ]
    today = Window.day(ledger.TODAY)
    for _, lake in lakes:  # to warm up, and to create the table
        snapshot(lake, settings, today)
    for side, lake in in_turns(options.runs, *lakes):
        side.add(snapshot(lake, settings, today))
    orders = {side.name: _orders_in_windows(lake) for side, lake in lakes}
    table = compared(f"a snapshot of {small:,} sellers", tenfold, once, AIM)
    return f"{table}\nOrders in its 90 days: {orders[tenfold.name]:,} and {orders[once.name]:,}."


def _orders_in_windows(lake: Lake) -> int:
    window = ledger.last_days(ledger.LEAST_DAYS)
    recent = lake.read(silver.SELLER_DAYS).where(
        F.col("occurred_ds").between(F.lit(window.first), F.lit(window.last))
    )
    row = recent.agg(F.sum("orders_placed").alias("orders")).first()
    return int(row["orders"]) if row else 0
