"""The sums of the ledger that a day's features rest on: Spark against DuckDB on the same files.

Both read the Parquet files of the last 90 days of a drawn ledger (`benchmarks/ledger.py`), warm and
in turns, into a table in memory, and must arrive at the same sums. Aim: at most 6x. A second table
says where Spark's time goes.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from benchmarks import ledger
from benchmarks.sides import Different, Side, add_sizes, compared, markdown, session
from conf.settings import Settings
from conf.tables import silver
from features import seller_month
from jobs.lake.io import Lake
from jobs.state import read_ledger
from jobs.window import Window

AIM = 6
PYTHON, PLANNING, RUNNING = "frames, from Python", "planning", "running"
EMPTY, READING, REST = "an empty job", "reading the columns", "summing and shuffling"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        sellers=(150_000, "N", "active sellers (default %(default)s)"),
        days=(240, "N", "of history; the last 90 are summed (default %(default)s)"),
        fresh="make the lake anew",
    )


def run(options: argparse.Namespace) -> str:
    with session("sums") as (spark, settings):
        return _measure(spark, settings, options)


def _measure(spark: SparkSession, settings: Settings, options: argparse.Namespace) -> str:
    work, days = Path(options.work), options.days
    lake = ledger.lake_of(spark, settings, work, options.sellers, days, fresh=options.fresh)
    window = ledger.last_days(ledger.LEAST_DAYS)
    ours, theirs, apart = Side("Spark"), Side("DuckDB"), Side("Spark, apart")
    with duckdb.connect() as connection:
        query = f"create or replace table theirs as {duckdb_sums(files(lake, window), window.last)}"
        for number in range(options.runs + 1):  # the first to warm up
            sums, steps = _spark(lake, window.last)
            began = time.monotonic()
            connection.execute(query)
            seconds = time.monotonic() - began
            if number:
                ours.add_steps(steps)
                theirs.add(seconds)
                apart.add_steps(_apart(lake, window.last))
        told = _same(connection, sums, work / "sums")
    rows = ledger.rows_in(lake, window)
    table = compared(f"sums over {rows:,} ledger rows", ours, theirs, AIM)
    return (
        f"## Sums of 90 days: Spark against DuckDB\n\n{table}\n{told}\n\n"
        f"Where Spark's time goes:\n\n{_where_time_goes(ours, apart)}"
    )


def _spark(lake: Lake, ds: date) -> tuple[DataFrame, dict[str, float]]:
    """The sums, settled as the job settles them, and the seconds of each step."""
    began = time.monotonic()
    frame = seller_month.sums_of(_recent(lake, ds), [ds])
    built = time.monotonic()
    _plan(frame)
    planned = time.monotonic()
    sums = lake.settle(frame)
    steps = {PYTHON: built - began, PLANNING: planned - built}
    return sums, steps | {RUNNING: time.monotonic() - planned}


def _apart(lake: Lake, ds: date) -> dict[str, float]:
    """The seconds of a job without rows, and of reading the same columns into nothing."""
    measures = [name for own in seller_month.MEASURES.values() for name in own]
    needed = ("seller_id", "currency", "occurred_ds", "known_ds", *dict.fromkeys(measures))
    frames = {EMPTY: lake.spark.range(1).toDF("n"), READING: _recent(lake, ds).select(*needed)}
    seconds = {}
    for name, frame in frames.items():
        _plan(frame)
        began = time.monotonic()
        frame._jdf.queryExecution().toRdd().count()
        seconds[name] = time.monotonic() - began
    return seconds


def _plan(frame: DataFrame) -> None:
    """Has the plan made, which the frame keeps until it is run."""
    frame._jdf.queryExecution().executedPlan()


def _recent(lake: Lake, ds: date) -> DataFrame:
    return read_ledger(lake, silver.SELLER_DAYS, seller_month.first_needed([ds]), ds)


def files(lake: Lake, window: Window) -> list[str]:
    """The Parquet files of what became known in the window."""
    days = [str(ds) for ds in window]
    return DeltaTable(lake.path(silver.SELLER_DAYS)).file_uris([("known_ds", "in", days)])


def duckdb_sums(paths: Sequence[str], ds: date) -> str:
    """The query for `seller_month.sums_of` of one date."""
    sums = ", ".join(
        f"cast(sum(case when occurred_ds > date '{ds}' - {days} then {measure} else 0 end) "
        f"as bigint) as {measure}_{days}d"
        for days, own in seller_month.MEASURES.items()
        for measure in own
    )
    listed = ", ".join(f"'{path}'" for path in paths)
    first = seller_month.first_needed([ds])
    return (
        f"select seller_id, currency, date '{ds}' as ds, {sums} "
        f"from read_parquet([{listed}], hive_partitioning = true) "
        f"where occurred_ds between date '{first}' and date '{ds}' group by all"
    )


def _same(connection: duckdb.DuckDBPyConnection, sums: DataFrame, scratch: Path) -> str:
    """A sentence when DuckDB's table holds exactly the sums; else Different."""
    sums.write.mode("overwrite").parquet(str(scratch))
    names = ", ".join(sums.columns)
    ours = f"select {names} from read_parquet('{scratch}/*.parquet')"
    theirs = f"select {names} from theirs"
    for one, other, whose in ((ours, theirs, "Spark"), (theirs, ours, "DuckDB")):
        only = connection.execute(f"({one}) except all ({other})").fetchall()
        if only:
            raise Different(f"{len(only)} rows only from {whose}, such as {only[0]}")
    ((rows,),) = connection.execute(f"select count(*) from ({theirs})").fetchall()
    shutil.rmtree(scratch)
    return f"Both arrive at the same {rows:,} rows of {len(sums.columns) - 3} sums."


def _where_time_goes(ours: Side, apart: Side) -> str:
    steps = {name: ours.step(name) or 0.0 for name in (PYTHON, PLANNING, RUNNING)}
    running = steps.pop(RUNNING)
    steps |= {name: apart.step(name) or 0.0 for name in (EMPTY, READING)}
    steps[READING] -= steps[EMPTY]
    steps[REST] = running - steps[EMPTY] - steps[READING]
    total = sum(steps.values())
    rows = [[name, f"{seconds:.2f}", f"{seconds / total:.0%}"] for name, seconds in steps.items()]
    return markdown(["step", "s", "share"], rows)
