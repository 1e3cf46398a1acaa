"""Creating a table as declared, and comparing a stored one with its declaration."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    DataType,
    StructField,
    StructType,
    _parse_datatype_string,
)  # fmt: skip

from conf.contract import Check, Column, Table, WriteMode
from jobs.errors import ContractBroken

log = logging.getLogger(__name__)

CHECK_PREFIX = "delta.constraints."


def struct_of(table: Table) -> StructType:
    """The declared schema as Spark's, in declared order."""
    return StructType(
        [
            StructField(
                column.name, _type_of(column.type), column.nullable, {"comment": comment_of(column)}
            )
            for column in table.columns
        ]
    )


def comment_of(column: Column) -> str:
    """The column's sentence with its unit and its tag, as stored."""
    unit = f" [{column.unit}]" if column.unit else ""
    tag = " (personal data)" if column.personal else ""
    return f"{column.comment}{unit}{tag}"


def version_of(spark: SparkSession, path: str) -> int:
    """The newest Delta version at a path; -1 when there is no table."""
    return int(_snapshot(spark, path).version())


def bytes_of(spark: SparkSession, path: str) -> int:
    """Size of a table's current files; 0 when there is no table."""
    return int(_snapshot(spark, path).sizeInBytes())


def open_table(spark: SparkSession, table: Table, path: str) -> None:
    """Creates the table, or compares it with its declaration.

    A new nullable column is added and said; any other difference is ContractBroken (exit 3).
    """
    if version_of(spark, path) < 0:
        _create(spark, table, path)
        return
    stored = _stored_metadata(spark, path)
    fields = {field["name"]: field for field in json.loads(stored["schemaString"])["fields"]}
    added = [column for column in table.columns if column.name not in fields]
    _compare(table, stored, fields)
    if added:
        _add(spark, table, path, added)


def _create(spark: SparkSession, table: Table, path: str) -> None:
    builder = DeltaTable.createIfNotExists(spark).location(path).comment(table.grain)
    builder = builder.addColumns(struct_of(table))
    if table.partition_by:
        builder = builder.partitionedBy(*table.partition_by)
    for check in table.checks:
        builder = builder.property(CHECK_PREFIX + check.name, _stored_sql(check))
    if table.mode is WriteMode.APPEND_ONCE:
        builder = builder.property("delta.appendOnly", "true")
    builder.execute()


def _compare(table: Table, stored: dict[str, Any], fields: dict[str, dict[str, Any]]) -> None:
    problems = [
        problem
        for column in table.columns
        for problem in _column_problems(column, fields.get(column.name))
    ]
    undeclared = sorted(set(fields) - set(table.column_names))
    problems += [f"column {name} is stored but not declared" for name in undeclared]
    if tuple(stored["partitionColumns"]) != table.partition_by:
        problems.append(
            f"stored partitioned by {stored['partitionColumns']}, "
            f"declared {list(table.partition_by)}"
        )
    checks = {
        name.removeprefix(CHECK_PREFIX): sql
        for name, sql in stored["configuration"].items()
        if name.startswith(CHECK_PREFIX)
    }
    declared = {check.name: _stored_sql(check) for check in table.checks}
    problems += [
        f"check {name} is stored as {checks.get(name)}, declared {declared.get(name)}"
        for name in sorted(set(checks) | set(declared))
        if checks.get(name) != declared.get(name)
    ]
    if problems:
        raise ContractBroken(
            f"table {table.path} is not as declared: {'; '.join(problems)}. Migrate the table, or "
            "write to a new lake root"
        )


def _column_problems(column: Column, field: dict[str, Any] | None) -> list[str]:
    if field is None:
        return [] if column.nullable else [f"column {column.name} is missing and may not be null"]
    found = StructField.fromJson({**field, "metadata": {}})
    problems = []
    if found.dataType != _type_of(column.type):
        problems.append(
            f"column {column.name} is stored as {found.dataType.simpleString()}, "
            f"declared {column.type}"
        )
    if found.nullable != column.nullable:
        problems.append(
            f"column {column.name} is stored {'nullable' if found.nullable else 'not null'}, "
            f"declared {'nullable' if column.nullable else 'not null'}"
        )
    return problems


def _add(spark: SparkSession, table: Table, path: str, added: list[Column]) -> None:
    columns = ", ".join(f"`{c.name}` {c.type} COMMENT {json.dumps(comment_of(c))}" for c in added)
    spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({columns})")
    log.warning("%s: added column %s", table.path, ", ".join(column.name for column in added))


def _snapshot(spark: SparkSession, path: str) -> Any:
    # Delta's own log object: one call without a Spark job, where `detail()` takes a third of a
    # second a table.
    jvm: Any = spark._jvm
    delta_log = jvm.org.apache.spark.sql.delta.DeltaLog
    return delta_log.forTableWithSnapshot(spark._jsparkSession, path)._2()


def _stored_metadata(spark: SparkSession, path: str) -> dict[str, Any]:
    return json.loads(_snapshot(spark, path).metadata().json())["metaData"]


def _stored_sql(check: Check) -> str:
    # Delta refuses a row for which a check is null; ours must only not be false.
    return f"coalesce({check.sql}, true)"


@cache
def _type_of(ddl: str) -> DataType:
    # Parsed by the JVM, at a dozen milliseconds each: once a type, not once a column.
    return _parse_datatype_string(ddl)
