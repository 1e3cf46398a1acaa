"""Orders, every quarter-hour of the open day: take in, decide, pay, follow up.

A run is about what was known before its interval's end. It closes nothing: `marketplace_daily`
decides the day as a whole when it has ended. Exit codes mean the same as there; a run that misses
its turn is made up for by the next one.

The parameter `act` (default: `MARKETPLACE_ACT=1` in the scheduler's environment) says whether
payments and notices go out. `inbox` is the folder of the webhook receiver
(`python -m jobs.gateway.receiver`).
"""

import os
import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where `conf` and `dags` are found

from dags.spark import ACTS, spark_orders

with DAG(
    "orders_quarter_hourly",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "until": Param(None, type=["null", "string"], format="date-time"),
        "landing": Param(os.environ.get("MARKETPLACE_LANDING", "landing"), type="string"),
        "inbox": Param(os.environ.get("MARKETPLACE_INBOX", ""), type="string"),
        "act": Param(ACTS, type="boolean"),
    },
    tags=["orders"],
):
    spark_orders()
