"""Land the files of a day or of a range of days into bronze, strictly.

Every file counts once, by its content; every row once, by its event_id. Rows that break the
contract are kept in bronze/<entity>__rejected with their reasons, the raw text, file and line.

With --until, of a day that is still open, rows that say that they were known before that instant
land already; all others, and what is to be refused, wait for the day's own run.

examples:
  ./spark-submit.sh ingest.landing --landing landing --ds 2026-06-30
  ./spark-submit.sh ingest.landing --landing landing --ds 2026-06-30 --until 2026-06-30T14:15:00Z
"""

from __future__ import annotations

import logging
from datetime import date, datetime
from itertools import groupby
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings, load_landing_policy
from conf.tables import bronze, meta
from jobs.arguments import UNTIL, Argument
from jobs.errors import ContractBroken, UsageError
from jobs.ingest import arrow, files, parquet, publish
from jobs.ingest.files import LandedFile
from jobs.ingest.publish import Landing
from jobs.lake.io import Lake
from jobs.lake.records import newest_day
from jobs.window import Window, start_of

log = logging.getLogger(__name__)

MOST_FILES_SAID = 5
MOST_BYTES = 500_000_000
"""Of the files judged at a time: their rows are kept on disk until all entities are judged."""

READS: tuple[Table, ...] = ()
WRITES = (*bronze.TABLES, *(bronze.rejected(table) for table in bronze.TABLES))
ARGUMENTS = (
    Argument("--landing", "the landing folder: <entity>/ds=YYYY-MM-DD/*.{jsonl,csv,parquet}(.gz)",
             required=True),
    Argument("--check", "say what would land, and write nothing", action="store_true"),
    UNTIL,
)  # fmt: skip


def run(
    lake: Lake, settings: Settings, window: Window, *, landing: str, check: bool,
    until: datetime | None = None,
) -> None:  # fmt: skip
    if until and len(window) > 1:
        raise UsageError("--until is about one open day: give --ds")
    with files.one_a_batch(lake.spark):
        found = files.find(lake.spark, landing, window)
        if not until:
            _say_what_is_absent(found, window)
        new = _not_taken_yet(lake, files.distinct(found))
        for piece in in_pieces(new):
            if until:
                _land_early(lake, piece, until)
            else:
                _land(lake, piece, check)


def in_pieces(new: list[LandedFile]) -> list[list[LandedFile]]:
    """The files day by day, as many days at a time as a machine can hold: one day at least.

    A piece is complete in itself: what a crash leaves undone is the pieces that are not recorded.
    """
    pieces: list[list[LandedFile]] = []
    weight = 0
    for _, of_day in groupby(sorted(new, key=_by_day), key=lambda file: file.ds):
        day = list(of_day)
        day_bytes = sum(file.bytes for file in day)
        if not pieces or weight + day_bytes > MOST_BYTES:
            pieces.append([])
            weight = 0
        pieces[-1] += day
        weight += day_bytes
    return pieces


def _by_day(file: LandedFile) -> tuple[date, str, str]:
    return file.ds, file.entity, file.name


def _land(lake: Lake, new: list[LandedFile], check: bool) -> None:
    policy, window = load_landing_policy(), Window(new[0].ds, new[-1].ds)
    log.info("%s: %d files, %.1f MB", window, len(new), sum(f.bytes for f in new) / 1e6)
    with publish.judged(lake, _parsed(lake, new), window, policy) as landings:
        _say(new, landings)
        if check:
            publish.require_good_share(landings, policy)
            return
        publish.publish_rejected(lake, landings, window)
        publish.require_good_share(landings, policy)
        publish.publish_good(lake, landings)
        lake.append(meta.LANDING_FILES, _file_rows(new, landings, lake.run_id))


def _land_early(lake: Lake, new: list[LandedFile], until: datetime) -> None:
    """The sound rows that were known before `until`. Their files count as taken only when the day
    is landed as a whole; until then a row's event_id keeps it from landing twice."""
    ds = new[0].ds
    known = F.col("known_at").between(F.lit(start_of(ds, lake.zone)), F.lit(until))
    in_time = known & (F.col("known_at") < F.lit(until))
    early = {table: rows.where(in_time) for table, rows in _parsed(lake, new).items()}
    with publish.judged(lake, early, Window.day(ds), load_landing_policy()) as landings:
        publish.publish_good(lake, landings, batch=str(until))


def _say_what_is_absent(found: list[LandedFile], window: Window) -> None:
    if not found and len(window) == 1:
        raise ContractBroken(
            f"nothing landed for {window}: no file in any <entity>/ds={window.first}/; land the "
            "day's files, or give a range to go over an empty day"
        )
    for day in sorted(set(window) - {file.ds for file in found}):
        log.warning("%s: no files", day)
    absent = sorted(set(files.ENTITIES) - {file.entity for file in found})
    if absent:
        log.info("no files of %s", ", ".join(absent))


def _not_taken_yet(lake: Lake, found: list[LandedFile]) -> list[LandedFile]:
    """The files whose content was not taken before; ContractBroken for one of a closed day."""
    asked = lake.spark.createDataFrame([(file.sha256,) for file in found], "source_sha256 string")
    known = lake.read(meta.LANDING_FILES).join(F.broadcast(asked), "source_sha256")
    outcomes = {(row.entity, row.source_sha256): row.outcome for row in known.collect()}
    new = [f for f in found if outcomes.get((f.entity, f.sha256)) != "taken"]
    closed = newest_day(lake, "closed")
    late = [
        f.name for f in new if closed and f.ds <= closed and (f.entity, f.sha256) not in outcomes
    ]
    if late:
        raise ContractBroken(
            f"{closed} and every earlier day are closed: {', '.join(late[:5])}"
            f"{' ...' if len(late) > 5 else ''} came too late. Deliver under a later ds: the rows "
            "are then known on that later day, and their known_at is kept in extra"
        )
    open_days = [file for file in new if not closed or file.ds > closed]
    if len(open_days) < len(found):
        log.info("%d of %d files were taken before", len(found) - len(open_days), len(found))
    return open_days


def _parsed(lake: Lake, new: list[LandedFile]) -> dict[Table, DataFrame]:
    by_entity: dict[str, list[LandedFile]] = {}
    for file in new:
        by_entity.setdefault(file.entity, []).append(file)
    return {
        files.ENTITIES[entity]: _parsed_entity(lake, files.ENTITIES[entity], landed)
        for entity, landed in by_entity.items()
    }


def _parsed_entity(lake: Lake, table: Table, landed: list[LandedFile]) -> DataFrame:
    text = [file for file in landed if not file.is_parquet]
    refusals = {file: parquet.refusal(file, table) for file in landed if file.is_parquet}
    readable = [file for file, refusal in refusals.items() if refusal is None]
    refused = [_refused(file, *refusal) for file, refusal in refusals.items() if refusal]
    frames = parquet.read(lake.spark, table, readable)
    if text:
        frames.append(files.read_text(lake.spark, table, text))
    if refused:
        names = list(arrow.parsed_columns(table))
        values = [tuple(row.get(name) for name in names) for row in refused]
        frames.append(lake.spark.createDataFrame(values, arrow.spark_schema(table)))
    union = frames[0]
    for frame in frames[1:]:
        union = union.unionByName(frame)
    return union


def _refused(file: LandedFile, rejection: Any, detail: str) -> dict[str, Any]:
    where = {"source_file": file.name, "source_sha256": file.sha256, "ds": file.ds}
    return arrow.refusal(rejection, detail) | where


def _say(new: list[LandedFile], landings: list[Landing]) -> None:
    names = {file.sha256: file.name for file in new}
    for landing in landings:
        log.info(
            "%-22s %d files: %d records = %d good + %d rejected + %d duplicate",
            landing.table.name, len(landing.files) + len(landing.refused), landing.records,
            landing.total("good", "replay"), landing.total("rejected"), landing.total("duplicate"),
        )  # fmt: skip
        for sha256, why in landing.refused.items():
            log.warning("%s is refused whole: %s", names[sha256], why)
        bad = {names[sha]: counts["rejected"] for sha, counts in landing.files.items()
               if counts.get("rejected")}  # fmt: skip
        for name in sorted(bad)[:MOST_FILES_SAID]:
            log.warning("%s: %d rejected", name, bad[name])
        if len(bad) > MOST_FILES_SAID:
            log.warning("... and %d more files: see meta/landing_files", len(bad) - MOST_FILES_SAID)


def _file_rows(new: list[LandedFile], landings: list[Landing], run_id: str) -> list[dict[str, Any]]:
    by_entity = {landing.table.name: landing for landing in landings}
    return [_file_row(file, by_entity[file.entity], run_id) for file in new]


def _file_row(file: LandedFile, landing: Landing, run_id: str) -> dict[str, Any]:
    counts = landing.files.get(file.sha256, {})
    good = counts.get("good", 0) + counts.get("replay", 0)
    rejected, duplicate = counts.get("rejected", 0), counts.get("duplicate", 0)
    why = landing.refused.get(file.sha256)
    return {
        "source_sha256": file.sha256, "entity": file.entity, "path": file.name, "ds": file.ds,
        "outcome": "refused" if why else "taken", "why": why,
        "records": good + rejected + duplicate, "good": good, "rejected": rejected,
        "duplicate": duplicate, "bytes": file.bytes, "run_id": run_id,
    }  # fmt: skip
