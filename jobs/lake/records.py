"""The lake's own records: what holds for it, its days, and the runs that touched it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.contract import CONTRACT_VERSION
from conf.settings import Settings
from conf.tables import meta
from jobs.errors import ContractBroken, UsageError
from jobs.lake.io import Lake
from jobs.window import Window


def open_lake(spark: SparkSession, settings: Settings, *, zone: str | None, create: bool) -> Lake:
    """The lake at the settings' root.

    `zone` is asked for by the caller: it becomes that of a new lake, and ContractBroken (exit 3)
    of an existing one in another zone. UsageError when there is no lake and none may be created.
    """
    if not settings.lake_root:
        raise UsageError("no lake root: give --lake-root or set MARKETPLACE_LAKE_ROOT")
    asked = zone or settings.time_zone
    probe = Lake(spark, settings.lake_root, asked or "UTC")
    stored = probe.read(meta.LAKE).first()
    if stored is None:
        if not create:
            raise UsageError(f"there is no lake at {settings.lake_root}: ingest something first")
        row = {"time_zone": probe.zone, "contract_version": CONTRACT_VERSION}
        probe.append(meta.LAKE, [row])
        return probe
    if asked and asked != stored["time_zone"]:
        raise ContractBroken(
            f"the lake {settings.lake_root} cuts its days in {stored['time_zone']}, not in "
            f"{asked}: meta/lake column time_zone holds for the whole lake; use another lake root"
        )
    if stored["contract_version"] != CONTRACT_VERSION:
        raise ContractBroken(
            f"the lake {settings.lake_root} was made by contract version "
            f"{stored['contract_version']} (meta/lake column contract_version), this code has "
            f"{CONTRACT_VERSION}: use the matching code, or another lake root"
        )
    return Lake(spark, settings.lake_root, stored["time_zone"])


def newest_day(lake: Lake, event: str, job: str | None = None) -> date | None:
    """The newest business date with that event (closed, refined), by that job if one is named."""
    row = _with_event(lake, event, job).agg(F.max("ds").alias("ds")).first()
    return row["ds"] if row else None


def newest_gap(lake: Lake, window: Window, job: str) -> date | None:
    """The newest closed day of the window that the job has not decided as a whole, of those on
    which there was something to decide; None where there is none."""
    closed = newest_day(lake, "closed")
    landed = lake.read(meta.LANDING_FILES).agg(F.min("ds").alias("first")).first()
    if closed is None or landed is None or landed["first"] is None:
        return None
    decided = {row["ds"] for row in _with_event(lake, "decided", job).select("ds").collect()}
    gaps = (ds for ds in window if landed["first"] <= ds <= closed and ds not in decided)
    return max(gaps, default=None)


def _with_event(lake: Lake, event: str, job: str | None) -> DataFrame:
    days = lake.read(meta.DAYS).where(F.col("event") == event)
    return days.where(F.col("job") == job) if job else days


def require_open(lake: Lake, ds: date, until: datetime | None) -> None:
    """UsageError for a part of a day that is closed: decided as a whole, it would be decided anew
    by less than is known."""
    closed = newest_day(lake, "closed")
    if until and closed and closed >= ds:
        raise UsageError(
            f"{ds} is closed: it is decided as a whole, not until {until} (run.day --ds {ds})"
        )


def record_day(lake: Lake, ds: date, event: str, job: str) -> None:
    """Notes a step in the life of a business day, and of every earlier one, once."""
    newest = newest_day(lake, event, job)
    if newest is None or newest < ds:
        _append_day(lake, ds, event, job)


def record_decided(lake: Lake, ds: date, job: str) -> None:
    """Notes that the job has decided this day as a whole, once. It says nothing of earlier ones."""
    if _with_event(lake, "decided", job).where(F.col("ds") == F.lit(ds)).isEmpty():
        _append_day(lake, ds, "decided", job)


def _append_day(lake: Lake, ds: date, event: str, job: str) -> None:
    lake.append(meta.DAYS, [{"ds": ds, "event": event, "job": job, "run_id": lake.run_id}])


def record_run(lake: Lake, row: dict[str, Any]) -> None:
    """One row in meta/job_runs."""
    lake.append(meta.JOB_RUNS, [row])


def record_quality(lake: Lake, rows: list[dict[str, Any]]) -> None:
    """Rows of meta/data_quality: table, check, ds, rows, detail."""
    lake.append(meta.DATA_QUALITY, [{**row, "run_id": lake.run_id} for row in rows])
