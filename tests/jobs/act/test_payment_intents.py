"""Payments through the whole job and a real local Stripe: killed, run again, run by two at once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from conf import tables
from conf.settings import Settings
from conf.tables import meta
from jobs import orders, registry
from jobs.lake.io import Lake
from jobs.runner import run_job
from jobs.window import Window
from tests.support import lakes, processes
from tests.support.order_scenarios import Stage, set_the, tell
from tests.support.sandbox import Sandbox, sandbox_process

PROJECT = Path(__file__).parents[3]
DAY = date(2026, 6, 1)
PLACED_AT = datetime(2026, 6, 1, 10, tzinfo=UTC)
NOW = PLACED_AT + timedelta(minutes=30)
ORDERS = [f"order-{number}" for number in range(6)]
HANG = {"do": "timeout", "hold_seconds": 60, "method": "POST", "path": "/v1/payment_intents"}


@dataclass
class Shop:
    """A lake with orders that are decided, its provider, and how a job runs in its own process."""

    lake: Lake
    settings: Settings
    sandbox: Sandbox
    folder: Path

    def run(self, name: str, at: datetime, **options: Any) -> dict[str, dict[str, int]]:
        """Runs a job in this process, all clocks at the instant."""
        self.set_clocks(at)
        window = Window.day(DAY)
        return run_job(name, self.lake, self.settings, window, "test", options).tally.rows

    def quarter_hour(self, at: datetime) -> None:
        self.set_clocks(at)
        orders.run(self.lake, self.settings, Window.day(DAY), until=at, act=True)

    def versions(self) -> dict[str, int]:
        return {table.path: self.lake.version(table) for table in tables.ALL}

    def set_clocks(self, at: datetime) -> None:
        self.sandbox.set_clock("frozen", at.isoformat())
        os.environ["MARKETPLACE_NOW"] = at.isoformat()

    def started(self, name: str) -> subprocess.Popen[bytes]:
        """The command in a process of its own."""
        env = processes.outside() | processes.spark_conf(processes.QUICK_SPARK) | {
            "MARKETPLACE_NOW": os.environ["MARKETPLACE_NOW"],
            "STRIPE_API_BASE": self.sandbox.url,
        }  # fmt: skip
        command = [sys.executable, "-m", "jobs", name, "--ds", str(DAY), "--lake-root",
                   self.lake.root]  # fmt: skip
        with (self.folder / "job.log").open("ab") as log:
            return subprocess.Popen(command, cwd=PROJECT, env=env, stdout=log, stderr=log)

    def until(self, condition: Callable[[], bool], seconds: float = 120.0) -> None:
        """Waits until the other process has come that far."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.folder / "job.log").read_text()
            time.sleep(0.02)

    def killed(self, when: Callable[[], bool]) -> None:
        """Starts the job in a process of its own, and kill -9 when it has come that far."""
        with self.started("act.payment_intents") as job:
            self.until(when)
            job.send_signal(signal.SIGKILL)
            job.wait()

    def posts(self) -> int:
        return sum(c["calls"] for c in self.sandbox.books()["calls"] if c["method"] == "POST")

    def states(self) -> dict[str, str]:
        table = DeltaTable(f"{self.lake.root}/actions/payment_intents").to_pyarrow_table()
        return {row["order_id"]: row["state"] for row in table.to_pylist()}

    def live(self) -> dict[str, int]:
        return {order: len(ids) for order, ids in self.sandbox.books()["live_intents"].items()}


@pytest.fixture
def shop(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:  # fmt: skip
    lake = make_lake()
    stage = Stage()
    set_the(stage)
    stage.facts["buyers"][0]["stripe_customer_id"] = None  # the provider would have to know him
    for order_id in ORDERS:
        line = {"seller": "ada", "price": "1000"}
        tell(stage, order_id, {"order": {"placed_at": "2026-06-01T10:00", "lines": [line]}})
    lakes.land(lake, stage.facts)
    with sandbox_process(tmp_path, "--no-limits") as sandbox:
        monkeypatch.setenv("STRIPE_API_BASE", sandbox.url)
        monkeypatch.setenv("MARKETPLACE_NOW", NOW.isoformat())
        of_lake = replace(settings, lake_root=lake.root)
        shop = Shop(lake, of_lake, sandbox, tmp_path)
        shop.run("decide.orders", NOW, until=NOW)
        yield shop


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_a_job_killed_while_it_sends_holds_every_payment_once_when_it_is_run_again(
    shop: Shop,
) -> None:
    shop.sandbox.faults(HANG | {"when": "after", "nth": 3})
    shop.killed(lambda: len(shop.live()) >= 3)
    assert set(shop.states().values()) == {"PLANNED"}
    shop.sandbox.faults()
    shop.run("act.payment_intents", NOW)
    assert shop.live() == {f"{order}/1": 1 for order in ORDERS}
    assert shop.states() == dict.fromkeys(ORDERS, "ACCEPTED")


@pytest.mark.spark
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_job_killed_before_its_first_request_sends_it_when_it_is_run_again(shop: Shop) -> None:
    shop.sandbox.faults(HANG | {"when": "before"})
    shop.killed(lambda: _journalled(shop, "SENDING") > 0)
    assert shop.live() == {}
    shop.sandbox.faults()
    shop.run("act.payment_intents", NOW)
    assert shop.live() == {f"{order}/1": 1 for order in ORDERS}
    assert shop.states() == dict.fromkeys(ORDERS, "ACCEPTED")


@pytest.mark.spark
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_job_killed_before_it_publishes_what_came_of_requests_publishes_it_later(
    shop: Shop,
) -> None:
    shop.killed(lambda: _journalled(shop, "ACCEPTED") == len(ORDERS))
    posts = shop.posts()
    shop.run("act.payment_intents", NOW)
    assert shop.posts() == posts
    assert shop.states() == dict.fromkeys(ORDERS, "ACCEPTED")


@pytest.mark.spark
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_of_two_copies_one_sends_and_the_other_leaves(shop: Shop) -> None:
    shop.sandbox.faults({"do": "delay", "delay_ms": 2000, "method": "POST",
                         "path": "/v1/payment_intents"})  # fmt: skip
    with shop.started("act.payment_intents") as one, shop.started("act.payment_intents") as other:
        codes = [job.wait() for job in (one, other)]
    assert sorted(codes) in ([0, 0], [0, 4]), (shop.folder / "job.log").read_text()
    assert shop.live() == {f"{order}/1": 1 for order in ORDERS}
    assert shop.posts() == len(ORDERS)
    assert shop.states() == dict.fromkeys(ORDERS, "ACCEPTED")


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_what_is_done_is_never_done_again(shop: Shop) -> None:
    """A replay: no POST, no commit; and what the provider says of it changes nothing either. A
    quarter-hour with nothing new is one commit: the record of the run."""
    shop.run("act.payment_intents", NOW)
    posts = shop.posts()
    assert posts == len(ORDERS)
    table = registry.writes_of(registry.module_of("act.payment_intents"))[0]
    version = shop.lake.version(table)
    shop.run("act.payment_intents", NOW)
    later = NOW + timedelta(minutes=5)
    shop.run("ingest.stripe_events", later, list=True)
    shop.run("decide.orders", later + timedelta(minutes=5), until=later + timedelta(minutes=5))
    shop.run("act.payment_intents", later + timedelta(minutes=5))
    assert shop.posts() == posts
    assert shop.lake.version(table) == version
    with sqlite_journal(shop) as journal:
        assert journal.execute("select count(*) from requests").fetchone()[0] == len(ORDERS)
    at = later + timedelta(minutes=5)
    shop.quarter_hour(at)
    versions = shop.versions()
    shop.quarter_hour(at)
    runs = meta.JOB_RUNS.path
    assert shop.versions() == versions | {runs: versions[runs] + 1}


def _journalled(shop: Shop, state: str) -> int:
    """Requests in that state in the journal, while another process writes it."""
    file = Path(shop.lake.root) / "_gateway" / "journal.sqlite"
    if not file.exists():
        return 0
    try:
        with sqlite_journal(shop) as journal:
            found = journal.execute("select count(*) from requests where state = ?", [state])
            return int(found.fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


def sqlite_journal(shop: Shop) -> closing[sqlite3.Connection]:
    file = Path(shop.lake.root) / "_gateway" / "journal.sqlite"
    return closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
