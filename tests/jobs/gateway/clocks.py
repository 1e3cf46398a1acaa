"""A clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 6, 30, 9, 0, tzinfo=UTC)


class TestClock:
    """Stands still but for sleeping and `advance`; remembers how long was slept."""

    __test__ = False

    def __init__(self, at: datetime = START) -> None:
        self._at, self._seconds = at, 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._seconds += seconds
        self._at += timedelta(seconds=seconds)

    def advance(self, by: timedelta) -> None:
        self._at += by
        self._seconds += max(by.total_seconds(), 0.0)
