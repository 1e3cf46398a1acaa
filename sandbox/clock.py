"""The sandbox's clock: real time, time that runs on from an instant, or time that stands still."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

REAL, RUNNING, FROZEN = "real", "running", "frozen"
MODES = (REAL, RUNNING, FROZEN)


def instant(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 instant with its zone; ValueError says what is missing."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it as 2026-06-30T12:00:00Z")
    return found.timestamp()


@dataclass(frozen=True)
class Setting:
    """How the clock goes: `at` is what it showed (epoch seconds) when real time was `since`."""

    mode: str
    at: float
    since: float


class Clock:
    """Not safe for threads by itself: it is moved under the store's lock."""

    def __init__(self, setting: Setting | None = None) -> None:
        self.setting = setting or Setting(REAL, 0.0, 0.0)

    def now(self) -> float:
        """Seconds since 1970."""
        match self.setting.mode:
            case "frozen":
                return self.setting.at
            case "running":
                return self.setting.at + time.time() - self.setting.since
            case _:
                return time.time()

    def second(self) -> int:
        """What `created` says: whole seconds since 1970."""
        return int(self.now())

    def ticking(self) -> float:
        """What rate limits count by: the clock, but a frozen one never refills a bucket, so that
        its place is taken by the process's own time."""
        return time.monotonic() if self.setting.mode == FROZEN else self.now()

    def set(self, mode: str, at: float | None = None) -> None:
        """Goes on in another mode, from `at` or else from what it shows."""
        shown = self.now() if at is None else at
        self.setting = Setting(mode, shown, time.time())

    def advance(self, seconds: float) -> None:
        """Moves forward; a real clock becomes one that runs ahead of real time."""
        mode = RUNNING if self.setting.mode == REAL else self.setting.mode
        self.set(mode, self.now() + seconds)

    def shown(self) -> dict[str, Any]:
        now = self.now()
        text = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
        return {"mode": self.setting.mode, "now": text, "epoch_seconds": now}
