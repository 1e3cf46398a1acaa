"""Landed Parquet files as parsed frames: native reading, the same findings as for text."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.contract import Table
from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest import arrow
from jobs.ingest.files import LandedFile

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")

READABLE_AS = {
    "string": ("string", "large_string", "null"),
    "bigint": (*_INTEGERS, "null"),
    "int": (*_INTEGERS, "null"),
    "boolean": ("bool", "null"),
    "double": (*_INTEGERS, "float", "double", "null"),
    "date": ("date32[day]", "null"),
    "timestamp": ("timestamp[us, tz=UTC]", "timestamp[ns, tz=UTC]", "timestamp[ms, tz=UTC]"),
    "decimal(18,8)": ("decimal", *_INTEGERS),
    "array<string>": ("list<", "null"),
    "array<int>": ("list<", "null"),
}
"""Arrow types (or their beginnings) of a file's column that a declared type may be read from."""

ALWAYS_FITS = ("string", "bigint", "boolean", "double", "date")
FITS_FROM = {
    "timestamp": ("timestamp[us", "timestamp[ms"),
    "int": ("int8", "int16", "int32", "uint8", "uint16", "null"),
}
"""Types that hold every value of the types that they may be read from, or of these at least."""


def refusal(file: LandedFile, table: Table) -> tuple[Rejection, str] | None:
    """Why the file is refused whole: unreadable, a required column missing, or of another type."""
    if file.bytes == 0:
        return Rejection.ZERO_BYTES, "no bytes"
    if file.problem:
        return Rejection.UNREADABLE_FILE, file.problem
    found = dict(file.columns)
    landing = [*bronze.HEAD, *bronze.payload(table)]
    missing = [c.name for c in landing if c.required and c.name not in found]
    if missing:
        return Rejection.MISSING_COLUMN, ", ".join(missing)
    odd = [
        f"{c.name} is {found[c.name]}, the contract says {c.type}"
        for c in landing
        if c.name in found and not found[c.name].startswith(READABLE_AS[c.type])
    ]
    naive = any("timestamp" in text and "tz=" not in text for text in odd)
    if odd:
        return (Rejection.TIME_WITHOUT_OFFSET if naive else Rejection.WRONG_TYPE), "; ".join(odd)
    return None


def read(spark: SparkSession, table: Table, files: Sequence[LandedFile]) -> list[DataFrame]:
    """Parsed frames, one for each set of columns that the files have."""
    groups: dict[tuple[tuple[str, str], ...], list[LandedFile]] = {}
    for file in files:
        groups.setdefault(file.columns, []).append(file)
    return [_read_alike(spark, table, alike) for alike in groups.values()]


def _read_alike(spark: SparkSession, table: Table, files: list[LandedFile]) -> DataFrame:
    places = spark.createDataFrame(
        [(file.path, file.name, file.sha256, file.ds) for file in files],
        "path string, source_file string, source_sha256 string, ds date",
    )
    rows = spark.read.parquet(*(file.path for file in files)).select(
        "*",
        F.col("_metadata.file_path").alias("path"),
        (F.col("_metadata.row_index") + 1).alias("source_line"),
    )
    found = dict(files[0].columns)
    declared = {**arrow.parsed_columns(table)}
    landing = [c.name for c in (*bronze.HEAD, *bronze.payload(table))]
    lost = [
        F.when(F.col(name).isNotNull() & F.col(f"_{name}").isNull(), F.lit(name))
        for name in landing
        if name in found and not _fits(found[name], declared[name])
    ]
    typed = rows.select(
        "*",
        *(_read_as(name, declared[name]).alias(f"_{name}") for name in landing if name in found),
    )
    where = ("source_file", "source_line", "source_sha256", "ds")
    kept = [F.col(f"_{n}") if n in found else F.lit(None).cast(declared[n]) for n in landing]
    overflowed = F.array_compact(F.array(*lost)) if lost else F.array().cast("array<string>")
    return typed.join(F.broadcast(places), "path").select(
        *(column.alias(name) for column, name in zip(kept, landing, strict=True)),
        _extra(sorted(set(found) - set(landing))).alias("extra"),
        *where,
        F.when(F.size(overflowed) > 0, F.array(F.lit(Rejection.OVERFLOW.code)))
        .otherwise(F.array().cast("array<string>"))
        .alias("_reasons"),
        F.concat_ws(", ", overflowed).alias("_detail"),
        # Of the others the parsed row says as much; text is dear where rows are many.
        F.when(
            F.size(overflowed) > 0,
            F.to_json(F.struct(*(F.col(f"`{name}`") for name in sorted(found)))),
        ).alias("_raw"),
    )


def _fits(found: str, declared: str) -> bool:
    return declared in ALWAYS_FITS or found.startswith(FITS_FROM.get(declared, ()))


def _read_as(name: str, kind: str) -> Column:
    return F.expr(f"try_cast(`{name}` as {kind})")


def _extra(names: list[str]) -> Column:
    if not names:
        return F.create_map().cast("map<string,string>")
    pairs = [part for n in names for part in (F.lit(n), F.col(f"`{n}`").cast("string"))]
    return F.map_filter(F.create_map(*pairs), lambda _, value: value.isNotNull())
