"""Seller segments, every month: does the frozen version fit, a refit if not, profile, comparison.

All is about the newest month-end up to the date. `refit` learns only where there is no champion or
the triggers of `conf/models/seller_segments.yaml` say so; `health` says which did. Exit code 5 of
`refit` says that no number of segments passed: the candidate is registered with what it missed, and
the champion stays; a reviewer reads its card, then clears `assign`.
"""

import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, chain

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where `conf` and `dags` are found

from dags.spark import BUSINESS_DATE, spark_job

with DAG(
    "seller_segments_monthly",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 15 2 * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={"business_date": Param(None, type=["null", "string"], format="date")},
    tags=["sellers"],
):
    of_month_end = [f"--ds={BUSINESS_DATE}", "--newest-month-end"]
    chain(
        spark_job("learn.seller_segments", [f"--ds={BUSINESS_DATE}", "--when-triggered"],
                  task_id="refit"),
        spark_job("learn.assign_segments", of_month_end, task_id="assign"),
        spark_job("report.segment_health", task_id="health"),
        spark_job("report.segments", task_id="profile"),
        spark_job("report.compare_seller_methods", task_id="compare"),
    )  # fmt: skip
