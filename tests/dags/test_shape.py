"""The DAG is what the contracts and the jobs say: read by Airflow, compared with the jobs here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conf.tables import READY_MADE
from conf.tables.decisions import AWAITED
from jobs import day, registry
from jobs.__main__ import _parser as parser
from tests.dags.conftest import PROJECT, Airflow

ACTING = [name for name, _ in day.ACTS if name.startswith("act.")]
AS_IT_STANDS = ("report", "actions")
STEPS = ["ingest.landing", *day.steps(), *ACTING]


@pytest.fixture(scope="module")
def found(airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAG folder as Airflow reads it where no database can be reached."""
    out = tmp_path_factory.mktemp("shape") / "shape.json"
    nowhere = f"sqlite:///{out.parent}/nowhere/airflow.db"
    code, said = airflow.run(
        Path(__file__).with_name("describe.py"), PROJECT / "dags", out,
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=nowhere,
    )  # fmt: skip
    assert code == 0, said
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def daily(found: dict[str, Any]) -> dict[str, Any]:
    return found["dags"]["marketplace_daily"]


def test_the_folder_parses_without_database_and_spark(found: dict[str, Any]) -> None:
    assert found["import_errors"] == {}
    assert sorted(found["dags"]) == [
        "marketplace_daily", "orders_quarter_hourly", "seller_risk_daily", "seller_risk_monthly",
        "seller_segments_monthly",
    ]  # fmt: skip
    assert not {"pyspark", "delta", "jobs", "ml"} & set(found["modules"])


def test_a_task_for_each_verb_of_a_day_with_the_tables_that_its_jobs_write(
    daily: dict[str, Any],
) -> None:
    tables: dict[str, set[str]] = {}
    for name in STEPS:
        written = {table.path for table in registry.writes_of(registry.module_of(name))}
        tables.setdefault(name.split(".")[0], set()).update(written)
    assert {verb: set(paths) for verb, paths in daily["tables"].items()} == tables


def test_what_a_verb_reads_is_written_upstream(daily: dict[str, Any]) -> None:
    writer = {path: verb for verb, paths in daily["tables"].items() for path in paths}
    for name in STEPS:
        verb = name.split(".")[0]
        read = set(registry.reads_of(registry.module_of(name))) - set(READY_MADE) - set(AWAITED)
        # A report shows what was sent as it stands: most of all when the provider is away.
        reads = {writer[table.path] for table in read if (verb, table.layer) != AS_IT_STANDS}
        assert reads - {verb} <= upstream(daily, verb), name


def upstream(daily: dict[str, Any], verb: str) -> set[str]:
    """Every verb before this one."""
    direct = set(daily["upstream"][verb])
    return direct.union(*(upstream(daily, before) for before in direct))


def test_one_run_and_one_session_at_a_time(daily: dict[str, Any]) -> None:
    assert (daily["max_active_runs"], daily["catchup"]) == (1, False)
    pools = json.loads((PROJECT / "dags" / "pools.json").read_text())
    assert daily["pools"] == list(pools) == ["spark"]
    assert pools["spark"]["slots"] == 1


@pytest.mark.parametrize(
    ("run", "ds"),
    [("asked for", "2026-05-04"), ("scheduled", "2026-06-30"), ("without a date", "2026-07-01")],
)
def test_the_business_date(daily: dict[str, Any], run: str, ds: str) -> None:
    arguments = daily["arguments"][run]
    assert arguments["refine"] == ["run.day", "--only", "refine", f"--ds={ds}", "--env", "local"]
    assert all(f"--ds={ds}" in of_task for of_task in arguments.values() if of_task)


def test_a_run_acts_only_where_it_is_told(daily: dict[str, Any]) -> None:
    acting = daily["arguments"]["acting"]["act"]
    assert acting == ["run.day", "--only", "act", "--ds=2026-06-30", "--env", "local"]
    assert daily["arguments"]["scheduled"]["act"] is None
    assert daily["upstream"]["act"] == ["decide"]


def test_a_quarter_hour_is_about_what_was_known_before_its_end(found: dict[str, Any]) -> None:
    (by_run,) = (
        {run: of_run["orders"] for run, of_run in dag["arguments"].items()}
        for name, dag in found["dags"].items() if name == "orders_quarter_hourly"
    )  # fmt: skip
    until, landing = "--until=2026-07-01T06:00:00+00:00", "--landing=landing"
    assert by_run["scheduled"] == ["run.orders", until, landing, "--env", "local"]
    assert by_run["without a date"][1] == until
    assert by_run["acting"][3:5] == ["--inbox=inbox", "--act"]


def test_only_ingest_names_the_landing(daily: dict[str, Any]) -> None:
    arguments = daily["arguments"]["scheduled"]
    named = [task for task in arguments if "--landing=landing" in (arguments[task] or ())]
    assert named == ["ingest"]


def test_a_business_date_is_a_date(daily: dict[str, Any]) -> None:
    assert daily["refused"] == ["2026-02-30", "30.6.2026", "tomorrow", ""]


def test_every_command_of_every_task_is_one_that_the_jobs_know(found: dict[str, Any]) -> None:
    commands = [
        arguments
        for dag in found["dags"].values()
        for of_run in dag["arguments"].values()
        for arguments in of_run.values()
        if arguments
    ]
    assert ["run.day", "--only", "act"] in [command[:3] for command in commands]
    for name, *rest in commands:
        parser(name, registry.module_of(name)).parse_args(rest)
