"""Olist's published CSVs to silver and the ledger: this project against a DuckDB script.

Spark runs ingest.olist and every refine job over the whole range, in a warm session on a new lake
whose tables are created beforehand; DuckDB runs benchmarks/olist.sql into a new database file. They
take turns. Both must arrive at the same orders, items, sellers, payments, sales by month and ledger
by seller, buyer and region and day. Aim: at most 20x. A second table says where the time of a first
run in a new process goes.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.olist_totals import require_same
from benchmarks.sides import TOTAL, Side, compared, markdown, stopwatch
from conf.settings import Settings, load_settings
from conf.tables import bronze
from jobs import day, registry
from jobs.history import first_landed
from jobs.ingest import olist
from jobs.ingest import olist_tables as published
from jobs.lake import ddl
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.lake.session import open_session
from jobs.runner import run_job
from jobs.window import Window

log = logging.getLogger(__name__)

AIM = 20
SCRIPT = Path(__file__).with_name("olist.sql")
SCHEMA = {
    published.ORDERS: "orders", published.ITEMS: "items", published.CUSTOMERS: "customers",
    published.PAYMENTS: "payments", published.REVIEWS: "reviews", published.SELLERS: "sellers",
    published.PRODUCTS: "products", published.TRANSLATIONS: "translations",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", metavar="DIR", help="the folder with the published CSV files")
    parser.add_argument("--reviews", metavar="FILE",
                        help="another file for olist_order_reviews_dataset")  # fmt: skip


def run(options: argparse.Namespace) -> str:
    if not options.input:
        raise SystemExit("benchmarks olist needs --input DIR, the folder with the published CSVs")
    root = (Path(options.work) / "olist").resolve()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    settings, cold = load_settings("local"), dict[str, float]()
    with stopwatch(cold, "session start"):
        spark = open_session(settings, "benchmarks olist")
    try:
        _spark(spark, settings, root / "cold", options, cold)
        ours, theirs = Side("Spark"), Side("DuckDB")
        for _ in range(options.runs):
            database, lake = root / "olist.duckdb", root / "lake"
            for old in (lake, root / "cold"):
                shutil.rmtree(old, ignore_errors=True)
            database.unlink(missing_ok=True)
            theirs.add(_duckdb(database, options))
            steps = _spark(spark, settings, lake, options, {})
            created = steps.pop("table creation")
            log.info("table creation, not counted: %.1f s", created)
            ours.add_steps(steps)
            same = require_same(database, lake)
    finally:
        spark.stop()
    shutil.rmtree(root)
    table = compared("Olist, CSV to silver and ledger", ours, theirs, AIM)
    return (
        f"## Olist: Spark against DuckDB\n\n{table}\n{same}\n\n{_where_cold_time_goes(cold, ours)}"
    )


def _spark(
    spark: SparkSession, settings: Settings, root: Path, options: argparse.Namespace,
    seconds: dict[str, float],
) -> dict[str, float]:  # fmt: skip
    """Takes the files into a new lake; notes the seconds of each step."""
    steps = [name for name in day.steps() if name.startswith("refine.")]
    here = replace(settings, lake_root=str(root))
    with stopwatch(seconds, "table creation"):
        lake = open_lake(spark, here, zone=olist.TIME_ZONE, create=True)
        _create_tables(lake, ["ingest.olist", *steps])
    with stopwatch(seconds, "ingest.olist"):
        given = {"input": options.input, "reviews": options.reviews}
        run_job("ingest.olist", lake, here, None, "benchmark", given)
    window = _window(lake)
    for step in steps:
        with stopwatch(seconds, step):
            run_job(step, lake, here, window, "benchmark", {})
    return seconds


def _create_tables(lake: Lake, steps: list[str]) -> None:
    """The tables that Olist has rows for: of the entities that it does not know there are none."""
    known = {table.name for table in olist.ENTITIES}
    empty = {table.name for table in bronze.TABLES} - known
    for step in steps:
        for table in registry.writes_of(registry.module_of(step)):
            if table.name not in empty and not table.name.endswith("__rejected"):
                ddl.open_table(lake.spark, table, lake.path(table))


def _window(lake: Lake) -> Window:
    """The days on which something became known."""
    first = first_landed(lake)
    last = max(
        row["ds"]
        for table in olist.ENTITIES
        for row in lake.read(table).agg(F.max("ds").alias("ds")).collect()
        if row["ds"]
    )
    return Window(first or last, last)


def _duckdb(database: Path, options: argparse.Namespace) -> float:
    """Runs the script into a new database file; returns how long that took."""
    began = time.monotonic()
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema csv")
        for table, name in SCHEMA.items():
            connection.execute(f"create view csv.{name} as {_given(table, options)}")
        connection.execute(SCRIPT.read_text())
    return time.monotonic() - began


def _given(table: published.Published, options: argparse.Namespace) -> str:
    """A query for a published file with every column as text; no rows where it is absent."""
    names = (f"{table.name}.csv", f"{table.name}.csv.gz")
    paths = [str(path) for name in names if (path := Path(options.input) / name).exists()]
    if table is published.REVIEWS and options.reviews:
        paths = [options.reviews]
    if not paths:
        columns = ", ".join(f"null::varchar as {column}" for column in table.kinds)
        return f"select {columns} where false"
    quoted = paths[0].replace("'", "''")
    # Told, not guessed from the first rows: texts have commas, quotes and line ends in them.
    return (
        f"select * from read_csv('{quoted}', header = true, all_varchar = true, delim = ',', "
        "quote = '\"', escape = '\"')"
    )


def _where_cold_time_goes(cold: Mapping[str, float], warm: Side) -> str:
    names = {"table creation": "first plans, table creation"}
    rows = [
        [names.get(name, name), f"{seconds:.1f}", f"{seconds / sum(cold.values()):.0%}",
         "" if (again := warm.step(name)) is None else f"{again:.1f}"]
        for name, seconds in cold.items()
    ]  # fmt: skip
    rows.append([TOTAL, f"{sum(cold.values()):.1f}", "100%", f"{warm.total:.1f}"])
    return "Where the time of a first run goes:\n\n" + markdown(
        ["step", "cold, s", "share", "warm, s"], rows
    )
