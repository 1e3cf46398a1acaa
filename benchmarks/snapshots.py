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
from benchmarks.sides import Side, add_sizes, compared, in_turns, same_rows, session
from conf.settings import Settings
from conf.tables import features
from jobs.lake.io import Lake
from jobs.runner import run_job
from jobs.window import Window

AIM = 1.10
JOB = "featurize.seller_snapshots"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        sellers=(150_000, "N", "active sellers (default %(default)s)"),
        long=(540, "DAYS", "default %(default)s"),
        short=(240, "DAYS", "default %(default)s"),
        fresh="make the lakes anew, not those of an earlier run (do so when the code has changed)",
    )


def run(options: argparse.Namespace) -> str:
    if options.long <= options.short:
        raise SystemExit("--long is longer than --short")
    with session("snapshots") as (spark, settings):
        return _measure(spark, settings, options)


def _measure(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    work, sellers, fresh = Path(options.work), options.sellers, options.fresh
    lakes = {
        "short": ledger.lake_of(spark, settings, work, sellers, options.short, fresh=fresh),
        "long": ledger.lake_of(spark, settings, work, sellers, options.long, fresh=fresh,
                               shorter=options.short),
    }  # fmt: skip
    long, short = (Side(f"{getattr(options, name)} days") for name in ("long", "short"))
    today = Window.day(ledger.TODAY)
    for lake in lakes.values():  # to warm up, and to create the table
        snapshot(lake, settings, today)
    for side, lake in in_turns(options.runs, (short, lakes["short"]), (long, lakes["long"])):
        side.add(snapshot(lake, settings, today))
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
