"""The lake keeps what a table declares: creation, comparison, the write modes, the checks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from conf import columns as c
from conf.contract import Check, Column, GroupCheck, Table, WriteMode
from conf.settings import Settings
from conf.tables import meta
from jobs.errors import ContractBroken, OutsideUnavailable, UsageError
from jobs.lake.io import GONE, Lake
from jobs.lake.lease import lease
from jobs.lake.records import open_lake
from jobs.window import Window

pytestmark = pytest.mark.spark

ONE, TWO, THREE = date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)
STOCK = Table(
    layer="silver", name="stock", grain="One row a thing and day",
    columns=(
        c.DS, Column("thing", "string", "Thing", nullable=False),
        Column("units", "bigint", "Units", "units"),
    ),
    key=("ds", "thing"), mode=WriteMode.REPLACE_DS, writer="refine.stock", partition_by=("ds",),
    checks=(Check("units_min", "units >= 0", "Units are not negative"),),
    group_checks=(GroupCheck("few", ("ds",), "sum(units) < 100", "A day has fewer than 100"),),
)  # fmt: skip
MERGED = replace(STOCK, name="merged", mode=WriteMode.MERGE, key=("thing",), group_checks=())
ONCE = replace(STOCK, name="once", mode=WriteMode.APPEND_ONCE, group_checks=())


def rows(
    lake: Lake, *values: tuple[Any, ...], schema: str = "ds date, thing string, units bigint"
) -> DataFrame:
    return lake.spark.createDataFrame(list(values), schema)


def stored(lake: Lake, table: Table) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in lake.read(table).collect()}


def test_replacing_days_leaves_other_days_alone(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    lake.replace_ds(STOCK, rows(lake, (ONE, "a", 1), (TWO, "a", 2)), Window(ONE, TWO))
    lake.replace_ds(STOCK, rows(lake, (TWO, "b", 3)), Window.day(TWO))
    lake.replace_ds(STOCK, rows(lake), Window.day(THREE))
    assert stored(lake, STOCK) == {(ONE, "a", 1), (TWO, "b", 3)}


def test_merging_updates_inserts_and_deletes_by_key(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    lake.merge(MERGED, rows(lake, (ONE, "a", 1), (ONE, "b", 1)))
    schema = f"ds date, thing string, units bigint, {GONE} boolean"
    changes = [(TWO, "a", 5, False), (TWO, "b", None, True), (TWO, "c", 7, False)]
    lake.merge(MERGED, rows(lake, *changes, schema=schema))
    assert stored(lake, MERGED) == {(TWO, "a", 5), (TWO, "c", 7)}


def test_a_batch_is_appended_once(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    for _ in range(2):
        lake.append_once(ONCE, rows(lake, (ONE, "a", 1)), "first")
    lake.append_once(ONCE, rows(lake, (ONE, "b", 1)), "second")
    assert sorted(lake.read(ONCE).collect()) == [(ONE, "a", 1), (ONE, "b", 1)]


def test_a_key_that_comes_twice_is_refused(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    for table, write in ((STOCK, lambda f: lake.replace_ds(STOCK, f, Window.day(ONE))),
                         (MERGED, lambda f: lake.merge(MERGED, f))):  # fmt: skip
        with pytest.raises(ContractBroken, match=r"'thing': 'a'.* comes 2 times"):
            write(rows(lake, (ONE, "a", 1), (ONE, "a", 2)))
        assert stored(lake, table) == set()


def test_a_broken_check_publishes_nothing_and_keeps_the_rows(
    make_lake: Callable[..., Lake],
) -> None:
    lake = make_lake()
    with pytest.raises(ContractBroken, match="1 rows: Units are not negative"):
        lake.replace_ds(STOCK, rows(lake, (ONE, "a", -1), (ONE, "b", 1)), Window.day(ONE))
    assert stored(lake, STOCK) == set()
    kept = lake.spark.read.format("delta").load(f"{lake.path(STOCK)}__rejected").collect()
    assert [(row["reasons"], "-1" in row["raw"]) for row in kept] == [(["units_min"], True)]
    with pytest.raises(ContractBroken, match=r"fewer than 100.*2024-05-01"):
        lake.replace_ds(STOCK, rows(lake, (ONE, "a", 60), (ONE, "b", 60)), Window.day(ONE))


def test_rows_of_another_type_are_refused_by_name(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    wrong = rows(lake, (ONE, "a", 1), schema="ds date, thing string, units int")
    with pytest.raises(ContractBroken, match="units is int, declared bigint"):
        lake.replace_ds(STOCK, wrong, Window.day(ONE))


def test_a_new_nullable_column_is_added_and_said(
    make_lake: Callable[..., Lake], caplog: pytest.LogCaptureFixture
) -> None:
    lake = make_lake()
    lake.replace_ds(STOCK, rows(lake, (ONE, "a", 1)), Window.day(ONE))
    wider = replace(STOCK, columns=(*STOCK.columns, Column("shelf", "string", "Shelf")))
    assert make_lake().read(wider).collect() == [(ONE, "a", 1, None)]
    assert "silver/stock: added column shelf" in caplog.text


def redeclared(*columns: Column) -> Table:
    return replace(STOCK, columns=(*STOCK.columns[:2], *columns), checks=())


UNITS = STOCK.columns[2]
DIFFERENCES = [
    (redeclared(Column("units", "int", "")), "column units is stored as bigint, declared int"),
    (redeclared(), "column units is stored but not declared"),
    (redeclared(UNITS, Column("x", "int", "", nullable=False)), "column x is missing"),
    (redeclared(UNITS.not_null()), "column units is stored nullable"),
    (replace(STOCK, partition_by=()), "partitioned by"),
    (replace(STOCK, checks=()), "check units_min"),
]


@pytest.mark.parametrize(("declared", "message"), DIFFERENCES)
def test_any_other_difference_is_refused_by_table_and_column(
    make_lake: Callable[..., Lake], declared: Table, message: str
) -> None:
    lake = make_lake()
    lake.replace_ds(STOCK, rows(lake, (ONE, "a", 1)), Window.day(ONE))
    with pytest.raises(ContractBroken, match=f"table silver/stock .*{message}"):
        make_lake().read(declared)


def test_other_readers_can_read_every_kind_of_table(make_lake: Callable[..., Lake]) -> None:
    lake = make_lake()
    lake.replace_ds(STOCK, rows(lake, (ONE, "a", 1)), Window.day(ONE))
    lake.merge(MERGED, rows(lake, (ONE, "a", 1)))
    lake.append_once(ONCE, rows(lake, (ONE, "a", 1)), "first")
    for table in (STOCK, MERGED, ONCE, meta.LAKE):
        delta = DeltaTable(lake.path(table))
        assert delta.protocol().min_reader_version == 1
        assert delta.to_pyarrow_table().num_rows == 1


def test_a_lake_has_one_time_zone(spark: SparkSession, settings: Settings, tmp_path: Path) -> None:
    here = replace(settings, lake_root=str(tmp_path / "lake"))
    with pytest.raises(UsageError, match="no lake"):
        open_lake(spark, here, zone=None, create=False)
    assert open_lake(spark, here, zone="Europe/Berlin", create=True).zone == "Europe/Berlin"
    assert open_lake(spark, here, zone=None, create=False).zone == "Europe/Berlin"
    with pytest.raises(ContractBroken, match="time_zone"):
        open_lake(spark, here, zone="UTC", create=True)


HOLD = """
import sys, time
from jobs.lake.lease import lease
with lease(None, sys.argv[1], "other"):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another_run(root: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_second_writer_is_told_who_has_the_lake_and_a_kill_frees_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    with another_run(tmp_path) as other:
        with pytest.raises(OutsideUnavailable, match=r"another run is writing.*other"):
            lease(spark, str(tmp_path), "me").__enter__()
        other.kill()
        other.wait()
        with lease(spark, str(tmp_path), "me"):
            pass


def test_a_lease_on_a_uri_beats_and_is_taken_over_when_it_stops(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.lake import lease as module

    root = f"file://{tmp_path}"
    with module._remote_lease(spark, root, "first"):
        with pytest.raises(OutsideUnavailable, match="first"):
            module._remote_lease(spark, root, "second").__enter__()
        monkeypatch.setattr(module, "STALE_AFTER_SECONDS", -1.0)
        with module._remote_lease(spark, root, "second"):
            pass
