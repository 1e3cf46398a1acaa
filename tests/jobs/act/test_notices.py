"""Notices through the whole job: each once, none for what does not hold, none for the past."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

import pytest

from conf.settings import Settings
from conf.tables import actions
from jobs.errors import UsageError
from jobs.lake.io import Lake
from jobs.runner import run_job
from jobs.window import Window
from tests.jobs.mailer.smtp_box import running
from tests.support import lakes, processes
from tests.support.order_scenarios import Stage, set_the, tell

PROJECT = Path(__file__).parents[3]
DAY, NEXT = date(2026, 6, 1), date(2026, 6, 2)
HELD = {"at": "2026-06-01T05:01", "status": "requires_capture"}
pytestmark = pytest.mark.spark


@dataclass
class Desk:
    """A lake whose orders are followed up; mails are files."""

    lake: Lake
    settings: Settings
    monkeypatch: pytest.MonkeyPatch

    def run(self, name: str, at: datetime, ds: date = DAY) -> None:
        self.monkeypatch.setenv("MARKETPLACE_NOW", at.isoformat())
        options = {"until": at} if name.startswith("decide.") else {}
        run_job(name, self.lake, self.settings, Window.day(ds), "test", options)

    def started(self, name: str, at: datetime, port: int) -> subprocess.Popen[bytes]:
        """The command in a process of its own, with the mail server at a port."""
        env = processes.outside() | processes.spark_conf(processes.QUICK_SPARK) | {
            "MARKETPLACE_NOW": at.isoformat(), "MARKETPLACE_MAIL_SENDER": "smtp",
            "MARKETPLACE_SMTP_PORT": str(port),
        }  # fmt: skip
        command = [sys.executable, "-m", "jobs", name, "--ds", str(DAY), "--lake-root",
                   self.lake.root]  # fmt: skip
        return subprocess.Popen(command, cwd=PROJECT, env=env)

    def mails(self) -> list[str]:
        """To whom each went."""
        files = (Path(self.lake.root) / "_gateway" / "mailer" / "mails").glob("*.eml")
        return sorted(parseaddr(message_from_bytes(f.read_bytes())["To"])[1] for f in files)

    def outbox(self) -> dict[tuple[str, str], str]:
        rows = self.lake.read(actions.NOTICES).collect()
        return {(row["order_id"], row["step"]): row["state"] for row in rows}


@pytest.fixture
def desk(
    make_lake: Callable[..., Lake], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """Two orders that ada does not confirm, held early in the morning."""
    lake, stage = make_lake(), Stage()
    set_the(stage)
    for name in ("first", "second"):
        line = {"seller": "ada", "price": "1000"}
        order = {"placed_at": "2026-06-01T05:00", "lines": [line]}
        tell(stage, name, {"order": order, "provider": [HELD]})
    lakes.land(lake, stage.facts)
    of_lake = replace(settings, lake_root=lake.root)
    opened = Window(date(2026, 5, 1), date(2026, 5, 20))
    run_job("refine.entities", lake, of_lake, opened, "test", {})
    return Desk(lake, of_lake, monkeypatch)


def test_a_notice_goes_once_and_only_while_it_holds(desk: Desk) -> None:
    """After 12 hours two orders go in one mail, and a second run sends nothing. What was confirmed
    before 24 hours is not escalated. A day that has passed sends nothing."""
    due = datetime(2026, 6, 1, 17, 45, tzinfo=UTC)
    for name in ("decide.orders", "decide.follow_ups", "act.notices", "act.notices"):
        desk.run(name, due)
    assert desk.mails() == ["ada@example.org"]
    assert desk.outbox() == {
        ("first", "remind_seller"): "SENT", ("second", "remind_seller"): "SENT",
    }  # fmt: skip
    stage = Stage(rows=100)
    at = datetime(2026, 6, 2, 5, 0, tzinfo=UTC)
    stage.put("order_events", at, order_event_id="c", order_id="first", event="confirmed",
              seller_id="ada", actor="seller")  # fmt: skip
    lakes.land(desk.lake, stage.facts)
    later = datetime(2026, 6, 2, 6, 0, tzinfo=UTC)
    for name in ("decide.orders", "decide.follow_ups", "act.notices"):
        desk.run(name, later, NEXT)
    outbox = desk.outbox()
    assert outbox["second", "escalate"] == outbox["second", "warn_seller"] == "SENT"
    assert len(outbox) == 4
    assert desk.mails() == [
        "ada@example.org", "ada@example.org", "operations@marketplace.example",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="newest day"):
        desk.run("act.notices", later, DAY)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_job_killed_before_it_knows_that_a_mail_went_sends_the_same_mail_again(
    desk: Desk,
) -> None:
    """Delivery is at least once; the Message-ID is the same, so that the server drops the copy."""
    due = datetime(2026, 6, 1, 17, 45, tzinfo=UTC)
    for name in ("decide.orders", "decide.follow_ups"):
        desk.run(name, due)
    with running() as box:
        box.faults.append("hang")
        with desk.started("act.notices", due, box.port) as job:
            end = time.monotonic() + 120
            while not box.arrivals:
                assert time.monotonic() < end
                time.sleep(0.02)
            job.send_signal(signal.SIGKILL)
            job.wait()
        assert set(desk.outbox().values()) == {"PLANNED"}
        with desk.started("act.notices", due, box.port) as again:
            assert again.wait() == 0
        with (
            desk.started("act.notices", due, box.port) as one,
            desk.started("act.notices", due, box.port) as other,
        ):
            assert sorted(job.wait() for job in (one, other)) in ([0, 0], [0, 4])
    assert box.arrivals == [box.arrivals[0]] * 2
    assert len(box.mails) == 1
    assert set(desk.outbox().values()) == {"SENT"}
