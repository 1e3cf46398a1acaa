"""The vocabulary in which a table is declared once: columns, checks, write mode, owner.

Everything else derives from these values: creation, the comparison on open, the checks on
write, the generated documents and the lineage. No Spark here, so that an Airflow scheduler can
read the contracts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

CONTRACT_VERSION = 1
"""Raised when stored tables of an earlier version can no longer be read as they are."""


class WriteMode(Enum):
    """How rows enter a table; the value is the sentence that the documents show."""

    REPLACE_DS = "the partitions of the business dates written are replaced as a whole"
    MERGE = "rows are merged on the key"
    APPEND_ONCE = "rows are appended once; the same content again changes nothing"
    APPEND = "rows are appended freely (the lake's own records)"


@dataclass(frozen=True)
class Column:
    """One column: its Spark type, what it means, its unit and how it may be used.

    `required` binds landing rows only; `nullable` binds the stored table. `codes` are the only
    values allowed. `personal` marks personal data, `untrusted` free text written by outsiders.
    """

    name: str
    type: str
    comment: str
    unit: str = ""
    nullable: bool = True
    required: bool = False
    personal: bool = False
    untrusted: bool = False
    codes: tuple[str, ...] = ()

    def as_required(self, comment: str | None = None) -> Column:
        """The same column, required on landing rows."""
        return replace(self, required=True, comment=comment or self.comment)

    def not_null(self) -> Column:
        """The same column, never null in the stored table."""
        return replace(self, nullable=False)

    def described(self, comment: str) -> Column:
        """The same column with the comment that fits its table."""
        return replace(self, comment=comment)


@dataclass(frozen=True)
class Check:
    """A rule about one row: a SQL expression that must not be false, and a human sentence."""

    name: str
    sql: str
    sentence: str


@dataclass(frozen=True)
class GroupCheck:
    """A rule about all rows of a group: an aggregate SQL expression that must not be false."""

    name: str
    group_by: tuple[str, ...]
    sql: str
    sentence: str


@dataclass(frozen=True)
class Table:
    """A Delta table at `<lake root>/<layer>/<name>`.

    `key` is unique per row. `natural_key`, in bronze, is what the rows are versions of.
    `writer` names the one job that writes it (bronze: any ingest job, written `ingest.*`).
    """

    layer: str
    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    mode: WriteMode
    writer: str
    natural_key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    group_checks: tuple[GroupCheck, ...] = ()

    def __post_init__(self) -> None:
        names = self.column_names
        doubled = {name for name in names if names.count(name) > 1}
        unknown = {*self.key, *self.natural_key, *self.partition_by} - set(names)
        if doubled or unknown:
            raise ValueError(f"{self.path}: doubled {sorted(doubled)}, unknown {sorted(unknown)}")

    @property
    def path(self) -> str:
        """Name in messages and folder below the lake root, for example `silver/orders`."""
        return f"{self.layer}/{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.path} has no column {name}")
