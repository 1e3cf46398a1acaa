"""`make demo`: from nothing to a finished business day, on a small simulated marketplace.

On the days after it a few orders show what becomes of held payments.

Everything lands in `demo/`. A second run finds what is there and changes nothing.
"""

from __future__ import annotations

import logging
import sys
import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from conf.seller_features import SELLER_FEATURES, Feature
from conf.settings import load_settings
from conf.tables import features, reports
from jobs import day, demo_orders
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
            log.info("1/4 simulate.world: %s is there", landing)
        else:
            log.info("1/4 simulate.world: %s", WORLD)
            world.run(spark, settings, WORLD, sellers=120, orders_per_day=300, seed=7, out=landing)
        lake = open_lake(spark, settings, zone=None, create=True)
        run_id = uuid.uuid4().hex[:12]
        log.info("2/4 ingest.landing: %s", WORLD)
        run_job(
            "ingest.landing", lake, settings, WORLD, run_id, {"landing": landing, "check": False}
        )
        log.info("3/4 run.day: %s", today)
        lake.run_id = run_id
        day.run(lake, settings, today, landing=None)
        log.info("4/4 run.orders: %s to %s", demo_orders.FIRST, demo_orders.LAST)
        demo_orders.play(lake, settings, DEMO, run_id)
        _summary(lake, today.last)
        demo_orders.summary(lake, DEMO)
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
    _print_seller(lake, ds)
    print(
        f"\n  page    {DEMO}/lake/pages/daily_marketplace/{ds}.html"
        f"\n  tables  {DEMO}/lake/<layer>/<name>: docs/tables.md says what is in them"
        f"\n  days    ./spark-submit.sh run.status --lake-root {DEMO}/lake"
        f"\n  query\n{QUERY.format(lake=DEMO / 'lake')}\n"
    )


def _print_seller(lake: Lake, ds: date) -> None:
    """The features of the day's busiest seller, in plain language."""
    snapshots = lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds") == F.lit(ds))
    row = snapshots.orderBy(F.col("orders_30d").desc(), "seller_id").first()
    if row is None:
        return
    seller = row["seller_id"]
    print(f"\nThe 36 features of the busiest seller, {seller}, at the end of {ds}\n")
    for feature in SELLER_FEATURES:
        value = _worded(feature, row[feature.name])
        print(f"  {feature.name:26} {value:>12}  {feature.definition}")
    print(
        f"\n  why     ./spark-submit.sh report.explain_feature --seller {seller} --ds {ds}"
        f" --name refund_rate --lake-root {DEMO}/lake"
    )


def _worded(feature: Feature, value: Any) -> str:
    if value is None:
        return f"({feature.null_when})"
    if feature.bounded and feature.unit.startswith("share"):
        return f"{value:.1%}"
    if feature.unit == "hours":
        return f"{value:.1f} h"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
