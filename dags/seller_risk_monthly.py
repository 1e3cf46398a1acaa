"""Seller risk, every month: labels that have become sure, then a training with its gates.

`train` ends with exit code 5 where a gate is missed: the model is registered as a candidate, with
what it missed, and the champion stays. Nothing is tried again then: a reviewer reads its card.
"""

import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, chain

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where `conf` and `dags` are found

from dags.spark import BUSINESS_DATE, spark_job

HISTORY = ["--from={{ params.first }}", f"--to={BUSINESS_DATE}", "--month-ends"]

with DAG(
    "seller_risk_monthly",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 12 2 * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "business_date": Param(None, type=["null", "string"], format="date"),
        "first": Param("2024-01-01", type="string", format="date"),
    },
    tags=["sellers"],
):
    chain(
        spark_job("featurize.seller_labels", HISTORY, task_id="labels"),
        spark_job("learn.seller_risk", task_id="train"),
    )
