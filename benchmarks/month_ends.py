"""Month-ends in one pass against a run for each, in a warm session and as commands.

One pass reads every ledger row once, whatever number of windows it belongs to. All sides begin with
a copy of the same drawn ledger (`benchmarks/ledger.py`), take turns, and must leave the same rows.
Aims for 18 month-ends: at most 0.8x of 18 warm runs, and at most 0.35x of 18 commands.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import ledger
from benchmarks.sides import (
    Side,
    add_sizes,
    compared,
    copied,
    in_turns,
    opened,
    same_rows,
    session,
    submit,
)
from benchmarks.snapshots import JOB, snapshot
from conf.settings import Settings
from conf.tables import features
from features.seller_month import first_needed
from jobs.window import Window

AIM_WARM, AIM_COMMANDS = 0.8, 0.35


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        sellers=(13_300, "N", "active sellers (default %(default)s, as in the seed world)"),
        months=(18, "N", "default %(default)s"),
        commands=(
            None,
            "N",
            "how many of the commands are run, their time scaled up to all (default: all; 0: none)",
        ),
        fresh="make the lake anew",
    )


def run(options: argparse.Namespace) -> str:
    with session("month-ends") as (spark, settings):
        return _measure(spark, settings, options)


def _measure(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    dates = last_month_ends(options.months)
    asked = spread(dates, len(dates) if options.commands is None else options.commands)
    days = len(Window(first_needed(dates), ledger.TODAY))
    made = ledger.lake_of(
        spark, settings, Path(options.work), options.sellers, days, fresh=options.fresh
    )
    root = (Path(options.work) / "month-ends").resolve()
    shutil.rmtree(root, ignore_errors=True)
    whole, one = Window(dates[0], dates[-1]), Window.day(dates[-1])
    lakes = {
        name: opened(spark, settings, copied(Path(made.root), root / name))
        for name in ("pass", "runs", "commands")
    }
    for lake in lakes.values():  # to warm up, and to create the table
        snapshot(lake, settings, one)
    snapshot(lakes["pass"], settings, whole, month_ends=True)
    together, runs = Side("one pass"), Side(f"{len(dates)} warm runs")
    commands = Side(f"{len(dates)} commands")
    turns = [
        (together, lambda: snapshot(lakes["pass"], settings, whole, month_ends=True)),
        (runs, lambda: sum(snapshot(lakes["runs"], settings, Window.day(ds)) for ds in dates)),
        (commands, lambda: _commands(root, asked) * len(dates) / len(asked)),
    ]
    for side, seconds in in_turns(options.runs, *(turns if asked else turns[:2])):
        side.add(seconds())
    told = _compared(root, asked)
    shutil.rmtree(root)
    what = f"{len(dates)} month-ends of {options.sellers:,} sellers"
    parts = [f"## Month-ends in one pass\n\n{compared(what, together, runs, AIM_WARM)}"]
    if asked:
        scaled = "" if len(asked) == len(dates) else (
            f"\nOf the {len(dates)} commands {len(asked)} were run, and their time scaled up."
        )  # fmt: skip
        parts.append(compared(what, together, commands, AIM_COMMANDS) + scaled)
    return "\n\n".join([*parts, told])


def _commands(root: Path, dates: Sequence[date]) -> float:
    """The wall seconds of a command for each date."""
    began = time.monotonic()
    for ds in dates:
        submit(root, JOB, "--ds", str(ds), "--lake-root", str(root / "commands"))
    return time.monotonic() - began


def _compared(root: Path, asked: Sequence[date]) -> str:
    table = features.SELLER_SNAPSHOTS
    told = same_rows((root / "pass", root / "runs"), [table])
    if asked:
        where = f"ds in ({', '.join(f'date {str(ds)!r}' for ds in asked)})"
        same_rows((root / "pass", root / "commands"), [table], {table: where})
    return told


def last_month_ends(months: int, last: date = ledger.TODAY) -> list[date]:
    """The last so many month-ends up to a day, ascending."""
    return list(ledger.last_days(32 * (months + 1), last).month_ends())[-months:]


def spread(dates: Sequence[date], number: int) -> list[date]:
    """So many of the dates, evenly spread and the last among them."""
    if not 0 <= number <= len(dates):
        raise SystemExit(f"--commands is 0 to {len(dates)}")
    return [dates[len(dates) * (n + 1) // number - 1] for n in range(number)]
