"""Rows of seller features in the formats of batch transform: CSV, JSON lines, Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from conf.seller_features import SELLER_FEATURES

CSV, LINES, PARQUET = "text/csv", "application/jsonlines", "application/x-parquet"
SCHEMA = pa.schema([
    ("seller_id", pa.string()),
    *((f.name, pa.string() if f.type == "string" else pa.float64()) for f in SELLER_FEATURES),
])  # fmt: skip


class BadRows(ValueError):
    """Rows that do not keep the contract; the message names the column."""


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A file that is there whole or not at all."""
    part = target.with_suffix(f"{target.suffix}.part")
    yield part
    part.replace(target)


def parsed(body: bytes, content_type: str) -> pa.Table:
    """seller_id and the 36 columns, in this order; other columns are left out."""
    form = content_type.split(";")[0].strip().lower()
    if form not in READERS:
        raise BadRows(f"content type {form!r} is not known; known: {', '.join(READERS)}")
    try:
        found = READERS[form](body)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise BadRows(f"the body is no {form}: {error}") from None
    return conformed(found)


def conformed(found: pa.Table) -> pa.Table:
    if missing := [name for name in SCHEMA.names if name not in found.column_names]:
        raise BadRows(f"the column {', '.join(missing)} is missing")
    columns = []
    for field in SCHEMA:
        try:
            columns.append(found.column(field.name).cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadRows(f"the column {field.name} is no {field.type}: {error}") from None
    if columns[0].null_count:
        raise BadRows("the column seller_id has no value in some row")
    return pa.table(columns, schema=SCHEMA)


def written(scores: pa.Table, accept: str) -> tuple[bytes, str]:
    """The scores as (body, content type); JSON lines where nothing else is asked for."""
    form = accept.split(";")[0].strip().lower()
    form = form if form in WRITERS else LINES
    return WRITERS[form](scores), form


def _read_csv(body: bytes) -> pa.Table:
    types = pyarrow.csv.ConvertOptions(
        column_types={field.name: field.type for field in SCHEMA}, strings_can_be_null=True,
        null_values=[""], quoted_strings_can_be_null=False,
    )  # fmt: skip
    return pyarrow.csv.read_csv(io.BytesIO(body), convert_options=types)


def _read_lines(body: bytes) -> pa.Table:
    parsing = pyarrow.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
    return pyarrow.json.read_json(io.BytesIO(body), parse_options=parsing)


def _write_csv(scores: pa.Table) -> bytes:
    """Reasons as JSON; a text that a spreadsheet would run is quoted as text."""
    plain = scores.set_column(
        scores.schema.get_field_index("reasons"), "reasons",
        pa.array([json.dumps(row, ensure_ascii=False) for row in scores["reasons"].to_pylist()]),
    )  # fmt: skip
    ids = pc.replace_substring_regex(plain["seller_id"], r"^([=+\-@\t\r])", r"'\1")
    target = io.BytesIO()
    pyarrow.csv.write_csv(plain.set_column(0, "seller_id", ids), target)
    return target.getvalue()


def _write_lines(scores: pa.Table) -> bytes:
    lines = (json.dumps(row, ensure_ascii=False) for row in scores.to_pylist())
    return "".join(f"{line}\n" for line in lines).encode()


def _write_parquet(scores: pa.Table) -> bytes:
    target = io.BytesIO()
    pyarrow.parquet.write_table(scores, target)
    return target.getvalue()


READERS: Mapping[str, Callable[[bytes], pa.Table]] = {
    CSV: _read_csv, LINES: _read_lines,
    PARQUET: lambda body: pyarrow.parquet.read_table(io.BytesIO(body)),
}  # fmt: skip
WRITERS: Mapping[str, Callable[[pa.Table], bytes]] = {
    CSV: _write_csv, LINES: _write_lines, PARQUET: _write_parquet,
}  # fmt: skip
