"""A lake: reading tables as declared, and the ways in which rows enter one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from conf.contract import Column, Table, WriteMode
from jobs.errors import ContractBroken
from jobs.lake import ddl, quality
from jobs.window import Window

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Tables worked on side by side."""

MANY_DATES = 62
"""From here on rows are put together by date before they are written: else every task would write
a file for every date."""

GONE = "_gone"
"""A merged row with this flag deletes its key."""


@dataclass
class Tally:
    """What a job read and wrote: counts and Delta versions per table."""

    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)

    def count(self, table: Table, **counts: int) -> None:
        known = self.rows.setdefault(table.path, {})
        for name, number in counts.items():
            known[name] = known.get(name, 0) + number


class Lake:
    """The tables below one root. Business days are cut in `zone`, one for the whole lake."""

    run_id = "by-hand"
    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered by a job that works long and writes little, around what it writes; a job that holds
    the lake's lease all along need not."""

    def __init__(self, spark: SparkSession, root: str, zone: str) -> None:
        self.spark = spark
        self.root = root.rstrip("/")
        self.zone = zone
        self.tally = Tally()
        self._few: dict[Hashable, DataFrame | None] = {}
        self._opened: set[str] = set()
        self._opening = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """One turn for all that the block writes: turns within it are taken already."""
        turn = self.turn
        with turn():
            self.turn = nullcontext
            try:
                yield
            finally:
                self.turn = turn

    def path(self, table: Table) -> str:
        return f"{self.root}/{table.path}"

    def version(self, table: Table) -> int:
        """The newest Delta version; -1 where the table is not there yet."""
        return ddl.version_of(self.spark, self.path(table))

    def bytes_of(self, table: Table) -> int:
        """Size of the table's current files."""
        return ddl.bytes_of(self.spark, self.path(table))

    def is_empty(self, table: Table) -> bool:
        """Has nothing been written yet, so that there is nothing to merge with?"""
        return self.version(table) <= 0

    def read(self, table: Table) -> DataFrame:
        """The table as declared; no rows where it is not there yet."""
        version = self.version(table)
        if version < 0:
            return self.spark.createDataFrame([], ddl.struct_of(table))
        self._open(table)
        self.tally.read.setdefault(table.path, version)
        return self.spark.read.format("delta").load(self.path(table)).select(*table.column_names)

    def newest_ds(self, table: Table) -> date | None:
        """The newest business date of which the table has rows; None where it has none."""
        row = self.read(table).agg(F.max("ds").alias("ds")).first()
        return row["ds"] if row else None

    def partitions_of(self, table: Table, rows: DataFrame) -> list[date]:
        """The dates of the table's partition in which these rows stand."""
        return [row[0] for row in rows.select(*table.partition_by).distinct().collect()]

    def settle(self, frame: DataFrame) -> DataFrame:
        """The same rows, computed once and now, with their plan cut off.

        Spark plans a frame anew at every use, at a cost that grows faster than the plan; a job
        that builds on one frame many times settles it first. A lost executor fails the job, which
        is safe to run again.
        """
        return frame.localCheckpoint(eager=True)

    def settle_few(
        self, content: Hashable, make: Callable[[], DataFrame], most: int
    ) -> DataFrame | None:
        """A settled frame that several jobs of one process read, made once; None if it has more
        than `most` rows. `content` says what it holds."""
        if content not in self._few:
            settled = self.settle(make())
            self._few[content] = settled if settled.count() <= most else None
        return self._few[content]

    def settle_all(self, frames: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
        """Several frames settled side by side: small ones wait for the driver, not for a core."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            settling = {name: pool.submit(self.settle, frame) for name, frame in frames.items()}
            return {name: done.result() for name, done in settling.items()}

    def replace_ds(
        self, table: Table, frame: DataFrame, dates: Window | Sequence[date], *,
        unless_same: bool = False,
    ) -> None:  # fmt: skip
        """REPLACE_DS: the partitions of these business dates become exactly these rows.

        `unless_same`: nothing is committed where they hold these rows already.
        """
        _require_mode(table, WriteMode.REPLACE_DS)
        (ds,) = table.partition_by
        if isinstance(dates, Window):
            condition = f"{ds} >= DATE'{dates.first}' and {ds} <= DATE'{dates.last}'"
        else:
            condition = f"{ds} in ({', '.join(f'DATE{str(day)!r}' for day in sorted(dates))})"
        together = frame.repartition(ds) if len(dates) > MANY_DATES else frame
        with self._checked(table, together) as (rows, count):
            if count == 0 and not self._has_rows(table, condition):
                return
            if unless_same and _digest(rows) == _digest(self.read(table).where(condition)):
                return
            writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", condition)
            writer.save(self.path(table))
            self._wrote(table, count)

    def merge(self, table: Table, frame: DataFrame, months: Sequence[date] | None = None) -> None:
        """MERGE on the key: equal rows stay, others are updated or inserted; `_gone` deletes.

        `months` are the values of the table's month partition in which the keys may stand now, so
        that the merge does not read the rest of history.
        """
        _require_mode(table, WriteMode.MERGE)
        with self._checked(table, frame, keep=(GONE,)) as (rows, count):
            if count == 0:
                return
            if self.is_empty(table):
                living = rows.where(~F.col(GONE)).drop(GONE)
                living.write.format("delta").mode("append").save(self.path(table))
            else:
                self._merge(table, rows, months)
            self._wrote(table, count)

    def append_once(
        self, table: Table, frame: DataFrame, batch: str, *, sound: int | None = None
    ) -> None:
        """APPEND_ONCE: the rows of a batch; the same batch again is a no-op.

        `batch` names the content. Delta skips a batch that it has seen, so a crash between the
        commit and whatever the caller records next cannot append twice. `sound`: how many rows
        there are, where the caller keeps them and has checked them as landed rows are.
        """
        _require_mode(table, WriteMode.APPEND_ONCE)
        self._open(table)
        checked: AbstractContextManager[tuple[DataFrame, int]] = (
            self._checked(table, frame) if sound is None
            else nullcontext((quality.conform(frame, table), sound))
        )  # fmt: skip
        with checked as (rows, count):
            if count == 0:
                return
            writer = rows.write.format("delta").mode("append").option("txnVersion", 1)
            writer.option("txnAppId", f"{table.path}:{batch}").save(self.path(table))
            self._wrote(table, count)

    def append(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """APPEND: the lake's own records, from plain dictionaries; `at` is filled in: now."""
        _require_mode(table, WriteMode.APPEND)
        if not rows:
            return
        self._open(table)
        stamped = [{"at": datetime.now(UTC), **row} for row in rows]
        values = [tuple(row.get(name) for name in table.column_names) for row in stamped]
        frame = self.spark.createDataFrame(values, ddl.struct_of(table)).coalesce(1)
        frame.write.format("delta").mode("append").save(self.path(table))

    def _merge(self, table: Table, rows: DataFrame, months: Sequence[date] | None) -> None:
        on = [f"t.`{name}` = s.`{name}`" for name in table.key]
        if months is not None:
            (month,) = table.partition_by
            on.append(f"t.`{month}` in ({', '.join(repr(str(value)) for value in months)})")
        values: dict[str, str | SparkColumn] = {f"`{n}`": f"s.`{n}`" for n in table.column_names}
        changed = " or ".join(_differs(column) for column in table.columns)
        target = DeltaTable.forPath(self.spark, self.path(table)).alias("t")
        (
            target.merge(rows.alias("s"), " and ".join(on))
            .whenMatchedDelete(f"s.`{GONE}`")
            .whenMatchedUpdate(changed, values)
            .whenNotMatchedInsert(f"not s.`{GONE}`", values)
            .execute()
        )

    @contextmanager
    def _checked(
        self, table: Table, frame: DataFrame, keep: tuple[str, ...] = ()
    ) -> Iterator[tuple[DataFrame, int]]:
        """The rows computed once, with every check passed, and their number."""
        self._open(table)
        ordered = quality.conform(frame, table)
        if keep:
            gone = F.col(GONE) if GONE in frame.columns else F.lit(False)
            ordered = frame.select(*table.column_names, gone.alias(GONE))
        rows = ordered.persist(StorageLevel.MEMORY_AND_DISK)
        one_a_key = table.mode is not WriteMode.APPEND_ONCE
        try:
            checked = ~F.col(GONE) if keep else None
            verdict = quality.judge(rows, table, checked, keys=one_a_key)
            if verdict.failed:
                self._refuse(table, rows.where(~F.col(GONE)) if keep else rows, verdict)
            if one_a_key and verdict.keys != verdict.rows:
                quality.refuse_doubled_key(rows, table)
            quality.require_groups(rows, table)
            yield rows, verdict.rows
        finally:
            rows.unpersist()

    def _refuse(self, table: Table, rows: DataFrame, verdict: quality.Verdict) -> None:
        """Keeps the bad rows beside the table, publishes nothing and says which and why."""
        sentences = {check.name: check.sentence for check in quality.row_checks(table)}
        bad = rows.select(
            quality.reasons(quality.row_checks(table)).alias("reasons"),
            F.to_json(F.struct("*")).alias("raw"),
        ).where(F.size("reasons") > 0)
        path = f"{self.path(table)}__rejected"
        bad.write.format("delta").mode("overwrite").save(path)
        found = "; ".join(
            f"{n} rows: {sentences[name]} ({name})" for name, n in verdict.failed.items()
        )
        raise ContractBroken(
            f"{table.path}: {found}. Nothing was published; the rows are in {path}"
        )

    def _has_rows(self, table: Table, condition: str) -> bool:
        return not self.read(table).where(condition).isEmpty()

    def _wrote(self, table: Table, rows: int) -> None:
        self.tally.count(table, written=rows)
        self.tally.written[table.path] = self.version(table)
        log.debug("%s: %d rows", table.path, rows)

    def _open(self, table: Table) -> None:
        # One at a time: the first creation in a session compiles what all others use.
        with self._opening:
            if table.path not in self._opened:
                ddl.open_table(self.spark, table, self.path(table))
                self._opened.add(table.path)


def _digest(rows: DataFrame) -> tuple[Any, ...]:
    """What rows hold, in whatever order; rows with maps have none."""
    row = rows.agg(
        F.count(F.lit(1)), F.sum(F.xxhash64(F.struct("*")).cast("decimal(38,0)"))
    ).first()
    return tuple(row or ())


def _differs(column: Column) -> str:
    # A map has no equality in Spark SQL; its JSON has.
    wrap = "to_json({})" if column.type.startswith("map") else "{}"
    return f"not ({wrap.format(f't.`{column.name}`')} <=> {wrap.format(f's.`{column.name}`')})"


def _require_mode(table: Table, mode: WriteMode) -> None:
    if table.mode is not mode:
        raise ContractBroken(f"{table.path} is declared {table.mode.name}, not {mode.name}")
