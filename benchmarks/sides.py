"""What the benchmarks share: options, a session, sides that take turns, tables, copies of lakes."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import duckdb
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from conf.contract import Table
from conf.settings import Settings, load_settings
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.lake.session import open_session

log = logging.getLogger(__name__)

Turn = TypeVar("Turn")

TOTAL = "**total**"
SUBMIT = Path(__file__).parents[1] / "spark-submit.sh"


class Different(Exception):
    """Two sides that had to arrive at the same figures did not."""


def add_sizes(
    parser: argparse.ArgumentParser, *, fresh: str = "", **sizes: tuple[int | None, str, str]
) -> None:
    """An option for each size, given as its default, its unit (DAYS, or N of what the help says)
    and its help, in this order; and `--fresh` where there is a help for it."""
    for name, (default, unit, text) in sizes.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=default, metavar=unit, help=text)
    if fresh:
        parser.add_argument("--fresh", action="store_true", help=fresh)


@contextmanager
def session(name: str) -> Iterator[tuple[SparkSession, Settings]]:
    """The one Spark session of a benchmark and its settings; stopped after the block."""
    settings = load_settings("local")
    spark = open_session(settings, f"benchmarks {name}")
    try:
        yield spark, settings
    finally:
        spark.stop()


def in_turns(runs: int, first: Turn, second: Turn, *others: Turn) -> Iterator[Turn]:
    """All of them once a run. Whichever of two goes second has the warmer session: the first two
    change places from run to run, the others follow."""
    for number in range(runs):
        yield from (first, second) if number % 2 == 0 else (second, first)
        yield from others


@dataclass
class Side:
    """One side of a comparison: per run the seconds of each step, and the whole."""

    name: str
    runs: list[dict[str, float]] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)

    def add(self, total: float, steps: Mapping[str, float] | None = None) -> None:
        self.totals.append(total)
        self.runs.append(dict(steps or {}))
        log.info("%s: run %d took %.2f s", self.name, len(self.totals), total)

    def add_steps(self, steps: Mapping[str, float]) -> None:
        """Notes a run that took as many seconds as its steps together."""
        self.add(sum(steps.values()), steps)

    def step(self, name: str) -> float | None:
        seconds = [run[name] for run in self.runs if name in run]
        return statistics.median(seconds) if seconds else None

    @property
    def total(self) -> float:
        return statistics.median(self.totals)


def compared(what: str, side: Side, against: Side, aim: float) -> str:
    """The medians of two sides step by step, the ratio `side / against`, and every run's total."""
    names = list(dict.fromkeys(n for s in (side, against) for run in s.runs for n in run))
    rows = [[name, *_pair(side.step(name), against.step(name))] for name in names]
    rows.append([TOTAL, *_pair(side.total, against.total)])
    head = [what, f"{side.name}, s", f"{against.name}, s", "ratio"]
    ratio = side.total / against.total
    met = "met" if ratio <= aim else "not met"
    totals = "; ".join(f"{s.name}: {', '.join(f'{t:.2f}' for t in s.totals)}"
                       for s in (side, against))  # fmt: skip
    return (
        f"{markdown(head, rows)}\n\n"
        f"Aim: at most {aim:g}x, found {ratio:.2f}x: {met}. Medians of {len(side.totals)} runs "
        f"each (all, in seconds: {totals}), {machine()}."
    )


def _pair(ours: float | None, theirs: float | None) -> list[str]:
    ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else ""
    return ["" if one is None else f"{one:.2f}" for one in (ours, theirs)] + [ratio]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; all columns but the first are numbers."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.rjust(w) if n else cell.ljust(w)
            for n, (cell, w) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *rest])} |"

    rule = "|".join("-" * (w + 1) + (":" if n else "-") for n, w in enumerate(widths))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def machine() -> str:
    """Where it was measured: cores, and how busy they were with whatever else."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


@contextmanager
def stopwatch(into: dict[str, float], name: str) -> Iterator[None]:
    """Notes how long the block took."""
    began = time.monotonic()
    yield
    into[name] = time.monotonic() - began
    log.info("%s: %.2f s", name, into[name])


def submit(root: Path, *arguments: str) -> float:
    """The wall seconds of a command in a process of its own; its messages go to `root`/log."""
    began = time.monotonic()
    with (root / "log").open("a") as messages:
        done = subprocess.run(
            [str(SUBMIT), *arguments], stdout=subprocess.DEVNULL, stderr=messages, check=False
        )
    if done.returncode:
        last = "\n".join((root / "log").read_text().splitlines()[-5:])
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{last}")
    seconds = time.monotonic() - began
    log.info("%s: %.1f s", arguments[0], seconds)
    return seconds


def opened(spark: SparkSession, settings: Settings, path: Path) -> Lake:
    """The lake at a path, made where there is none."""
    return open_lake(spark, replace(settings, lake_root=str(path)), zone="UTC", create=True)


def copied(lake: Path, to: Path) -> Path:
    """A copy of a lake. Parquet files are never changed once written, so they are linked."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(lake, to, copy_function=_copy)
    return to


def _copy(source: str, to: str) -> None:
    if source.endswith(".parquet"):
        os.link(source, to)
    else:
        shutil.copy2(source, to)


def same_rows(
    lakes: tuple[Path, Path], tables: Sequence[Table], where: Mapping[Table, str] | None = None
) -> str:
    """A sentence when the tables of two lakes hold the same rows;
    Different names the tables that do not."""
    found = [{t.path: _digest(lake, t, (where or {}).get(t)) for t in tables} for lake in lakes]
    wrong = [f"{t.path}: {found[0][t.path]} and {found[1][t.path]} (rows, digest)"
             for t in tables if found[0][t.path] != found[1][t.path]]  # fmt: skip
    if wrong:
        raise Different("; ".join(wrong))
    rows = sum(rows for rows, _ in found[0].values())
    return f"Both sides hold the same {rows:,} rows in {len(tables)} tables."


def _digest(lake: Path, table: Table, where: str | None) -> tuple[int, int]:
    path = str(lake / table.path)
    if not DeltaTable.is_deltatable(path):
        return 0, 0
    with duckdb.connect() as connection:
        connection.register("given", DeltaTable(path).to_pyarrow_dataset())
        query = f"select count(*), coalesce(bit_xor(hash(given)), 0) from given where {where or 1}"
        ((rows, digest),) = connection.execute(query).fetchall()
    return rows, digest
