"""A small exact model of the provider's documented semantics, in memory, with faults.

Idempotency: the first result of a started request is kept for 24 h and replayed (declines and 500s
too), other parameters are refused, 409 while it runs, 401 and 429 come before it. Payment intents:
holds, one capture that releases the rest, cancellation, expiry of the hold. A fault is (applied,
how): whether the request is executed, and what comes back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.clock import Clock
from jobs.gateway.answer import Answer
from jobs.gateway.provider import pages_of
from jobs.gateway.request import Request
from tests.jobs.gateway.fake_books import FakeBooks, failed, ok, refused

KEYS_KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Fault:
    """`how`: 200, 400, 402, 409, 429, 500, 503, timeout, reset, cut, bad_json, late, not_sent."""

    applied: bool
    how: str


@dataclass
class Stored:
    content: str
    answer: Answer | None
    at: datetime


class FakeProvider(FakeBooks):
    """Calls are answered at once, at the clock's instant; `faults` are used up one a call."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.faults: list[Fault | None] = []
        self.read_faults: list[Fault | None] = []
        self.late: list[Callable[[], None]] = []
        self.arrives_after_posts = 0
        self.posts: Counter[str] = Counter()
        self.reads = 0
        self._stored: dict[str, Stored] = {}
        self.before_post: Callable[[str, str], None] = lambda path, key: None

    # -- the interface -------------------------------------------------------------------------

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        self.before_post(path, key)
        self.posts[key] += 1
        self.expire()
        if self.arrives_after_posts and self.posts[key] > self.arrives_after_posts:
            self.arrive_late()
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return self._through(path, params, key)
        return self._faulty(fault, path, params, key)

    def get(self, path: str, params: Mapping[str, Any]) -> Answer:
        self.reads += 1
        self.expire()
        fault = self.read_faults.pop(0) if self.read_faults else None
        if fault is not None and fault.how != "200":
            return failed(fault.how)
        if path == "/v1/payment_intents":
            return self.listed(self.intents.values(), params)
        if path == "/v1/charges":
            charges = [
                one["latest_charge"] for one in self.intents.values() if one["latest_charge"]
            ]
            return self.listed(charges, params)
        found = self.intents.get(path.rpartition("/")[2])
        return ok(found) if found else refused(404, "resource_missing")

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        return pages_of(self.get, path, params)

    # -- what a test asks ----------------------------------------------------------------------

    def execute(self, request: Request, key: str) -> None:
        """Executed, and nobody hears of it."""
        content = json.loads(request.body)
        self._through(content["path"], content["params"], key)

    def arrive_late(self) -> None:
        """What was on its way arrives now."""
        late, self.late = self.late, []
        for execute in late:
            execute()

    def live(self, order_id: str, payment_no: int) -> list[dict[str, Any]]:
        return [
            one for one in self.intents.values()
            if one["metadata"].get("order_id") == order_id
            and one["metadata"].get("payment_no") == str(payment_no)
            and one["status"] in ("requires_capture", "succeeded")
        ]  # fmt: skip

    def settle(self) -> None:
        """Nothing under way any more, no faults left."""
        self.faults, self.read_faults = [], []
        self.arrive_late()

    # -- idempotency ---------------------------------------------------------------------------

    def _through(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        now, content = self._clock.now(), json.dumps([path, params], sort_keys=True)
        kept = self._stored.get(key)
        if kept and now - kept.at >= KEYS_KEPT:
            del self._stored[key]
            kept = None
        if kept and kept.content != content:
            return refused(400, None, "idempotency_error")
        if kept and kept.answer is None:
            return refused(409, "idempotency_key_in_use")
        if kept and kept.answer:
            return Answer(**{**vars(kept.answer), "replayed": True})
        answer, started = self.carry_out(path, params, key)
        if started:
            self._stored[key] = Stored(content, answer, now)
        return answer

    def _faulty(self, fault: Fault, path: str, params: Mapping[str, Any], key: str) -> Answer:
        if fault.how in ("401", "409", "429", "not_sent"):
            return failed(fault.how)  # these come before the idempotency layer
        if fault.how == "late":
            return self._under_way(fault.applied, path, params, key)
        kept = self._stored.get(key)
        if fault.applied:
            answer = self._through(path, params, key)
            if fault.how in ("500", "503") and kept is None and key in self._stored:
                self._stored[key].answer = failed(fault.how)  # applied, then failed: replayed
            return answer if fault.how == "200" else failed(fault.how)
        if fault.how == "200":
            return self._through(path, params, key)
        if fault.how == "500" and kept is None:
            content = json.dumps([path, params], sort_keys=True)
            self._stored[key] = Stored(content, failed("500"), self._clock.now())
        if fault.how == "402":
            return self._declined(path, params, key)
        return failed(fault.how)

    def _under_way(self, applied: bool, path: str, params: Mapping[str, Any], key: str) -> Answer:
        """The caller gives up; the request is executed later, and in flight until then."""
        content = json.dumps([path, params], sort_keys=True)
        if applied and key not in self._stored:
            self._stored[key] = Stored(content, None, self._clock.now())

            def execute() -> None:
                if self._stored[key].answer is None:
                    del self._stored[key]
                    self._through(path, params, key)

            self.late.append(execute)
        return failed("timeout")

    def _declined(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        wanted, params = params, {**params, "payment_method": "pm_card_chargeDeclined"}
        kept = self._stored.get(key)
        if kept is None and path == "/v1/payment_intents":
            content = json.dumps([path, wanted], sort_keys=True)
            answer, _ = self.carry_out(path, params, key)
            self._stored[key] = Stored(content, answer, self._clock.now())
            return answer
        return failed("402")
