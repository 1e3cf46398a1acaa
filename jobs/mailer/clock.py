"""What the mailer asks of a clock. It may delay or withhold a mail, never choose its recipient or
what it says. The gateway's clocks fit."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is (UTC), a count of seconds that never goes back, and how to wait."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...
