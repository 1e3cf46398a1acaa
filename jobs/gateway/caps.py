"""The daily cap on amounts: for each job, operation and currency, over a UTC date."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time, timedelta

from conf.settings import GatewayPolicy
from jobs.clock import Clock
from jobs.gateway.journal import Journal
from jobs.gateway.request import Request


class DailyCap:
    """Counts from the journal: what was accepted today, or may have been executed."""

    def __init__(self, policy: GatewayPolicy, journal: Journal, clock: Clock, job: str) -> None:
        self._caps = dict(policy.daily_cap_minor.get(job) or {})
        self._journal, self._clock, self._job = journal, clock, job
        self._turn = threading.Lock()
        self._days: dict[str, dict[tuple[str, str], int]] = {}
        self.withheld: dict[str, int] = {}

    def take(self, request: Request) -> str | None:
        """The UTC date on which the amount counts now; None when it would go over the cap."""
        currency = request.currency.upper()
        with self._turn:
            day = self._clock.now().date().isoformat()
            counted = self._of(day)
            place = (request.operation, request.currency)
            amount, cap = counted.get(place, 0) + request.amount_minor, self._caps.get(currency)
            if cap is None or amount > cap:
                said = f"{request.operation} in {currency}: " + (
                    f"the daily cap of {cap} minor units is reached" if cap is not None
                    else f"conf/policy/gateway.yaml has no cap for {self._job}"
                )  # fmt: skip
                self.withheld[said] = self.withheld.get(said, 0) + 1
                return None
            counted[place] = amount
            return day

    def give_back(self, request: Request, day: str | None) -> None:
        """It was certainly not executed, or refused."""
        if day is None:
            return
        with self._turn:
            counted = self._of(day)
            place = (request.operation, request.currency)
            counted[place] = max(counted.get(place, 0) - request.amount_minor, 0)

    def opens_at(self) -> datetime:
        """The next UTC midnight."""
        tomorrow = self._clock.now().date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(0), UTC)

    def _of(self, day: str) -> dict[tuple[str, str], int]:
        if day not in self._days:
            self._days[day] = self._journal.counted(day, self._job)
        return self._days[day]
