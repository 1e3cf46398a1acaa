"""The days of the lake as a matrix: landed, closed, finished, late, rejected.

example:
  ./spark-submit.sh run.status --from 2026-06-01 --to 2026-06-30
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import meta
from jobs import day, registry
from jobs.lake.io import Lake
from jobs.lake.records import newest_day
from jobs.window import Window as Days

WINDOW = "optional"
LEASE = False
READS: tuple[Any, ...] = ()
WRITES: tuple[Any, ...] = ()
MOST_DAYS = 62


def run(lake: Lake, settings: Settings, window: Days | None) -> None:
    days = _days(lake, window)
    steps = [name for name in day.steps() if registry.writes_of(registry.module_of(name))]
    print(f"lake {lake.root}, days cut in {lake.zone}")
    print(f"{'ds':10} {'files':>6} {'good':>9} {'rejected':>9} {'late':>6} closed finished")
    for row in days:
        finished = sum(name in (row["jobs"] or []) for name in steps)
        closed = "yes" if row["closed"] else "-"
        print(
            f"{row['ds']} {row['files'] or 0:>6} {row['good'] or 0:>9,} {row['rejected'] or 0:>9,} "
            f"{row['late'] or 0:>6} {closed:6} {finished}/{len(steps)}"
        )


def _days(lake: Lake, window: Days | None) -> list[Any]:
    """The newest days, at most MOST_DAYS, or those of the window: few, so they are collected."""
    files = _files(lake).join(_finished(lake), "ds", "full")
    closed = newest_day(lake, "closed")
    if window:
        files = files.where(F.col("ds").between(window.first, window.last))
    is_closed = F.lit(False) if closed is None else F.col("ds") <= F.lit(closed)
    newest = files.orderBy(F.col("ds").desc()).limit(len(window) if window else MOST_DAYS)
    return newest.withColumn("closed", is_closed).orderBy("ds").collect()


def _files(lake: Lake) -> DataFrame:
    """Per day: files taken, records good and rejected, and files that came late: taken by a run
    after one that had taken files of a later day."""
    files = lake.read(meta.LANDING_FILES)
    by_time = Window.orderBy("at", "run_id").rowsBetween(Window.unboundedPreceding, -1)
    runs = files.groupBy("run_id").agg(F.min("at").alias("at"), F.max("ds").alias("newest"))
    seen = runs.select("run_id", F.max("newest").over(by_time).alias("newest_before"))
    late = (F.col("outcome") == "taken") & (F.col("ds") < F.col("newest_before"))
    return files.join(seen, "run_id").groupBy("ds").agg(
        F.count_if(F.col("outcome") == "taken").alias("files"),
        F.sum("good").alias("good"), F.sum("rejected").alias("rejected"),
        F.count_if(late).alias("late"),
    )  # fmt: skip


def _finished(lake: Lake) -> DataFrame:
    """Per day: the jobs that ended well over a window with that day in it."""
    runs = lake.read(meta.JOB_RUNS).where(
        (F.col("status") == "done") & F.col("first_ds").isNotNull()
    )
    each = F.explode(F.sequence("first_ds", "last_ds")).alias("ds")
    return runs.select("job", each).groupBy("ds").agg(F.collect_set("job").alias("jobs"))
