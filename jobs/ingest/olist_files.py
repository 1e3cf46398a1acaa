"""The given Olist files: found by name, fingerprinted, and read strictly, a row a record."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import UsageError
from jobs.ingest import arrow
from jobs.ingest.olist_tables import NOT_READ, REVIEWS, SOURCE, TABLES, Published
from jobs.ingest.text import Record, RefusedFile, read_records

log = logging.getLogger(__name__)

ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class GivenFile:
    """One of the published tables as it was given."""

    table: Published
    path: str
    name: str
    bytes: int
    sha256: str


def find(spark: SparkSession, folder: str, reviews: str | None) -> list[GivenFile]:
    """The published files in a folder; `reviews` names another file for the reviews.

    UsageError when the folder, `reviews` or a required table is not there, or when one is there
    plain and packed. A missing optional table is said.
    """
    there = _listed(spark, folder)
    chosen = {table: _chosen(there, table, folder) for table in TABLES}
    if reviews:
        chosen[REVIEWS] = _named(spark, reviews)
    missing = [table.name for table, path in chosen.items() if path is None and table.required]
    if missing:
        raise UsageError(f"{folder} has no {', '.join(missing)} (.csv or .csv.gz)")
    for table, path in chosen.items():
        if path is None:
            log.warning("%s.csv is absent: what it tells stays unknown", table.name)
    _say_what_is_left_alone(there, {path for path in chosen.values() if path})
    return _fingerprinted(spark, {path: table for table, path in chosen.items() if path})


def read(spark: SparkSession, table: Published, file: GivenFile | None) -> DataFrame:
    """The records of a file, every named column as text; no rows for an absent file.

    Rows tell what the strict reader found: `_reasons`, `_detail`, `_raw`. A file that is refused
    whole is one row with `source_line` 0.
    """
    contract = table.contract
    kinds = {column.name: column.type for column in contract.columns} | arrow.FINDINGS
    ddl = ", ".join(f"`{name}` {kind}" for name, kind in kinds.items())
    if file is None:
        return spark.createDataFrame([], ddl)
    schema = pa.schema([(name, arrow.TYPES[kind]) for name, kind in kinds.items()])
    name, where = file.name, {"source_file": file.name, "source_sha256": file.sha256}

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                records = read_records(row["content"], name, contract)
                for rows in _in_batches(records):
                    yield pa.RecordBatch.from_pylist([r | where for r in rows], schema=schema)

    return spark.read.format("binaryFile").load(file.path).select("content").mapInArrow(parse, ddl)


def _listed(spark: SparkSession, folder: str) -> list[str]:
    """Paths of the files that stand in the folder itself."""
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(folder)
    files = path.getFileSystem(spark._jsc.hadoopConfiguration())
    if not files.exists(path):
        raise UsageError(f"there is no folder {folder}")
    return sorted(str(s.getPath().toString()) for s in files.listStatus(path) if s.isFile())


def _named(spark: SparkSession, path: str) -> str:
    """The path of the file that --reviews names."""
    try:
        (found,) = [file for file in _listed(spark, path) if _name(file) == _name(path)]
    except (UsageError, ValueError):
        raise UsageError(f"--reviews: there is no file {path}") from None
    if not found.endswith(ENDINGS):
        raise UsageError(f"--reviews: {path} ends neither in .csv nor in .csv.gz")
    return found


def _chosen(there: list[str], table: Published, folder: str) -> str | None:
    names = {table.name + ending for ending in ENDINGS}
    found = [path for path in there if _name(path) in names]
    if len(found) > 1:
        raise UsageError(f"{folder} has {table.name} plain and packed: leave one of them")
    return found[0] if found else None


def _say_what_is_left_alone(there: list[str], chosen: set[str]) -> None:
    for path in there:
        if path not in chosen:
            why = NOT_READ.get(_name(path).split(".")[0], "not one of the published tables")
            log.info("%s is left alone: %s", _name(path), why)


def _fingerprinted(spark: SparkSession, chosen: dict[str, Published]) -> list[GivenFile]:
    contents = spark.read.format("binaryFile").load(list(chosen))
    found = contents.select("path", "length", F.sha2("content", 256).alias("sha256")).collect()
    return [
        GivenFile(chosen[row.path], row.path, _name(row.path), row.length, row.sha256)
        for row in sorted(found)
    ]


def _in_batches(records: Iterator[Record]) -> Iterator[list[dict[str, Any]]]:
    try:
        while rows := [_row(record) for record in islice(records, arrow.BATCH_ROWS)]:
            yield rows
    except RefusedFile as refused:
        yield [arrow.refusal(refused.rejection, refused.detail)]


def _row(record: Record) -> dict[str, Any]:
    extra: Any = record.values.get("extra") or {}
    return {
        **record.values,
        "extra": [(name, value) for name, value in extra.items() if value != ""],
        SOURCE[1].name: record.line,
        "_reasons": [reason.code for reason in record.reasons],
        "_detail": record.detail,
        "_raw": record.raw,
    }


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
