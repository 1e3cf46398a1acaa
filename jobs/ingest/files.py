"""Which files landed: found, fingerprinted, and read into frames with one row a record.

A parsed frame has the entity's payload, `event_id`, `occurred_at`, `known_at`, `retracted`,
`extra`, where the record stands (`source_file`, `source_line`, `source_sha256`, `ds`), and what is
wrong with it so far: `_reasons`, `_detail`, `_raw`. A file that is refused whole is one row with
`source_line` 0.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.contract import Table
from conf.tables import bronze
from jobs.errors import UsageError
from jobs.ingest import arrow
from jobs.window import Window

log = logging.getLogger(__name__)

TEXT_ENDINGS = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")
PARQUET_ENDINGS = (".parquet",)
ENTITIES = {table.name: table for table in bronze.TABLES}


@dataclass(frozen=True)
class LandedFile:
    """A file of an entity's landing day; `columns` are a Parquet file's (name, Arrow type)."""

    entity: str
    ds: date
    path: str
    name: str
    bytes: int
    sha256: str
    columns: tuple[tuple[str, str], ...] = ()
    problem: str | None = None

    @property
    def is_parquet(self) -> bool:
        return self.name.endswith(PARQUET_ENDINGS)


@contextmanager
def one_a_batch(spark: SparkSession) -> Iterator[None]:
    """Files reach Python one a batch: a file's content must fit in memory, a batch need not."""
    setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
    usual = spark.conf.get(setting)
    spark.conf.set(setting, "1")
    try:
        yield
    finally:
        spark.conf.set(setting, usual or "10000")


def find(spark: SparkSession, landing: str, window: Window) -> list[LandedFile]:
    """Every landing file of the window, by entity, day and name; UsageError without a folder.

    One distributed pass reads and fingerprints them. Folders and endings that the landing format
    does not know are said, and left alone.
    """
    root = landing.rstrip("/")
    entities = _entity_folders(spark, root)
    frames = [_listed(spark, root, entity, window) for entity in entities]
    listed = [frame for frame in frames if frame is not None]
    if not listed:
        return []
    found = _fingerprinted(_union(listed)).collect()
    files = [_landed(row, root) for row in found]
    odd = [file.name for file in files if not file.name.endswith((*TEXT_ENDINGS, *PARQUET_ENDINGS))]
    for name in odd:
        log.warning("%s: not a landing format (%s), left alone", name, " ".join(TEXT_ENDINGS))
    known = [file for file in files if file.name not in odd]
    return sorted(known, key=lambda file: (file.entity, file.ds, file.name))


def read_text(spark: SparkSession, table: Table, files: Sequence[LandedFile]) -> DataFrame:
    """The records of text files as a parsed frame. Strict reading is Python's, a file a call."""
    places = {file.path: (file.name, file.sha256, file.ds) for file in files}
    schema = arrow.parsed_schema(table)

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                yield from arrow.parse_file(row["content"], places[row["path"]], table, schema)

    contents = spark.read.format("binaryFile").load([file.path for file in files])
    return contents.select("path", "content").mapInArrow(parse, arrow.spark_schema(table))


def _entity_folders(spark: SparkSession, root: str) -> list[str]:
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(root)
    files = path.getFileSystem(spark._jsc.hadoopConfiguration())
    if not files.exists(path):
        raise UsageError(f"there is no landing folder {root}")
    folders = [s.getPath().getName() for s in files.listStatus(path) if s.isDirectory()]
    for name in sorted(set(folders) - set(ENTITIES) - {"truth"}):
        log.warning("%s/%s is no entity of the landing format, left alone", root, name)
    return sorted(set(folders) & set(ENTITIES))


def _listed(spark: SparkSession, root: str, entity: str, window: Window) -> DataFrame | None:
    try:
        found = spark.read.format("binaryFile").load(f"{root}/{entity}")
    except Exception as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise
    if "ds" not in found.columns:
        log.warning("%s/%s has no folder ds=YYYY-MM-DD, left alone", root, entity)
        return None
    day = F.expr("try_cast(ds as date)")
    return found.where(day.between(F.lit(window.first), F.lit(window.last))).select(
        F.lit(entity).alias("entity"), day.alias("ds"), "path", "length", "content"
    )


def _union(frames: list[DataFrame]) -> DataFrame:
    union = frames[0]
    for frame in frames[1:]:
        union = union.unionByName(frame)
    return union


def _fingerprinted(contents: DataFrame) -> DataFrame:
    def fingerprint(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = [_fingerprint(row) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=_FINGERPRINT)

    return contents.mapInArrow(
        fingerprint,
        "entity string, ds date, path string, length bigint, sha256 string, "
        "columns array<array<string>>, problem string",
    )


_FINGERPRINT = pa.schema(
    [
        ("entity", pa.string()), ("ds", pa.date32()), ("path", pa.string()),
        ("length", pa.int64()), ("sha256", pa.string()),
        ("columns", pa.list_(pa.list_(pa.string()))), ("problem", pa.string()),
    ]
)  # fmt: skip


def _fingerprint(row: dict[str, Any]) -> dict[str, Any]:
    content: bytes = row.pop("content")
    columns, problem = [], None
    if row["path"].endswith(PARQUET_ENDINGS):
        try:
            schema = pq.read_schema(BytesIO(content))
            columns = [[field.name, str(field.type)] for field in schema]
        except (pa.ArrowException, OSError) as error:
            problem = str(error)[:500] or "empty"
    sha256 = hashlib.sha256(content).hexdigest()
    return {**row, "sha256": sha256, "columns": columns, "problem": problem}


def _landed(row: Any, root: str) -> LandedFile:
    # The name counts from the landing folder, whatever scheme or parents the path has.
    name = f"{row.entity}/" + row.path.rsplit(f"/{row.entity}/", 1)[1]
    columns = tuple((column, kind) for column, kind in row.columns)
    return LandedFile(
        row.entity, row.ds, row.path, name, row.length, row.sha256, columns, row.problem
    )


def distinct(files: Sequence[LandedFile]) -> list[LandedFile]:
    """The files without those whose content another file of the run has; these are said."""
    first: dict[tuple[str, str], LandedFile] = {}
    for file in files:
        known = first.setdefault((file.entity, file.sha256), file)
        if known is not file:
            log.warning("%s has the content of %s and counts once", file.name, known.name)
    return list(first.values())
