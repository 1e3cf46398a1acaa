"""The local Stripe as a process of its own, and what a test asks it besides the API.

with sandbox_process(tmp_path, "--no-limits") as sandbox:
    client = StripeClient("sk_test_x", base_addresses={"api": sandbox.url})
    sandbox.advance(3600)
    sandbox.books()
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from tests.support.processes import outside, started

PROJECT = Path(__file__).parents[2]
STARTS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def control(self, method: str, name: str, content: Any = None) -> Any:
        """The control endpoint's answer; AssertionError with its sentence when it refuses."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/_control/{name}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def books(self) -> dict[str, Any]:
        return self.control("GET", "books")

    def clock(self) -> dict[str, Any]:
        """`mode`, `now` (ISO) and `epoch_seconds`."""
        return self.control("GET", "clock")

    def set_clock(self, mode: str, at: str | None = None) -> dict[str, Any]:
        """`mode`: real, running (from the ISO instant `at` on) or frozen (there)."""
        return self.control("POST", "clock", {"mode": mode} | ({"at": at} if at else {}))

    def advance(self, seconds: float) -> dict[str, Any]:
        return self.control("POST", "advance", {"seconds": seconds})

    def faults(self, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        """Another fault plan from now on; without rules: none."""
        return self.control("POST", "faults", list(rules))

    def complete_action(self, intent: str, outcome: str = "succeed") -> dict[str, Any]:
        """What the customer does at his bank: succeed or fail."""
        return self.control(
            "POST", f"payment_intents/{intent}/complete_action", {"outcome": outcome}
        )

    def reset(self) -> None:
        self.control("POST", "reset", {})

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def sandbox_process(folder: Path, *arguments: str) -> Iterator[Sandbox]:
    """`python -m sandbox` on a free port while the block runs. Its state is `folder`/sandbox.db
    (the same folder again goes on with it), its log `folder`/sandbox-N.log."""
    log = folder / f"sandbox-{len(list(folder.glob('sandbox-*.log')))}.log"
    command: list[str | Path] = [
        sys.executable, "-m", "sandbox", "--port", "0", "--db", folder / "sandbox.db",
    ]  # fmt: skip
    env = outside() | {"PYTHONUNBUFFERED": "1", "PATH": os.environ["PATH"]}
    with started([*command, *arguments], env=env, cwd=PROJECT, log=log) as process:
        yield Sandbox(_url(process, log), process, log)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        first, end, _ = log.read_text().partition("\n")
        if end and first.startswith("{"):
            return json.loads(first)["url"]
        time.sleep(0.02)
    raise AssertionError(f"the sandbox did not start: {log.read_text()}")
