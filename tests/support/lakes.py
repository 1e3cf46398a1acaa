"""Putting facts into a lake's bronze as if ingest had landed them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date
from typing import Any

from conf.tables import bronze, meta
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from tests.support.histories import to_bronze_rows

Facts = dict[str, list[dict[str, Any]]]


def land(lake: Lake, facts: Facts, days: Collection[date] | None = None) -> None:
    """Appends the facts (of the given business dates only) and notes them in meta/landing_files."""
    taken = []
    for table in bronze.TABLES:
        rows = [r for r in to_bronze_rows(facts, table.name) if days is None or r["ds"] in days]
        if not rows:
            continue
        values = [tuple(row[name] for name in table.column_names) for row in rows]
        batch = hashlib.sha256(repr([row["event_id"] for row in rows]).encode()).hexdigest()
        lake.append_once(table, lake.spark.createDataFrame(values, struct_of(table)), batch)
        taken += [_file(table.name, ds) for ds in sorted({row["ds"] for row in rows})]
    lake.append(meta.LANDING_FILES, taken)


def _file(entity: str, ds: date) -> dict[str, Any]:
    return {
        "source_sha256": f"{entity}-{ds}", "entity": entity, "path": f"{entity}/ds={ds}/f.jsonl",
        "ds": ds, "outcome": "taken", "records": 1, "good": 1, "rejected": 0, "duplicate": 0,
        "bytes": 1, "run_id": "test",
    }  # fmt: skip
