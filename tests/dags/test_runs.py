"""Real runs: a small day through `spark-submit.sh`, and every exit code of a fake one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from conf.settings import Settings
from jobs.simulate import world
from jobs.window import Window
from tests.dags.conftest import PROJECT, Airflow
from tests.support.behaviours import months_of_kinds
from tests.support.seller_lakes import of_a_file
from tests.support.seller_months import month_ends

DAY = date(2026, 6, 29)
SELLERS = 3_000

EXITS = f"""
import sys
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG

sys.path.append({str(PROJECT)!r})

from dags.spark import SparkSubmit

with DAG("exits", schedule=None, start_date=datetime(2026, 1, 1), params={{"text": ""}}):
    for task_id in ("done", "code_1", "code_2", "code_3", "code_4", "code_5"):
        code = task_id.removeprefix("code_")
        arguments = [str(Path(__file__).parent), code, "{{{{ params.text }}}}"]
        task = SparkSubmit(
            task_id=task_id, arguments=arguments, retries=1, retry_delay=timedelta(0)
        )
        task.program = str(Path(__file__).with_name("submit.py"))
"""

SUBMIT = """\
#!/usr/bin/env python3
import json, pathlib, sys

here, code, text = sys.argv[1:]
tries = pathlib.Path(here, f"tries-{code}")
again = tries.exists()
tries.touch()
print("a line of the log")
ends = 0 if code == "done" or (code == "4" and again) else int(code)
print(json.dumps({"status": "failed" if ends else "done", "text": text}))
sys.exit(ends)
"""
"""Ends with the code that it is told, but 4 only the first time."""

HOSTILE = "$(touch hacked) `touch hacked`; touch hacked' \" {{ 1 }} \\"


def test_a_file_stays_on_one_worker(request: pytest.FixtureRequest) -> None:
    """xdist puts the group into the id; where it does not, every worker makes every lake."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@processes")


def test_exit_codes_and_what_a_user_enters(migrated: Airflow, tmp_path: Path) -> None:
    """2, 3 and 5 fail at once, 1 and 4 are tried again; no text becomes a command."""
    (tmp_path / "exits.py").write_text(EXITS)
    (tmp_path / "submit.py").write_text(SUBMIT)
    (tmp_path / "submit.py").chmod(0o755)
    conf = json.dumps({"text": HOSTILE})
    code, said = migrated.test("exits", "2026-06-29", "-c", conf, dags=tmp_path)
    assert migrated.states("exits") == {
        "done": ("success", 1),
        "code_1": ("failed", 2),
        "code_2": ("failed", 1),
        "code_3": ("failed", 1),
        "code_4": ("success", 2),
        "code_5": ("failed", 1),
    }, said
    assert code == 1
    assert "data broke its contract" in said
    assert migrated.xcoms("exits")["done"] == {"status": "done", "text": HOSTILE}
    assert not list(tmp_path.rglob("hacked")) + list(PROJECT.glob("hacked"))


@pytest.mark.spark
@pytest.mark.timeout(1800)
def test_a_business_day(
    migrated: Airflow, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    landing, lake = tmp_path / "a landing", tmp_path / "lake"
    world.run(
        spark, replace(settings, time_zone="UTC"), Window.day(DAY),
        sellers=8, orders_per_day=20, seed=7, out=str(landing),
    )  # fmt: skip
    code, said = migrated.test(
        "marketplace_daily", str(DAY), "-c", json.dumps({"landing": str(landing)}),
        MARKETPLACE_LAKE_ROOT=str(lake),
    )  # fmt: skip
    states = migrated.states("marketplace_daily")
    assert {state for state, _ in states.values()} == {"success"}, said
    assert code == 0
    records = migrated.xcoms("marketplace_daily")
    assert {task: (record["job"], record["ds"]) for task, record in records.items()} == {
        task: ("run.day", str(DAY)) for task in states
    }
    assert DeltaTable(lake / "silver" / "orders").to_pyarrow_table().num_rows > 0
    report = DeltaTable(lake / "reports" / "daily_marketplace").to_pyarrow_table()
    assert set(report["ds"].to_pylist()) == {DAY}


@pytest.mark.spark
@pytest.mark.timeout(1800)
def test_models_are_learnt_from_a_foreign_table_and_sellers_scored_and_assigned(
    migrated: Airflow, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    """A table of the contract that others computed, through all DAGs of sellers, with the real
    gates: labels and a risk model, segments with their reports and the comparison, and a day."""
    ends = month_ends(9)
    months = months_of_kinds(SELLERS, len(ends), telling=True)
    lake, _ = of_a_file(spark, settings, tmp_path, months, "featurize.seller_snapshots")
    root, last = Path(lake.root), str(ends[-1])
    trained_on = str(ends[-1] + timedelta(days=60))
    for dag, ds in (("seller_risk_monthly", trained_on), ("seller_segments_monthly", last),
                    ("seller_risk_daily", last)):  # fmt: skip
        code, said = migrated.test(
            dag, str(DAY), "-c", json.dumps({"business_date": ds}), MARKETPLACE_LAKE_ROOT=lake.root
        )
        assert {state for state, _ in migrated.states(dag).values()} == {"success"}, said
        assert code == 0
    for table in ("seller_risk", "seller_segments"):
        scored = DeltaTable(root / "scores" / table).to_pyarrow_table()
        assert scored.num_rows == SELLERS
        assert set(scored["model_version"].to_pylist()) == {"1"}
    segments = DeltaTable(root / "reports" / "segments").to_pyarrow_table()
    assert sum(segments["sellers"].to_pylist()) == SELLERS
    for page in (f"seller_risk/{last}.html", f"segments/{last}.html",
                 f"seller_methods/{last}.html", f"seller_methods/{last}.md"):  # fmt: skip
        assert (root / "pages" / page).exists()
