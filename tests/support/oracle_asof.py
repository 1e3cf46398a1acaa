"""What was known at the end of a business date: the reading rules, as plain as they are written.

No Spark and nothing of the project but its contracts: this must be able to disagree.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from conf.contract import Column
from conf.tables import bronze

Row = dict[str, Any]
Facts = Mapping[str, Sequence[Row]]
"""Entity name -> its bronze rows, in any order."""
Key = tuple[Any, ...]
Counts = dict[Key, dict[str, int]]
"""Key of a count -> every measure of the table; a key whose measures are all 0 is left out."""

NATURAL_KEY = {table.name: table.natural_key for table in bronze.TABLES}
DAY = timedelta(days=1)


def business_date(at: datetime, zone: str) -> date:
    """The date on the wall of the business when `at` happened."""
    return at.astimezone(ZoneInfo(zone)).date()


def end_of(ds: date, zone: str) -> datetime:
    """T: the first instant after `ds` in the zone (where midnight is skipped: the clock change)."""
    return datetime.combine(ds + DAY, time(), ZoneInfo(zone)).astimezone(UTC)


def elapsed_us(start: datetime, end: datetime) -> int:
    """Whole microseconds from start to end; negative times count as 0."""
    return max(0, (end - start) // timedelta(microseconds=1))


def moment(row: Row) -> tuple[datetime, datetime, str]:
    """The order of "first": what happened first, then what was known first, then the id."""
    return row["occurred_at"], row["known_at"], row["event_id"]


def version(row: Row) -> tuple[datetime, datetime, str]:
    """The order of versions: the greatest counts."""
    return row["known_at"], row["occurred_at"], row["event_id"]


def place(row: Row) -> tuple[date, str, int]:
    """Where a row stands in bronze: of rows with one event_id the first counts."""
    return row["ds"], row["source_file"], row["source_line"]


def first(rows: Iterable[Row]) -> Row | None:
    """The first of some events."""
    return min(rows, key=moment, default=None)


def natural_key(entity: str, row: Row) -> Key:
    return tuple(row[name] for name in NATURAL_KEY[entity])


def state_as_of(facts: Facts, entity: str, ds: date) -> list[Row]:
    """The version that counts of every natural key that exists at the end of `ds`."""
    originals: dict[Key, Row] = {}
    for row in sorted((row for row in facts.get(entity, ()) if row["ds"] <= ds), key=place):
        originals.setdefault((*natural_key(entity, row), row["event_id"]), row)
    latest: dict[Key, Row] = {}
    for row in sorted(originals.values(), key=version):
        latest[natural_key(entity, row)] = row
    return [row for row in latest.values() if not row["retracted"]]


class Known:
    """Everything that was known at the end of a business date."""

    def __init__(self, facts: Facts, zone: str, ds: date) -> None:
        self.zone = zone
        self.end = end_of(ds, zone)
        self._rows = {entity: state_as_of(facts, entity, ds) for entity in NATURAL_KEY}

    def rows(self, entity: str, **equal: Any) -> list[Row]:
        """The entity's rows whose columns have these values."""
        return [
            row
            for row in self._rows[entity]
            if all(row[name] == value for name, value in equal.items())
        ]

    def date_of(self, at: datetime) -> date:
        return business_date(at, self.zone)

    @cached_property
    def buyer_of(self) -> dict[str, str | None]:
        """order_id -> buyer, of the orders whose own row is known."""
        return {row["order_id"]: row["buyer_id"] for row in self.rows("orders")}


class Tally:
    """Adds contributions up. A contribution whose key has an unknown part belongs to nobody."""

    def __init__(self, measures: Sequence[Column]) -> None:
        self._names = [column.name for column in measures]
        self._counts: Counts = {}

    def add(self, *key: Any, **amounts: int) -> None:
        if None in key:
            return
        counts = self._counts.setdefault(key, dict.fromkeys(self._names, 0))
        for name, amount in amounts.items():
            counts[name] += int(amount)

    def counts(self) -> Counts:
        return {key: counts for key, counts in self._counts.items() if any(counts.values())}
