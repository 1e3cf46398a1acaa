"""Keys and secrets show up in no table, log, event log, page or file of a whole run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable

from conf.settings import Settings
from jobs.lake.io import Lake
from jobs.runner import run_job
from jobs.window import DAY, Window
from tests.support import lakes, processes
from tests.support.order_scenarios import Stage, set_the, tell
from tests.support.sandbox import sandbox_process

PROJECT = Path(__file__).parents[3]
CANARY = "canarybird"
SECRETS = {
    "STRIPE_API_KEY": f"sk_test_{CANARY}", "STRIPE_WEBHOOK_SECRET": f"whsec_{CANARY}",
    "MARKETPLACE_SMTP_PASSWORD": CANARY,
}  # fmt: skip


@pytest.mark.spark
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_run_with_a_real_key_shows_it_nowhere(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    """With a key of the provider's test mode the clock is the real one: so is the day."""
    lake, stage = make_lake(), Stage()
    yesterday = datetime.now(UTC).date() - DAY
    set_the(stage)
    stage.facts["buyers"][0]["stripe_customer_id"] = None
    line = {"seller": "ada", "price": "1000"}
    for order_id, card in (("good", "pm_card_visa"), ("bad", "pm_card_chargeDeclined")):
        order = {"placed_at": f"{yesterday}T10:00", "lines": [line], "card": card}
        tell(stage, order_id, {"order": order})
    lakes.land(lake, stage.facts)
    of_lake = replace(settings, lake_root=lake.root)
    run_job("decide.orders", lake, of_lake, Window.day(yesterday), "test", {})
    logs, spark_conf = tmp_path / "spark-events", tmp_path / "spark-conf"
    logs.mkdir()
    spark_conf.mkdir()
    (spark_conf / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir {logs.as_uri()}\n"
    )
    with sandbox_process(tmp_path, "--no-limits") as sandbox:
        env = processes.outside() | processes.spark_conf(processes.QUICK_SPARK) | SECRETS | {
            "STRIPE_API_BASE": sandbox.url, "SPARK_CONF_DIR": str(spark_conf),
        }  # fmt: skip
        command = [sys.executable, "-m", "jobs", "run.day", "--only", "act", "--ds",
                   str(yesterday), "--lake-root", lake.root]  # fmt: skip
        with (tmp_path / "job.log").open("wb") as log:
            done = subprocess.run(command, cwd=PROJECT, env=env, stdout=log, stderr=log)
        assert done.returncode == 0, (tmp_path / "job.log").read_text()
        assert [*sandbox.books()["live_intents"]] == ["good/1"]
    run_job("report.order_operations", lake, of_lake, Window.day(yesterday), "test", {})
    files = [*Path(lake.root).rglob("*"), *logs.rglob("*"), tmp_path / "job.log"]
    shown = b"".join(file.read_bytes() for file in files if file.is_file())
    assert b"SparkListenerApplicationEnd" in shown, "the event log is among them"
    assert b"<!doctype html>" in shown.lower(), "a page is among them"
    assert CANARY.encode() not in shown
    tables = {file.parents[1] for file in Path(lake.root).rglob("_delta_log/*.json")}
    assert len(tables) > 5
    for table in tables:  # their files are compressed
        assert CANARY not in str(DeltaTable(str(table)).to_pyarrow_table().to_pylist())
