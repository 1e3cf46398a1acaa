"""`python -m sandbox`: what it says to a command line that makes no sense, and to --help."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sandbox import PROJECT, Sandbox, sandbox_process


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--faults", "missing.json"], "missing.json"),
        (["--now", "2026-06-30"], "no time zone"),
        (["--db", "/nowhere/x.db"], "/nowhere/x.db"),
        (["--db", "README.md"], "README.md: file is not a database"),
        (["--port", "-1"], "'-1' is not a port"),
        (["--webhook", "localhost:1"], "is no URL"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_2(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "sandbox", *arguments]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)

    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_that_is_taken_is_named(sandbox: Sandbox) -> None:
    port = sandbox.url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)

    assert found.returncode == 2
    assert f"--port {port}: Address already in use" in found.stderr


def test_a_database_of_another_schema_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "sandbox.db") as other:
        other.execute("pragma user_version = 99")

    with (
        pytest.raises(AssertionError, match=r"another sandbox \(schema 99"),
        sandbox_process(tmp_path),
    ):
        pass


def test_help_has_examples() -> None:
    command = [sys.executable, "-m", "sandbox", "--help"]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)

    assert found.returncode == 0
    assert "python -m sandbox --port 0" in found.stdout
