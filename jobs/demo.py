"""`make demo`: from nothing to a finished business day, on a small simulated marketplace.

Everything lands in `demo/`. A second run finds what is there and changes nothing.
"""

from __future__ import annotations

import logging
import sys
import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path

from pyspark.sql import functions as F

from conf.settings import load_settings
from conf.tables import reports
from jobs import day
from jobs.lake.io import Lake
from jobs.lake.lease import lease
from jobs.lake.records import open_lake
from jobs.lake.session import open_session
from jobs.runner import run_job
from jobs.simulate import world
from jobs.window import Window

log = logging.getLogger("demo")

WORLD = Window(date(2026, 4, 2), date(2026, 6, 30))
DEMO = Path("demo").resolve()

QUERY = """\
  .venv/bin/python - <<'PY'
  import duckdb
  from deltalake import DeltaTable
  orders = DeltaTable("{lake}/silver/orders").to_pyarrow_dataset()
  print(duckdb.sql("select status, count(*) as orders from orders group by status order by 2 desc"))
  PY"""


def main() -> int:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    local = load_settings("local")
    settings = replace(local, lake_root=str(DEMO / "lake"))
    landing, today = str(DEMO / "landing"), Window.day(WORLD.last)
    spark = open_session(settings, "demo")
    with lease(spark, settings.lake_root or "", "make demo"):
        if (DEMO / "landing" / "truth" / "planted.json").is_file():
            log.info("1/3 simulate.world: %s is there", landing)
        else:
            log.info("1/3 simulate.world: %s", WORLD)
            world.run(spark, settings, WORLD, sellers=120, orders_per_day=300, seed=7, out=landing)
        lake = open_lake(spark, settings, zone=None, create=True)
        run_id = uuid.uuid4().hex[:12]
        log.info("2/3 ingest.landing: %s", WORLD)
        run_job(
            "ingest.landing", lake, settings, WORLD, run_id, {"landing": landing, "check": False}
        )
        log.info("3/3 run.day: %s", today)
        lake.run_id = run_id
        day.run(lake, settings, today, landing=None)
        _summary(lake, today.last)
    return 0


def _summary(lake: Lake, ds: date) -> None:
    """The day's figures as a table, and where to look further."""
    figures = (
        lake.read(reports.DAILY_MARKETPLACE)
        .where((F.col("ds") == F.lit(ds)) & (F.col("dimension") == "all"))
        .orderBy("metric", "currency")
        .collect()
    )
    print(f"\nThe business day {ds}\n")
    for row in figures:
        if row["value"] is not None:
            unit = "" if row["currency"] == "XXX" else row["currency"]
            note = "" if row["mature"] else "  (not yet mature)"
            print(f"  {row['metric']:32} {row['value']:>16,.2f} {unit}{note}")
    print(
        f"\n  page    {DEMO}/lake/pages/daily_marketplace/{ds}.html"
        f"\n  tables  {DEMO}/lake/<layer>/<name>: docs/tables.md says what is in them"
        f"\n  days    ./spark-submit.sh run.status --lake-root {DEMO}/lake"
        f"\n  query\n{QUERY.format(lake=DEMO / 'lake')}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
