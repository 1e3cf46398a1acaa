"""Run by Airflow's Python: writes what the DAG folder comes to as JSON, without a database."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

DUE, LOGICAL = datetime(2026, 7, 1, 6, 0, tzinfo=UTC), datetime(2026, 6, 30, 6, 0, tzinfo=UTC)
RUNS = {
    "asked for": ({"business_date": "2026-05-04"}, LOGICAL),
    "scheduled": ({"business_date": None}, LOGICAL),
    "without a date": ({"business_date": None}, None),
    "acting": ({"act": True, "inbox": "inbox"}, LOGICAL),
}
DATES = [None, "2026-06-30", "2026-02-30", "30.6.2026", "tomorrow", ""]


def shape(dag):
    return {
        "upstream": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "tables": {
            task.task_id: sorted(asset.name for asset in task.outlets) for task in dag.tasks
        },
        "pools": sorted({task.pool for task in dag.tasks}),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "refused": [
            date
            for date in DATES
            if "business_date" in dag.params
            and not accepts(dag.params.get_param("business_date"), date)
        ],
        "arguments": {
            name: {task.task_id: rendered(dag, task, *run) for task in dag.tasks}
            for name, run in RUNS.items()
        },
    }


def accepts(param, value):
    try:
        param.resolve(value)
    except ParamValidationError:
        return False
    return True


def rendered(dag, task, params, logical_date):
    context = {
        "params": ParamsDict(dag.params.dump() | params),
        "dag_run": SimpleNamespace(
            logical_date=logical_date, run_after=DUE, data_interval_end=logical_date and DUE
        ),
    }
    environment = dag.get_template_env()
    if not task.render_template(task.only_if, context, environment):
        return None
    return [a for a in task.render_template(task.arguments, context, environment) if a]


bag = DagBag(sys.argv[1])
found = {
    "import_errors": bag.import_errors,
    "dags": {dag_id: shape(dag) for dag_id, dag in bag.dags.items()},
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
}
Path(sys.argv[2]).write_text(json.dumps(found))
