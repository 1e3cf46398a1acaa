"""Working through requests as they fall due, on threads, within a budget of time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from jobs.clock import Clock

LOOKED_AGAIN_SECONDS = 1.0

Due = tuple[datetime, int, str]
"""When, in which order among what is due together, and which key."""
Work = Callable[[str], datetime | None]


class Dispatch:
    """Calls `work(key)` for each key when it is due. `work` returns when the key is due again in
    this run, or None. With one worker everything runs in the caller's thread.

    A key that falls due after the budget is left; the first exception ends all and is raised.
    """

    def __init__(
        self,
        clock: Clock,
        seconds_left: Callable[[], float],
        work: Callable[[str], datetime | None],
    ) -> None:
        self._clock, self._seconds_left, self._work = clock, seconds_left, work
        self._heap: list[Due] = []
        self._changed = threading.Condition()
        self._out, self._alone = 0, True
        self._failure: BaseException | None = None

    def run(self, due: Iterable[Due], workers: int) -> None:
        self._heap = list(due)
        heapq.heapify(self._heap)
        threads = min(workers, len(self._heap))
        self._alone = threads <= 1
        if self._alone:
            self._work_through()
        else:
            self._work_on(threads)
        if self._failure is not None:
            raise self._failure

    def _work_on(self, threads: int) -> None:
        crew = [
            threading.Thread(target=self._work_through, name=f"gateway-{number}", daemon=True)
            for number in range(threads)
        ]
        for one in crew:
            one.start()
        try:
            for one in crew:
                one.join()
        except BaseException as interrupted:  # let every call that is out come home
            self._stop(interrupted)
            for one in crew:
                one.join()

    def _work_through(self) -> None:
        while (taken := self._take()) is not None:
            _, order, key = taken
            try:
                again = self._work(key)
            except BaseException as error:
                self._stop(error)
                return
            with self._changed:
                self._out -= 1
                if again is not None:
                    heapq.heappush(self._heap, (again, order, key))
                self._changed.notify_all()

    def _take(self) -> Due | None:
        with self._changed:
            while self._failure is None:
                wait = self._wait_seconds()
                if wait is None:
                    if self._out == 0:
                        self._changed.notify_all()
                        return None
                    self._changed.wait(LOOKED_AGAIN_SECONDS)
                elif wait <= 0:
                    self._out += 1
                    return heapq.heappop(self._heap)
                elif self._alone:
                    self._clock.sleep(wait)
                else:
                    self._changed.wait(min(wait, LOOKED_AGAIN_SECONDS))
            return None

    def _wait_seconds(self) -> float | None:
        """Until the next key is due; None when that is not within the budget, or there is none."""
        if not self._heap:
            return None
        wait = (self._heap[0][0] - self._clock.now()) / timedelta(seconds=1)
        return wait if wait <= max(self._seconds_left(), 0) else None

    def _stop(self, error: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()
