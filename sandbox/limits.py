"""Rate limits: token buckets of one second, per endpoint (method and path template) and overall."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sandbox.errors import too_many

PER_ENDPOINT = 25.0
OVERALL = 100.0


class _Bucket:
    """Full at first, and again after a second without a call."""

    def __init__(self, per_second: float, now: float) -> None:
        self._size, self._left, self._at = per_second, per_second, now

    def refill(self, now: float) -> bool:
        """True when a call may pass."""
        gone = max(now - self._at, 0.0)
        self._left, self._at = min(self._left + gone * self._size, self._size), now
        return self._left >= 1

    def take(self) -> None:
        self._left -= 1


class Limits:
    """`ticking` gives seconds; see Clock.ticking."""

    def __init__(
        self, ticking: Callable[[], float], per_endpoint: float = PER_ENDPOINT,
        overall: float = OVERALL,
    ) -> None:  # fmt: skip
        self._ticking = ticking
        self._per_endpoint, self._overall = per_endpoint, overall
        self._lock = threading.Lock()
        self._all = _Bucket(overall, ticking())
        self._own: dict[str, _Bucket] = {}

    def admit(self, endpoint: str) -> None:
        """Counts a call, or Refused (429): a refused call costs nothing."""
        with self._lock:
            now = self._ticking()
            own = self._own.setdefault(endpoint, _Bucket(self._per_endpoint, now))
            if not own.refill(now):
                raise too_many("endpoint-rate", f"{self._per_endpoint:g} a second, {endpoint}")
            if not self._all.refill(now):
                raise too_many("global-rate", f"{self._overall:g} a second overall")
            own.take()
            self._all.take()
