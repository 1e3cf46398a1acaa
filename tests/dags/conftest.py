"""Airflow in its own environment, reached only as a process: it cannot live beside Spark's."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.support import processes

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv-airflow" / "bin" / "python"


class Airflow:
    """An Airflow home of its own; the database is there once `migrate` has run."""

    def __init__(self, home: Path) -> None:
        assert PYTHON.exists(), "there is no .venv-airflow: run `make airflow`"
        self.home = home

    def run(
        self, *command: str | Path, dags: Path = PROJECT / "dags", **env: str
    ) -> tuple[int, str]:
        """`python COMMAND` as a scheduler's machine would run it; its exit code and output."""
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            **processes.spark_conf(processes.QUICK_SPARK),
        }
        env = processes.outside() | own | env
        log = self.home / "output.log"
        return processes.run([PYTHON, *command], env=env, cwd=self.home, log=log)

    def migrate(self) -> None:
        code, said = self.run("-m", "airflow", "db", "migrate")
        assert code == 0, said

    def test(self, dag: str, ds: str, *more: str, **where: Any) -> tuple[int, str]:
        """`airflow dags test`: a whole run without a scheduler."""
        return self.run("-m", "airflow", "dags", "test", dag, ds, *more, **where)

    def states(self, dag: str) -> dict[str, tuple[str, int]]:
        """The state and the number of tries of each task."""
        rows = self._query("select task_id, state, try_number from task_instance", dag)
        return {task: (state, tries) for task, state, tries in rows}

    def xcoms(self, dag: str) -> dict[str, Any]:
        rows = self._query("select task_id, value from xcom", dag)
        return {task: json.loads(value) for task, value in rows}

    def _query(self, select: str, dag: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.home / "airflow.db") as database:
            return database.execute(f"{select} where dag_id = ?", [dag]).fetchall()


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """One without a database."""
    return Airflow(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """One with a database."""
    airflow = Airflow(tmp_path_factory.mktemp("airflow_with_database"))
    airflow.migrate()
    return airflow
