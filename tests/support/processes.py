"""Other programs as a test runs them: nothing that they started outlives them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

QUICK_SPARK = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
}
"""For commands on a few rows that live for a minute: most of their time would go into compiling."""


def spark_conf(settings: Mapping[str, str]) -> dict[str, str]:
    """The variable by which a machine sets Spark's settings over the files."""
    return {"MARKETPLACE_SPARK_CONF": ";".join(f"{n}={value}" for n, value in settings.items())}


@contextmanager
def started(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The program while the block runs, writing to `log`; killed with its offspring afterwards."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                _kill_tree(process.pid)
                process.wait()


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, log: Path
) -> tuple[int, str]:
    """Runs the program to its end; its exit code and what it said."""
    with started(command, env=env, cwd=cwd, log=log) as process:
        code = process.wait()
    return code, log.read_text()


def outside(*prefixes: str) -> dict[str, str]:
    """The environment without the variables that this test run, or its user, set for Python."""
    unwanted = ("PYTHON", "SPARK_", "MARKETPLACE_", "AIRFLOW_", "VIRTUAL_ENV", *prefixes)
    return {name: text for name, text in os.environ.items() if not name.startswith(unwanted)}


def _kill_tree(root: int) -> None:
    # Not by process group: Airflow's commands and Spark's executors may lead groups of their own.
    # In /proc/PID/stat the parent is the second field after the name, which is in brackets.
    stats = {int(path.parent.name): _text(path) for path in Path("/proc").glob("[0-9]*/stat")}
    parents = {pid: int(stat.rpartition(")")[2].split()[1]) for pid, stat in stats.items() if stat}
    found = [root]
    for parent in found:
        found += [pid for pid, its_parent in parents.items() if its_parent == parent]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""
