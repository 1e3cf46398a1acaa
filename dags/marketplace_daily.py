"""The business day: what `./spark-submit.sh run.day` does, a task a verb, an asset a table.

**The date** is `business_date` where a run is given one, else the run's logical date, else, in a
run without a date, the day on which it was due. The scheduled run of a day begins at 06:00 UTC on
the next one, when its files have landed (`MARKETPLACE_DAILY_HOUR_UTC` in the scheduler's
environment is another hour; a lake whose days are cut west of UTC-6 needs a later one).

**When a task fails**, its log ends with the job's record, and the exit code says what to do:

- 2, the command line makes no sense: trigger the day again with other parameters. Of `act`: the day
  is history, and is not acted upon any more.
- 3, data broke its contract and nothing was published: see `error` in the record, the `reasons`
  in `bronze/<entity>__rejected` and `meta/data_quality`. Land corrected files under the same ds,
  then clear the task.
- 4, an outside service or the lake's lease is not available: wait, for it is tried again three
  times. Then end the run that the record names as the lease's holder, and clear the task.
- 5, a gate was not passed or no model is approved: the record names it. A reviewer decides, then
  clear the task.
- 1 or another, a bug or the machine (137: out of memory): tried again three times. Then read the
  stack trace above the record.

2, 3 and 5 are not tried again: the same command would end the same way. Clearing a task is always
safe, because a job that runs again changes nothing. Repair a day before the next one's run closes
it: later its files are refused, and have to be delivered under a later ds.

**Paying and notifying** is the task `act`, skipped unless the run's parameter `act` is set
(`MARKETPLACE_ACT=1` in the scheduler's environment sets it for all runs). Exit code 4 there: the
provider or the mail server is away, or a cap or the kill switch is reached; what is not sent stays
planned, and clearing the task sends it once. A file `stop` in the gateway's folder stops sending.

**Once, on installing**: `airflow pools import dags/pools.json` (without the pool nothing starts).
The scheduler's environment gives `MARKETPLACE_LAKE_ROOT`, `MARKETPLACE_LANDING` (the folder for
which a run may name another) and, off one machine, `MARKETPLACE_ENV` and
`MARKETPLACE_SPARK_MASTER`. History: `airflow backfill create --max-active-runs 1`.
"""

import os
import sys
from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param, chain

sys.path.append(str(Path(__file__).resolve().parents[1]))  # where `conf` and `dags` are found

from dags.spark import ACTS, DAILY_HOUR_UTC, spark_acting, spark_verb, tables_by_verb

with DAG(
    "marketplace_daily",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable(f"0 {DAILY_HOUR_UTC} * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    params={
        "business_date": Param(None, type=["null", "string"], format="date"),
        "landing": Param(os.environ.get("MARKETPLACE_LANDING", "landing"), type="string"),
        "act": Param(ACTS, type="boolean"),
    },
    tags=["marketplace"],
):
    verbs = {verb: spark_verb(verb, tables) for verb, tables in tables_by_verb().items()}
    chain(*verbs.values())
    verbs["decide"] >> spark_acting()
