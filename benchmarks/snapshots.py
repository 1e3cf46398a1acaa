"""One day's snapshot of every seller after a long history against a shorter one.

Both lakes hold the same last days of a ledger that is drawn (`benchmarks/ledger.py`); the job runs
on the newest day in one warm session, alternately. Work that grows with history would show as a
ratio of long / short. Aim: at most 1.10x with 540 days against 240 and 150,000 active sellers. The
snapshots of both must be the same row by row.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import ledger
from benchmarks.sides import Side, compared, same_rows
from conf.settings import Settings, load_settings
from conf.tables import features
from jobs.lake.io import Lake
from jobs.lake.session import open_session
from jobs.runner import run_job
from jobs.window import Window

AIM = 1.10
JOB = "featurize.seller_snapshots"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sellers", type=int, default=150_000, metavar="N",
                        help="active sellers (default 150000)")  # fmt: skip
    parser.add_argument("--long", type=int, default=540, metavar="DAYS", help="default 540")
    parser.add_argument("--short", type=int, default=240, metavar="DAYS", help="default 240")
    parser.add_argument("--fresh", action="store_true",
                        help="make the lakes anew, not those of an earlier run (do so when the "
                        "code has changed)")  # fmt: skip


def run(options: argparse.Namespace) -> str:
    if options.long <= options.short:
        raise SystemExit("--long is longer than --short")
    settings = load_settings("local")
    spark = open_session(settings, "benchmarks snapshots")
    try:
        return _measure(spark, settings, options)
    finally:
        spark.stop()


def _measure(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    work, sellers, fresh = Path(options.work), options.sellers, options.fresh
    lakes = {
        "short": ledger.lake_of(spark, settings, work, sellers, options.short, fresh=fresh),
        "long": ledger.lake_of(spark, settings, work, sellers, options.long, fresh=fresh,
                               shorter=options.short),
    }  # fmt: skip
    long, short = (Side(f"{getattr(options, name)} days") for name in ("long", "short"))
    sides = {"short": short, "long": long}
    for lake in lakes.values():  # to warm up, and to create the table
        snapshot(lake, settings, Window.day(ledger.TODAY))
    for number in range(options.runs):
        # Whichever goes second has the warmer session: they take turns.
        for name in ("short", "long") if number % 2 == 0 else ("long", "short"):
            sides[name].add(snapshot(lakes[name], settings, Window.day(ledger.TODAY)))
    told = same_rows((Path(lakes["short"].root), Path(lakes["long"].root)),
                     [features.SELLER_SNAPSHOTS])  # fmt: skip
    rows = {n: ledger.rows_in(lake, ledger.last_days(options.long)) for n, lake in lakes.items()}
    table = compared(f"a day of {sellers:,} sellers", long, short, AIM)
    return (
        f"## Snapshots: {options.long} days of history against {options.short}\n\n{table}\n"
        f"Rows in the ledger of sellers: {rows['long']:,} and {rows['short']:,}. {told}"
    )


def snapshot(lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False) -> float:
    """The seconds of the job over the window, in this session."""
    done = run_job(JOB, lake, settings, window, "benchmark", {"month_ends": month_ends})
    return done.seconds
