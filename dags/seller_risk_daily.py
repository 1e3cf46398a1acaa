"""Seller risk, every day: snapshot, score, assign segments, health, page.

The date is chosen as in `marketplace_daily`, and exit codes mean the same. A snapshot needs the
day's ledger: this DAG begins three hours after `marketplace_daily`, which has refined the day by
then. Exit code 5 of `score` or `assign` says that no model is champion yet: `seller_risk_monthly`
and `seller_segments_monthly` train them, a reviewer or the gates promote them. Segments need no
scores and scores no segments: each goes on without the other.
"""

import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, chain

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where `conf` and `dags` are found

from dags.spark import DAILY_HOUR_UTC, spark_job

with DAG(
    "seller_risk_daily",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable(f"0 {DAILY_HOUR_UTC + 3} * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={"business_date": Param(None, type=["null", "string"], format="date")},
    tags=["sellers"],
):
    snapshot = spark_job("featurize.seller_snapshots", task_id="snapshot")
    chain(
        snapshot,
        spark_job("learn.score_seller_risk", task_id="score"),
        spark_job("report.model_health", task_id="health"),
        spark_job("report.seller_risk", task_id="page"),
    )
    snapshot >> spark_job("learn.assign_segments", task_id="assign")
