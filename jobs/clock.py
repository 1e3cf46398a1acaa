"""The clock of senders: it may delay or withhold a send, never choose amount, key or recipient."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from jobs.errors import UsageError

STARTS_AT = "MARKETPLACE_NOW"


class Clock(Protocol):
    """What time it is (UTC), how to wait, and a count of seconds that never goes back."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...

    def monotonic(self) -> float: ...


class RealClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))

    def monotonic(self) -> float:
        return time.monotonic()


class StartedClock(RealClock):
    """Begins at an instant and runs on from there, for a simulated business day."""

    def __init__(self, starts_at: datetime) -> None:
        self._starts_at, self._began = starts_at, time.monotonic()

    def now(self) -> datetime:
        return self._starts_at + timedelta(seconds=time.monotonic() - self._began)


def clock_for(mode: str, environ: Mapping[str, str] = os.environ) -> Clock:
    """The real clock, or in the mode `sandbox` one that starts at MARKETPLACE_NOW.

    UsageError in another mode: a wrong clock would send late, or take an old key for a young one.
    """
    given = environ.get(STARTS_AT)
    if not given:
        return RealClock()
    if mode != "sandbox":
        raise UsageError(f"{STARTS_AT} is for the sandbox alone, not for mode {mode}; unset it")
    try:
        starts_at = datetime.fromisoformat(given)
    except ValueError:
        starts_at = None
    if starts_at is None or starts_at.tzinfo is None:
        raise UsageError(f"{STARTS_AT} is no instant with a zone (2026-06-30T12:00:00Z): {given!r}")
    return StartedClock(starts_at.astimezone(UTC))
