"""The packed day against one process per step: what a day costs when every step starts a Spark.

Packed is `spark-submit.sh run.day --ds D --landing L`; the other side submits ingest.landing and
then each of the day's jobs by itself, with the same ds, as a scheduler does. Both begin with a copy
of the same small simulated lake, take turns, and must leave the same rows. Aim: at most 0.5x.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import date, timedelta
from pathlib import Path

from benchmarks.sides import Side, add_sizes, compared, copied, in_turns, same_rows, submit
from conf.tables import reports, silver
from jobs import day
from jobs.window import DAY

AIM = 0.5
TODAY = date(2026, 6, 30)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        days=(14, "N", "simulated days, the measured one included (default %(default)s)"),
        orders_per_day=(100, "N", "default %(default)s"),
    )


def run(options: argparse.Namespace) -> str:
    root = (Path(options.work) / "packed").resolve()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    lake = _made(root, options)
    packed, steps = Side("one process"), Side("a process a step")
    for name, side in in_turns(options.runs, ("packed", packed), ("steps", steps)):
        side.add_steps(_submitted(root, name, copied(lake, root / f"run-{name}")))
    told = same_rows((root / "run-packed", root / "run-steps"), (*silver.TABLES, *reports.TABLES))
    shutil.rmtree(root)
    table = compared(f"a day of about {options.orders_per_day:,} orders", packed, steps, AIM)
    return f"## Packed: a day in one process against a process a step\n\n{table}\n{told}"


def _made(root: Path, options: argparse.Namespace) -> Path:
    """A lake that has finished the day before."""
    first, yesterday = TODAY - timedelta(days=options.days - 1), TODAY - DAY
    lake, range_ = root / "lake", ("--from", str(first), "--to", str(yesterday))
    sizes = ("--sellers", str(max(20, options.orders_per_day // 5)),
             "--orders-per-day", str(options.orders_per_day))  # fmt: skip
    submit(root, "simulate.world", "--from", str(first), "--to", str(TODAY), *sizes,
           "--out", str(root / "landing"))  # fmt: skip
    submit(root, "run.day", *range_, "--landing", str(root / "landing"), "--lake-root", str(lake))
    return lake


def _submitted(root: Path, side: str, lake: Path) -> dict[str, float]:
    """The wall seconds of each process that takes the day into the lake."""
    where = ("--ds", str(TODAY), "--lake-root", str(lake))
    landing = ("--landing", str(root / "landing"))
    if side == "packed":
        return {"run.day": submit(root, "run.day", *where, *landing)}
    seconds = {"ingest.landing": submit(root, "ingest.landing", *where, *landing)}
    return seconds | {step: submit(root, step, *where) for step in day.steps()}
