"""Every folder of tests/scenarios/bad_input through the rules that text and Parquet share."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from conf.tables import bronze
from jobs.ingest import arrow, judge

SUITE = Path(__file__).parents[2] / "scenarios" / "bad_input"
TABLES = {table.name: table for table in bronze.TABLES}
DS = date(2024, 5, 1)


def cases() -> dict[str, dict[str, Any]]:
    found = {f.parent.name: yaml.safe_load(f.read_text()) for f in SUITE.glob("*/expect.yaml")}
    return {name: expect for name, expect in found.items() if "refused" not in expect}


def parsed(spark: SparkSession, entity: str, names: list[str]) -> DataFrame:
    """The cases' records as one parsed frame; ids are kept apart by the case's name."""
    table, rows = TABLES[entity], []
    schema = arrow.parsed_schema(table)
    for name in names:
        file = cases()[name]["file"]
        content = (SUITE / name / "landing" / entity / f"ds={DS}" / file).read_bytes()
        for batch in arrow.parse_file(content, (file, name, DS), table, schema):
            for row in batch.to_pylist():
                event_id = row["event_id"]
                row["event_id"] = f"{name}/{event_id}" if (event_id or "").strip() else event_id
                row["extra"] = dict(row["extra"] or [])
                rows.append(tuple(row[column] for column in arrow.parsed_columns(table)))
    return spark.createDataFrame(rows, arrow.spark_schema(table))


def outcomes(spark: SparkSession, entity: str, names: list[str]) -> dict[str, list[Any]]:
    table = TABLES[entity]
    content = judge.with_content(parsed(spark, entity, names), table, "UTC")
    nothing = spark.createDataFrame(
        [],
        "event_id string, content_hash bigint, source_file string, source_line bigint, "
        "source_sha256 string",
    )
    rows = judge.with_findings(content, table)
    repeated = judge.repeated_ids(rows, nothing)
    judged = judge.with_fate(rows, judge.first_of(judge.among(rows, repeated), nothing))
    found: dict[str, list[Any]] = defaultdict(list)
    for row in judged.select(
        "source_sha256", "event_id", "source_line", "_fate", "_reasons"
    ).collect():
        found[row["source_sha256"]].append(row)
    return found


@pytest.mark.spark
@pytest.mark.parametrize("entity", sorted({expect["entity"] for expect in cases().values()}))
def test_every_case_ends_as_it_says(spark: SparkSession, entity: str) -> None:
    names = [name for name, expect in cases().items() if expect["entity"] == entity]
    found = outcomes(spark, entity, names)
    for name in names:
        expect, rows = cases()[name], found[name]
        by_fate: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_fate[row["_fate"]].append((row["event_id"] or "").removeprefix(f"{name}/"))
        rejected = {
            r["source_line"]: sorted(r["_reasons"]) for r in rows if r["_fate"] == "rejected"
        }
        assert sorted(by_fate["good"]) == sorted(expect.get("good", [])), name
        assert sorted(by_fate["duplicate"]) == sorted(expect.get("duplicates", [])), name
        assert rejected == {
            entry["line"]: sorted(entry["reasons"]) for entry in expect.get("rejected", [])
        }, name
        assert len(rows) == expect["records"], name
