"""The checks of a table on the rows about to be written: all of them in one pass."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.contract import Check, Table
from jobs.errors import ContractBroken
from jobs.lake.ddl import struct_of


@dataclass(frozen=True)
class Verdict:
    """How many rows there are, (if asked) at least how many keys, and how many rows break which
    check."""

    rows: int
    keys: int | None
    failed: dict[str, int]


def row_checks(table: Table) -> tuple[Check, ...]:
    """The declared checks and what the columns say: NOT NULL and allowed codes."""
    not_null = (
        Check(f"{column.name}_not_null", f"`{column.name}` is not null", f"{column.name} is given")
        for column in table.columns
        if not column.nullable
    )
    coded = (
        Check(
            f"{column.name}_code",
            f"`{column.name}` in ({', '.join(repr(code) for code in column.codes)})",
            f"{column.name} is one of {', '.join(column.codes)}",
        )
        for column in table.columns
        if column.codes
    )
    return (*table.checks, *not_null, *coded)


def reasons(checks: tuple[Check, ...]) -> Column:
    """An array of the names of the checks that a row breaks; empty for a good row."""
    failed = [F.when(~_holds(check), F.lit(check.name)) for check in checks]
    return F.array_compact(F.array(*failed)) if failed else F.array().cast("array<string>")


def conform(frame: DataFrame, table: Table) -> DataFrame:
    """The declared columns in declared order; ContractBroken when one is missing or of a type
    other than declared."""
    declared = struct_of(table)
    found = {field.name: field.dataType for field in frame.schema.fields}
    problems = [
        f"{field.name} is {found[field.name].simpleString() if field.name in found else 'missing'}"
        f", declared {field.dataType.simpleString()}"
        for field in declared.fields
        if found.get(field.name) != field.dataType
    ]
    if problems:
        raise ContractBroken(f"rows for {table.path} do not fit: {'; '.join(problems)}")
    return frame.select(*table.column_names)


def judge(
    frame: DataFrame, table: Table, counts_if: Column | None = None, *, keys: bool = True
) -> Verdict:
    """Every row check, counted in one pass; rows for which `counts_if` is false are not checked.

    `keys`: also count the keys, for which all rows must be shuffled: as hashes, which are short,
    and of which there are as many as rows only if there are as many keys.
    """
    checks = row_checks(table)
    checked = F.lit(True) if counts_if is None else counts_if
    broken = [F.count_if(checked & ~_holds(check)).alias(f"c{n}") for n, check in enumerate(checks)]
    distinct = F.count_distinct(F.xxhash64(*table.key)) if keys else F.lit(None)
    row = frame.agg(F.count(F.lit(1)).alias("rows"), distinct.alias("keys"), *broken).first()
    assert row is not None
    failed = {check.name: row[f"c{n}"] for n, check in enumerate(checks) if row[f"c{n}"]}
    return Verdict(row["rows"], row["keys"], failed)


def refuse_doubled_key(frame: DataFrame, table: Table) -> None:
    """ContractBroken naming a key that comes twice: Delta itself would not notice."""
    doubled = (
        frame.groupBy(*table.key).agg(F.count(F.lit(1)).alias("rows")).where(F.col("rows") > 1)
    ).first()
    if doubled is not None:
        key = {name: str(doubled[name]) for name in table.key}
        raise ContractBroken(f"{table.path}: key {key} comes {doubled['rows']} times in one write")


def require_groups(frame: DataFrame, table: Table) -> None:
    """ContractBroken naming the group check, its sentence and one group that breaks it."""
    for check in table.group_checks:
        broken = (
            frame.groupBy(*check.group_by)
            .agg(F.expr(check.sql).alias("holds"))
            .where(~F.coalesce("holds", F.lit(True)))
            .first()
        )
        if broken is not None:
            group = {name: str(broken[name]) for name in check.group_by}
            raise ContractBroken(f"{table.path}: {check.sentence}; it does not for {group}")


def _holds(check: Check) -> Column:
    return F.coalesce(F.expr(check.sql), F.lit(True))
