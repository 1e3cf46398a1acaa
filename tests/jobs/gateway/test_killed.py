"""Real processes against the real sandbox: killed before and after every side effect, and copied.

Whatever happened before, running the job again ends with one live intent for each order, every row
accepted with the intent that the provider's books have, and a further run posts nothing.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jobs.gateway.request import State
from tests.jobs.gateway.job_process import POINTS, read_table, run_job
from tests.support.processes import outside, started
from tests.support.sandbox import PROJECT, Sandbox, sandbox_process

ORDERS = 4


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), "--no-limits") as running:
        yield running


def job(folder: Path, url: str, prefix: str, *more: str | int) -> list[str]:
    arguments = [str(folder), url, prefix, str(ORDERS), *map(str, more)]
    return [sys.executable, "-m", "tests.jobs.gateway.job_process", *arguments]


def live(sandbox: Sandbox, prefix: str) -> dict[str, list[str]]:
    found = sandbox.books()["live_intents"]
    return {name: ids for name, ids in found.items() if name.startswith(f"{prefix}-")}


def judge(sandbox: Sandbox, folder: Path, prefix: str) -> None:
    """Nothing twice, nothing lost, by the provider's books; and nothing left to do."""
    intents = live(sandbox, prefix)
    assert {name: len(ids) for name, ids in intents.items()} == {
        f"{prefix}-{number}/1": 1 for number in range(ORDERS)
    }
    assert {row.state for row in read_table(folder).values()} == {State.ACCEPTED}
    before = sandbox.books()["posts_done"]
    assert run_job(folder, sandbox.url, prefix, ORDERS).counts.get("posts", 0) == 0
    assert sandbox.books()["posts_done"] == before


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_and_run_again(point: str, sandbox: Sandbox, folder: Path) -> None:
    prefix = f"point{POINTS.index(point)}"
    once = point.endswith(("plan", "merge", "report"))
    command = job(folder, sandbox.url, prefix, point, 1 if once else 2)
    with started(command, env=outside(), cwd=PROJECT, log=folder / "log") as process:
        assert process.wait() == -signal.SIGKILL, (folder / "log").read_text()
    sent = run_job(folder, sandbox.url, prefix, ORDERS)
    assert sent.unavailable is None
    judge(sandbox, folder, prefix)


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.soak)])
def test_killed_again_and_again_at_any_moment(seed: int, sandbox: Sandbox, folder: Path) -> None:
    """The provider is slow, so that most kills meet a request that is under way."""
    prefix = f"any{seed}"
    sandbox.faults({"do": "delay", "delay_ms": 150, "method": "POST"})
    try:
        for number in range(3):
            with started(
                job(folder, sandbox.url, prefix), env=outside(), cwd=PROJECT, log=folder / "log"
            ) as process:
                until = time.monotonic() + 20
                while not (folder / "table.json").exists() and time.monotonic() < until:
                    time.sleep(0.01)
                time.sleep(0.05 * seed + 0.07 * number)
                process.kill()
        run_job(folder, sandbox.url, prefix, ORDERS)
    finally:
        sandbox.faults()
    judge(sandbox, folder, prefix)


@pytest.mark.parametrize("copies", [2, 8])
def test_of_many_copies_one_sends_and_the_others_leave_cleanly(
    copies: int, sandbox: Sandbox, folder: Path
) -> None:
    prefix = f"copies{copies}"
    sandbox.faults({"do": "delay", "delay_ms": 700, "method": "POST"})
    try:
        codes = _all_at_once([folder] * copies, sandbox, prefix)
    finally:
        sandbox.faults()
    assert set(codes) == {0, 4}, "one at least found another one sending"
    judge(sandbox, folder, prefix)


@pytest.mark.parametrize("copies", [2, 8])
def test_copies_that_know_nothing_of_each_other_share_keys_and_intents(
    copies: int, sandbox: Sandbox, folder: Path
) -> None:
    """Two machines with a journal each: the keys are the same, so the provider tells them apart."""
    prefix = f"apart{copies}"
    folders = [folder / str(number) for number in range(copies)]
    for one in folders:
        one.mkdir()
    assert set(_all_at_once(folders, sandbox, prefix)) == {0}
    for one in folders:
        run_job(one, sandbox.url, prefix, ORDERS)
        judge(sandbox, one, prefix)


def _all_at_once(folders: list[Path], sandbox: Sandbox, prefix: str) -> list[int]:
    with ExitStack() as running:
        processes: list[subprocess.Popen[bytes]] = [
            running.enter_context(
                started(
                    job(folder, sandbox.url, prefix), env=outside(), cwd=PROJECT,
                    log=folder / f"log-{number}",
                )
            )
            for number, folder in enumerate(folders)
        ]  # fmt: skip
        return [process.wait() for process in processes]
