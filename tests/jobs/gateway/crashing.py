"""Crashes within one process, and a clock that is not the provider's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from jobs.gateway.entry import Entry
from jobs.gateway.journal import Journal
from jobs.gateway.request import State
from tests.jobs.gateway.clocks import TestClock


class Crash(BaseException):
    """kill -9, as far as one process can play it: nothing after it runs."""


class SkewedClock:
    """The gateway's clock beside the provider's."""

    def __init__(self, true: TestClock) -> None:
        self.true, self.skew = true, timedelta()

    def now(self) -> datetime:
        return self.true.now() + self.skew

    def sleep(self, seconds: float) -> None:
        self.true.sleep(seconds)

    def monotonic(self) -> float:
        return self.true.monotonic()


class CrashingJournal(Journal):
    """Crashes before or after its n-th change."""

    crash_in = 0
    after = False

    def change(self, key: str, state: State, **values: Any) -> Entry:
        type(self).crash_in -= 1
        if type(self).crash_in == 0 and not self.after:
            raise Crash
        entry = super().change(key, state, **values)
        if type(self).crash_in == 0:
            raise Crash
        return entry
