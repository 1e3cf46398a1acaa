"""Parsed records as Arrow batches: where the strict text reader meets Spark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa

from conf.contract import Table
from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest.text import Record, RefusedFile, read_records

BATCH_ROWS = 10_000

TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(18,8)": pa.decimal128(18, 8),
    "array<string>": pa.list_(pa.string()),
    "array<int>": pa.list_(pa.int32()),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
}

WHERE = ("source_file", "source_line", "source_sha256", "ds")
FINDINGS = {"_reasons": "array<string>", "_detail": "string", "_raw": "string"}


def parsed_columns(table: Table) -> dict[str, str]:
    """Name and Spark type of a parsed frame's columns."""
    columns = [*bronze.HEAD, *bronze.payload(table), bronze.c.EXTRA]
    return (
        {column.name: column.type for column in columns}
        | {name: table.column(name).type for name in WHERE}
        | FINDINGS
    )


def spark_schema(table: Table) -> str:
    """The parsed frame's schema as Spark DDL."""
    return ", ".join(f"`{name}` {kind}" for name, kind in parsed_columns(table).items())


def parsed_schema(table: Table) -> pa.Schema:
    """The parsed frame's schema as Arrow's."""
    return pa.schema([(name, TYPES[kind]) for name, kind in parsed_columns(table).items()])


def parse_file(
    content: bytes, place: tuple[str, str, date], table: Table, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """One file's records in batches; a file refused whole is one row with source_line 0."""
    name, sha256, ds = place
    where = {"source_file": name, "source_sha256": sha256, "ds": ds}
    records = read_records(content, name, table)
    try:
        while rows := [_row(record, where) for record in islice(records, BATCH_ROWS)]:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
    except RefusedFile as refused:
        row = refusal(refused.rejection, refused.detail) | where
        yield pa.RecordBatch.from_pylist([row], schema=schema)


def refusal(rejection: Rejection, detail: str) -> dict[str, Any]:
    """The row that stands for a file refused whole."""
    return {"source_line": 0, "_reasons": [rejection.code], "_detail": detail, "_raw": ""}


def _row(record: Record, where: dict[str, Any]) -> dict[str, Any]:
    values = record.values
    return {
        **values,
        **where,
        "extra": list(values.get("extra", {}).items()),  # type: ignore[attr-defined]
        "source_line": record.line,
        "_reasons": [reason.code for reason in record.reasons],
        "_detail": record.detail,
        "_raw": record.raw,
    }
