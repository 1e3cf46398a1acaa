"""The provider behind pacing, the breaker and the switches that stop a run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conf.settings import GatewayPolicy
from jobs.clock import Clock
from jobs.gateway.answer import Answer
from jobs.gateway.pacing import Breaker, Pacer, endpoint_of
from jobs.gateway.provider import Provider, pages_of

STOP_FILE = "stop"
TOO_MANY_WAIT_SECONDS = 1.0


class Halted(Exception):
    """Nothing goes out now; the text says why."""


class Switches:
    """Why nothing more may go out, if so; looked at before every call."""

    def __init__(self, policy: GatewayPolicy, clock: Clock, folder: Path) -> None:
        self._policy, self._clock, self._stop_file = policy, clock, folder / STOP_FILE
        self._ends_at = clock.monotonic() + policy.run_budget_seconds
        self.ended_by: str | None = None

    def reason(self) -> str | None:
        if not self._policy.enabled:
            return "sending is switched off in conf/policy/gateway.yaml (enabled: false)"
        if self._stop_file.exists():
            return f"sending is stopped by the file {self._stop_file}; remove it to go on"
        if self.ended_by is None and self.seconds_left() <= 0:
            return self.used_up()
        return self.ended_by

    def used_up(self) -> str:
        return f"the run's {self._policy.run_budget_seconds} s for sending are used up"

    def seconds_left(self) -> float:
        return self._ends_at - self._clock.monotonic()


class Wire:
    """Calls in their turn, counted; Halted instead of a call when the run is stopped."""

    def __init__(
        self, provider: Provider, policy: GatewayPolicy, clock: Clock, switches: Switches
    ) -> None:
        self._provider, self.switches = provider, switches
        self._pacer, self.breaker = Pacer(policy, clock), Breaker(policy, clock)
        self._counting, self.counts = threading.Lock(), Counter[str]()

    def turn(self, method: str, path: str) -> None:
        """Waits for the endpoint's turn; Halted when by then nothing may go out."""
        in_time = self._pacer.wait(endpoint_of(method, path), self.switches.seconds_left())
        if (reason := self.switches.reason()) is not None:
            raise Halted(reason)
        if not in_time:
            raise Halted(f"{self.switches.used_up()}: no turn is left for {method} calls")

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        """Sends at once: the caller has waited for its turn and written it down."""
        self._count("posts")
        return self._noted("POST", path, self._provider.post(path, params, key))

    def get(self, path: str, params: Mapping[str, Any]) -> Answer:
        self.turn("GET", path)
        self._count("reads")
        return self._noted("GET", path, self._provider.get(path, params))

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        return pages_of(self.get, path, params)

    def _noted(self, method: str, path: str, answer: Answer) -> Answer:
        self.breaker.note(answer)
        if answer.status == 401:
            self.switches.ended_by = "the provider refuses the key: 401"
        if answer.status == 429:
            self._count("refused_by_rate")
            wait = answer.retry_after_seconds or TOO_MANY_WAIT_SECONDS
            self._pacer.hold_back(endpoint_of(method, path), wait)
        return answer

    def _count(self, what: str) -> None:
        with self._counting:
            self.counts[what] += 1
