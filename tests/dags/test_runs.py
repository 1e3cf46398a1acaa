"""Real runs: a small day through `spark-submit.sh`, and every exit code of a fake one."""

from __future__ import annotations

import gzip
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
from tests.support.sandbox import sandbox_process
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
    with sandbox_process(tmp_path, "--no-limits") as sandbox:
        where = {"MARKETPLACE_LAKE_ROOT": str(lake), "STRIPE_API_BASE": sandbox.url}
        conf = {"landing": str(landing), "act": True}
        now = "2026-06-30T06:00:00+00:00"
        sandbox.set_clock("frozen", now)
        code, said = migrated.test(
            "marketplace_daily", str(DAY), "-c", json.dumps(conf), MARKETPLACE_NOW=now, **where
        )
        states = migrated.states("marketplace_daily")
        assert {state for state, _ in states.values()} == {"success"}, said
        assert code == 0
        records = migrated.xcoms("marketplace_daily")
        assert {task: (record["job"], record["ds"]) for task, record in records.items()} == {
            task: ("run.day", str(DAY)) for task in states
        }
        order_something(landing, DAY + timedelta(days=1))
        until = "2026-06-30T06:15:00+00:00"
        sandbox.set_clock("frozen", until)
        code, said = migrated.test(
            "orders_quarter_hourly", str(DAY), "-c", json.dumps(conf | {"until": until}),
            MARKETPLACE_NOW=until, **where,
        )  # fmt: skip
        assert migrated.states("orders_quarter_hourly") == {"orders": ("success", 1)}, said
        assert code == 0
        assert list(sandbox.books()["live_intents"]) == ["o-1/1"]
    (request,) = DeltaTable(lake / "actions" / "payment_intents").to_pyarrow_table().to_pylist()
    assert (request["order_id"], request["operation"], request["state"]) == (
        "o-1", "authorize", "ACCEPTED",
    )  # fmt: skip
    assert DeltaTable(lake / "silver" / "orders").to_pyarrow_table().num_rows > 0
    report = DeltaTable(lake / "reports" / "daily_marketplace").to_pyarrow_table()
    assert set(report["ds"].to_pylist()) == {DAY}


def order_something(landing: Path, ds: date) -> None:
    """Lands an order, known at five in the morning, of something that is on offer."""
    (first, *_) = sorted((landing / "listings").glob("ds=*/*.jsonl.gz"))
    with gzip.open(first, "rt") as lines:
        offers = [json.loads(line) for line in lines if '"status":"active"' in line]
    offer = min(offers, key=lambda found: found["listing_id"])
    at, price = f"{ds}T05:00:00Z", offer["price_minor"]
    stamp = {"occurred_at": at, "known_at": at, "currency": offer["currency"]}
    order = stamp | {
        "event_id": "o-1", "order_id": "o-1", "buyer_id": "b-1", "total_minor": price,
        "shipping_minor": 0, "tax_minor": 0, "discount_minor": 0, "payment_method": "card",
        "shipping_country": "DE", "payment_method_id": "pm_card_visa",
    }  # fmt: skip
    line = stamp | {
        "event_id": "o-1-1", "order_id": "o-1", "line_no": 1, "seller_id": offer["seller_id"],
        "listing_id": offer["listing_id"], "quantity": 1, "unit_price_minor": price,
        "line_total_minor": price, "shipping_minor": 0, "tax_minor": 0, "fulfillment": "merchant",
    }  # fmt: skip
    for entity, row in (("orders", order), ("order_items", line)):
        file = landing / entity / f"ds={ds}" / "open.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(row) + "\n")


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_a_day_of_sellers_without_models_fails_at_once_where_one_is_needed(
    migrated: Airflow, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    """In small, with a table of the contract that others computed: exit code 5 is not tried again,
    and scores and segments do not wait for each other."""
    last = month_ends(2)[-1]
    months = months_of_kinds(60, 2)
    lake, _ = of_a_file(spark, settings, tmp_path, months, "featurize.seller_snapshots")
    code, said = migrated.test(
        "seller_risk_daily", str(DAY), "-c", json.dumps({"business_date": str(last)}),
        MARKETPLACE_LAKE_ROOT=lake.root,
    )  # fmt: skip
    assert code == 1
    states = migrated.states("seller_risk_daily")
    assert states["snapshot"] == ("success", 1), said
    assert states["score"] == states["assign"] == ("failed", 1), said
    assert {states[task][0] for task in ("health", "page")} == {"upstream_failed"}
    assert "a gate was not passed" in said


@pytest.mark.spark
@pytest.mark.soak
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
