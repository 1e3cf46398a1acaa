"""A verb of the business day as an Airflow task: `spark-submit.sh run.day --only VERB`.

Airflow lives in an environment without Spark: what it knows of the jobs are the contracts in
`conf.tables`, where every table names its writer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

from conf.contract import Table
from conf.tables import ALL, LAYERS, MONTHLY, READY_MADE

PROJECT = Path(__file__).resolve().parents[1]
ENV = os.environ.get("MARKETPLACE_ENV", "local")
LAYERS_OF_A_DAY = [layer for layer in LAYERS if layer not in ("actions", "meta")]
"""Acting is a task of its own, and the lake keeps its own records."""

DAILY_HOUR_UTC = int(os.environ.get("MARKETPLACE_DAILY_HOUR_UTC", "6"))
"""When a business day has ended and its files have landed; at most 20. A lake whose days are cut
west of UTC-6 needs a later hour than 6."""

ACTS = os.environ.get("MARKETPLACE_ACT") == "1"
"""Do runs act on the outside, where they are not told? A new installation does not."""
IF_ACTING = "{{ 'yes' if params.act else '' }}"

BUSINESS_DATE = "{{ params.business_date or (dag_run.logical_date or dag_run.run_after) | ds }}"
"""The date asked for, else the run's own, else, in a run without a date, when it was due."""

FINAL = {2: "the command line is wrong", 3: "data broke its contract", 5: "a gate was not passed"}
"""The exit codes that the same command would only repeat."""


class SparkSubmit(BaseOperator):
    """Runs `spark-submit.sh` with the arguments; the record that ends its output is the XCom.

    No shell is in between, so that what a user enters stays one argument; an empty one is left out.
    An exit code in `FINAL` fails the task at once; after any other the task's retries apply. Where
    `only_if` renders to nothing, the task is skipped.
    """

    template_fields: Sequence[str] = ("arguments", "only_if")
    ui_color = "#f9d9b4"

    def __init__(self, *, arguments: Sequence[str], only_if: str = "yes", **task: Any) -> None:
        super().__init__(**task)
        self.arguments = arguments
        self.only_if = only_if
        self.program = str(PROJECT / "spark-submit.sh")
        self.hook = SubprocessHook()

    def execute(self, context: Any) -> dict[str, Any]:
        if not self.only_if:
            raise AirflowSkipException("this run does not act (see its parameter `act`)")
        command = [self.program, *(argument for argument in self.arguments if argument)]
        done = self.hook.run_command(command, env=dict(os.environ), cwd=str(PROJECT))
        if done.exit_code in FINAL:
            raise AirflowFailException(f"{FINAL[done.exit_code]}: {done.output}")
        if done.exit_code != 0:
            raise AirflowException(f"exit code {done.exit_code}: {done.output}")
        return json.loads(done.output)

    def on_kill(self) -> None:
        self.hook.send_sigterm()


def tables_by_verb() -> dict[str, list[Table]]:
    """The verbs of a business day in the order in which data flows, with the tables they write."""
    verbs: dict[str, list[Table]] = {}
    others = (*READY_MADE, *MONTHLY)
    for layer in LAYERS_OF_A_DAY:
        for table in (table for table in ALL if table.layer == layer and table not in others):
            verbs.setdefault(table.writer.split(".")[0], []).append(table)
    return verbs


def spark_verb(verb: str, tables: Sequence[Table]) -> SparkSubmit:
    """The task of a verb of the day, which updates an asset for each of its tables."""
    landing = ["--landing={{ params.landing }}"] if verb == "ingest" else []
    arguments = ["run.day", "--only", verb, f"--ds={BUSINESS_DATE}", *landing]
    return _task(verb, arguments, tables)


def spark_acting() -> SparkSubmit:
    """The task that pays and notifies, if the run's parameter `act` says so."""
    tables = [table for table in ALL if table.layer == "actions"]
    arguments = ["run.day", "--only", "act", f"--ds={BUSINESS_DATE}"]
    # Before what else waits for Spark: what it does is reported.
    return _task("act", arguments, tables, only_if=IF_ACTING, priority_weight=100)


def spark_orders() -> SparkSubmit:
    """The task of a quarter-hour of an open day."""
    until = "{{ params.until or (dag_run.data_interval_end or dag_run.run_after).isoformat() }}"
    arguments = [
        "run.orders", f"--until={until}",
        "{{ '--landing=' ~ params.landing if params.landing else '' }}",
        "{{ '--inbox=' ~ params.inbox if params.inbox else '' }}",
        "{{ '--act' if params.act else '' }}",
    ]  # fmt: skip
    return _task("orders", arguments, [], retries=0)  # the next run makes up for it


def spark_job(name: str, window: Sequence[str] = (), *, task_id: str) -> SparkSubmit:
    """The task of one job, for the run's date unless `window` says otherwise."""
    tables = [table for table in ALL if table.writer == name]
    return _task(task_id, [name, *(window or [f"--ds={BUSINESS_DATE}"])], tables)


def _task(
    task_id: str, arguments: Sequence[str], tables: Sequence[Table], **more: Any
) -> SparkSubmit:
    return SparkSubmit(
        task_id=task_id,
        arguments=[*arguments, "--env", ENV],
        outlets=[Asset(table.path) for table in tables],
        pool="spark",
        retry_delay=timedelta(minutes=5),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=3),
        **{"retries": 3, **more},
    )
