"""The window of business dates that a job is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.errors import UsageError

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Business dates `first` to `last`, both included; as instants the window is half-open."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError(f"the window ends ({self.last}) before it begins ({self.first})")

    @classmethod
    def day(cls, ds: date) -> Window:
        return cls(ds, ds)

    def __iter__(self) -> Iterator[date]:
        return (self.first + DAY * n for n in range((self.last - self.first).days + 1))

    def month_ends(self) -> Iterator[date]:
        """The business dates of the window that end a month."""
        return (ds for ds in self if (ds + DAY).day == 1)

    def lately(self, days: int) -> Window:
        """Of the window the last day and so many before it, as far as it has them."""
        return Window(max(self.first, self.last - DAY * days), self.last)

    def earlier(self, days: int) -> Window:
        """The same window so many days before."""
        return Window(self.first - DAY * days, self.last - DAY * days)

    def require_newest(self, newest: date | None, what: str) -> None:
        """UsageError unless the window is one day, and none was decided after it; `what` is for the
        newest day alone ("acting is")."""
        if len(self) > 1 or (newest and self.last < newest):
            raise UsageError(f"{what} for the newest day alone, which is {newest}, not for {self}")

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, ds: date) -> bool:
        return self.first <= ds <= self.last

    def __str__(self) -> str:
        return str(self.last) if self.first == self.last else f"{self.first} to {self.last}"


def start_of(ds: date, zone: str) -> datetime:
    """The first instant of a business date, in UTC (a day may have 23 or 25 hours)."""
    return datetime.combine(ds, time(), ZoneInfo(zone)).astimezone(UTC)


def end_of(ds: date, zone: str) -> datetime:
    """The first instant that is no longer part of a business date, in UTC."""
    return start_of(ds + DAY, zone)
