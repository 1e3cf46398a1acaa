"""When a call may go out: the provider's rate limits, backing off, and a circuit breaker.

Time is the injected clock's count of seconds. Nothing here draws a random number: jitter is a hash
of the request's key and its attempt, so that a rerun waits as the run before did.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque

from conf.settings import GatewayPolicy
from jobs.clock import Clock
from jobs.gateway.answer import Answer, Kind

PROBE_SECONDS = 1.0
LONGEST_OPEN_SECONDS = 300.0


def endpoint_of(method: str, path: str) -> str:
    """Method and path template, the provider's unit of rate: /v1/<resource>/<id>/<verb>, where the
    id is taken out."""
    parts = path.split("/")
    parts[3:4] = ["{id}"] * len(parts[3:4])
    return f"{method} {'/'.join(parts)}"


def backoff_seconds(policy: GatewayPolicy, key: str, attempts: int) -> float:
    """Exponential backoff with full jitter: anything from 0 to the doubled delay, by the key."""
    doubled = policy.first_delay_seconds * 2.0 ** min(max(attempts - 1, 0), 30)
    digest = hashlib.sha256(f"{key}/{attempts}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    return share * min(doubled, policy.longest_delay_seconds)


class Pacer:
    """Spaces calls evenly, a little below the limits: so many a second to one endpoint and so many
    in all."""

    def __init__(self, policy: GatewayPolicy, clock: Clock) -> None:
        share = policy.pace_bp / 10_000
        self._apart = 1.0 / (policy.requests_per_second_per_endpoint * share)
        self._apart_in_all = 1.0 / (policy.requests_per_second * share)
        self._clock, self._turn = clock, threading.Lock()
        self._free_at: dict[str, float] = {}
        self._all_free_at = 0.0

    def wait(self, endpoint: str, at_most_seconds: float) -> bool:
        """Sleeps until the endpoint's next place, and then until the next of all; False when the
        first is farther away than the caller is willing to wait. One after the other: a place far
        ahead at a busy endpoint must not hold up the others."""
        with self._turn:
            now = self._clock.monotonic()
            place = max(now, self._free_at.get(endpoint, now))
            if place - now > at_most_seconds:
                return False
            self._free_at[endpoint] = place + self._apart
        self._sleep_until(place)
        with self._turn:
            place = max(self._clock.monotonic(), self._all_free_at)
            self._all_free_at = place + self._apart_in_all
        self._sleep_until(place)
        return True

    def _sleep_until(self, place: float) -> None:
        if (seconds := place - self._clock.monotonic()) > 0:
            self._clock.sleep(seconds)

    def hold_back(self, endpoint: str, seconds: float) -> None:
        """Nothing more to the endpoint for so long: it said that it has too much."""
        with self._turn:
            until = self._clock.monotonic() + seconds
            self._free_at[endpoint] = max(self._free_at.get(endpoint, until), until)


class Breaker:
    """Stops sending when the provider fails: so many times in a row, or a share of the last calls.

    After a while one call tries again; if it fails too, the while is doubled.
    """

    def __init__(self, policy: GatewayPolicy, clock: Clock) -> None:
        self._policy, self._clock, self._turn = policy, clock, threading.Lock()
        self._last: deque[bool] = deque(maxlen=policy.breaker_window)
        self._in_a_row, self._opened = 0, 0
        self._open_until: float | None = None
        self._probing_until = 0.0
        self.reason: str | None = None

    def wait_seconds(self) -> float:
        """0 when a call may go out now. While the breaker is half open, only to one caller."""
        with self._turn:
            if self._open_until is None:
                return 0.0
            now = self._clock.monotonic()
            if now < self._open_until:
                return self._open_until - now
            if now < self._probing_until:
                return PROBE_SECONDS
            patience = self._policy.connect_timeout_seconds + self._policy.read_timeout_seconds
            self._probing_until = now + patience + PROBE_SECONDS
            return 0.0

    def note(self, answer: Answer) -> None:
        """Counts a call's outcome. A refusal is an answer too: the provider is there."""
        failed = answer.kind is not Kind.COMPLETE or answer.server_error
        with self._turn:
            self._last.append(failed)
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if not failed and self._open_until is not None:
                self._close()
            elif failed and (self._open_until is not None or self._too_many()):
                self._open(answer)

    def _too_many(self) -> bool:
        full = len(self._last) == self._policy.breaker_window
        share = sum(self._last) * 10_000 >= self._policy.breaker_share_bp * len(self._last)
        return self._in_a_row >= self._policy.breaker_failures or (full and share)

    def _open(self, answer: Answer) -> None:
        now = self._clock.monotonic()
        if self._open_until is not None and now < self._open_until:
            return  # a call that was out already
        seconds = min(self._policy.breaker_open_seconds * 2.0**self._opened, LONGEST_OPEN_SECONDS)
        self._opened, self._open_until, self._probing_until = self._opened + 1, now + seconds, 0.0
        how = answer.status or answer.reason or answer.kind
        self.reason = (
            f"the payment provider fails ({self._in_a_row} times in a row, the last: {how})"
        )

    def _close(self) -> None:
        self._open_until, self._opened, self.reason = None, 0, None
        self._last.clear()
