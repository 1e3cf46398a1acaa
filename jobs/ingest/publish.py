"""Judged rows into the lake: the share gate, bronze, the rejected, the record of the files."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from conf.contract import Table
from conf.settings import LandingPolicy
from conf.tables import bronze
from jobs.errors import ContractBroken
from jobs.ingest import judge
from jobs.lake.io import Lake
from jobs.window import Window

log = logging.getLogger(__name__)

FEW_REPEATS = 100_000
"""Repeated ids up to which they are sent to every task, instead of all rows to them."""
AT_ONCE = 4
"""Entities worked on side by side: a small commit waits for storage more than for a core."""


@dataclass(frozen=True)
class Landing:
    """An entity's judged rows, the frame that is kept meanwhile, and, per file (sha256), how many
    rows have which fate."""

    table: Table
    rows: DataFrame
    kept: DataFrame
    files: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def total(self, *fates: str) -> int:
        return sum(counts.get(fate, 0) for counts in self.files.values() for fate in fates)

    @property
    def records(self) -> int:
        return self.total(*judge.FATES)


@contextmanager
def judged(
    lake: Lake, parsed: dict[Table, DataFrame], window: Window, policy: LandingPolicy,
    *, landed: bool = True,
) -> Iterator[list[Landing]]:  # fmt: skip
    """Every entity's rows with their fate, computed once and counted per file.

    `landed` False: a ready-made input, which need not bring what the contract requires.
    """
    landings: list[Landing] = []
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            judging = [
                pool.submit(_judge, lake, table, rows, window, policy, landed)
                for table, rows in parsed.items()
            ]
            landings = [done.result() for done in judging]
        yield landings
    finally:
        for landing in landings:
            landing.kept.unpersist()


def require_good_share(landings: Sequence[Landing], policy: LandingPolicy) -> None:
    """ContractBroken when an entity has too many rejected records to be trusted."""
    problems = []
    for landing in landings:
        name, records = landing.table.name, landing.records
        limit = policy.rejected_share_bp_by_entity.get(name, policy.rejected_share_bp)
        rejected = landing.total("rejected")
        if records >= policy.judged_from_records and rejected * 10_000 > limit * records:
            problems.append(
                f"{name}: {rejected} of {records} records rejected, more than {limit / 100:g} %"
            )
    if problems:
        raise ContractBroken(
            f"{'; '.join(problems)}. Nothing was published; the records and their reasons are in "
            "bronze/<entity>__rejected: repair them and land the files again"
        )


def publish_rejected(lake: Lake, landings: Sequence[Landing], window: Window) -> None:
    """Appends the rejected records that are not kept yet."""
    _side_by_side(lambda landing: _append_rejected(lake, landing, window), landings)


def publish_good(lake: Lake, landings: Sequence[Landing], batch: str = "") -> None:
    """Appends the good rows to bronze. `batch` tells parts of the same files apart."""
    _side_by_side(lambda landing: _append_good(lake, landing, batch), landings)


def _judge(
    lake: Lake, table: Table, parsed: DataFrame, window: Window, policy: LandingPolicy,
    landed: bool,
) -> Landing:  # fmt: skip
    content = judge.with_content(parsed, table, lake.zone)
    back = timedelta(days=policy.known_ids_days)
    known = lake.read(table).where(F.col("ds").between(window.first - back, window.last))
    # Kept: the rows are compared with each other, counted and written, and files read once.
    found = judge.with_findings(content, table, landed=landed).persist(StorageLevel.MEMORY_AND_DISK)
    repeated = lake.settle(judge.repeated_ids(found, known))
    # Few ids are repeated, which Spark cannot know: looked up without a shuffle of all rows.
    hint = "broadcast" if repeated.count() <= FEW_REPEATS else "merge"
    few = repeated.hint(hint)
    first = judge.first_of(judge.among(found, few), judge.among(known, few))
    rows = judge.with_fate(found, lake.settle(first).hint(hint))
    files: dict[str, dict[str, int]] = {}
    refused: dict[str, str] = {}
    whole = F.when(F.col("source_line") == 0, F.concat_ws(": ", F.col("_reasons")[0], "_detail"))
    counts = rows.groupBy("source_sha256", "_fate").agg(F.count(F.lit(1)), F.max(whole))
    for sha256, fate, number, why in counts.collect():
        if why is None:
            files.setdefault(sha256, {})[fate] = number
        else:
            refused[sha256] = why
    return Landing(table, rows, found, files, refused)


def _append_good(lake: Lake, landing: Landing, part: str) -> None:
    lake.tally.count(
        landing.table, **{"in": landing.records}, duplicate=landing.total("duplicate"),
        rejected=landing.total("rejected"),
    )  # fmt: skip
    if landing.total("good"):
        content = " ".join([*sorted(landing.files), *([part] if part else [])])
        batch = hashlib.sha256(content.encode()).hexdigest()
        good = landing.rows.where(F.col("_fate") == "good")
        lake.append_once(landing.table, good, batch, sound=landing.total("good"))


def _append_rejected(lake: Lake, landing: Landing, window: Window) -> None:
    if not landing.total("rejected") and not landing.refused:
        return
    table = bronze.rejected(landing.table)
    rows = landing.rows.where(F.col("_fate") == "rejected").select(
        "event_id",
        F.col("_reasons").alias("reasons"),
        F.col("_detail").alias("detail"),
        F.substring(F.coalesce("_raw", _as_parsed(landing.table)), 1, 10_000).alias("raw"),
        "source_file", "source_line", "source_sha256", "ds",
    )  # fmt: skip
    kept = lake.read(table).where(F.col("ds").between(window.first, window.last))
    new = rows.join(kept, ["source_sha256", "source_line"], "left_anti")
    shas = sorted([*landing.files, *landing.refused])
    lake.append_once(table, new, hashlib.sha256(" ".join(shas).encode()).hexdigest())


def _as_parsed(table: Table) -> Column:
    """The record as JSON, where its text was not kept; null for a file that is refused whole."""
    names = [column.name for column in (*bronze.HEAD, *bronze.payload(table), bronze.c.EXTRA)]
    return F.when(F.col("source_line") > 0, F.to_json(F.struct(*names)))


def _side_by_side(work, landings: Sequence[Landing]) -> None:  # type: ignore[no-untyped-def]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(work, landing) for landing in landings]:
            done.result()
