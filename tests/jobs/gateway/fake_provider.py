"""A small exact model of the provider's documented semantics, in memory, with faults.

Idempotency: the first result of a started request is kept for 24 h and replayed (declines and 500s
too), other parameters are refused, 409 while it runs, 401 and 429 come before it. Payment intents:
holds, one capture that releases the rest, cancellation, expiry of the hold. A fault is (applied,
how): whether the request is executed, and what comes back.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.gateway.answer import Answer, Kind
from jobs.gateway.clock import Clock
from jobs.gateway.provider import pages_of
from jobs.gateway.request import Request

KEYS_KEPT = timedelta(hours=24)
HOLD = timedelta(days=7)
STATUSES = {"402": 402, "400": 400, "401": 401, "409": 409, "429": 429, "500": 500, "503": 503}
DECLINE = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"}
CLOSED = ("succeeded", "canceled")


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


class FakeProvider:
    """Calls are answered at once, at the clock's instant; `faults` are used up one a call."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.intents: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault | None] = []
        self.read_faults: list[Fault | None] = []
        self.late: list[Callable[[], None]] = []
        self.arrives_after_posts = 0
        self.posts: Counter[str] = Counter()
        self.reads = 0
        self.executed: Counter[str] = Counter()
        self._stored: dict[str, Stored] = {}
        self._ids = itertools.count(1)
        self.before_post: Callable[[str, str], None] = lambda path, key: None

    # -- the interface -------------------------------------------------------------------------

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        self.before_post(path, key)
        self.posts[key] += 1
        self._expire()
        if self.arrives_after_posts and self.posts[key] > self.arrives_after_posts:
            self.arrive_late()
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return self._through(path, params, key)
        return self._faulty(fault, path, params, key)

    def get(self, path: str, params: Mapping[str, Any]) -> Answer:
        self.reads += 1
        self._expire()
        fault = self.read_faults.pop(0) if self.read_faults else None
        if fault is not None and fault.how != "200":
            return _failed(fault.how)
        if path == "/v1/payment_intents":
            return self._listed(self.intents.values(), params)
        if path == "/v1/charges":
            charges = [
                one["latest_charge"] for one in self.intents.values() if one["latest_charge"]
            ]
            return self._listed(charges, params)
        found = self.intents.get(path.rpartition("/")[2])
        return _ok(found) if found else _error(404, "resource_missing")

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
            return _error(400, None, "idempotency_error")
        if kept and kept.answer is None:
            return _error(409, "idempotency_key_in_use")
        if kept and kept.answer:
            return Answer(**{**vars(kept.answer), "replayed": True})
        answer, started = self._executed(path, params, key)
        if started:
            self._stored[key] = Stored(content, answer, now)
        return answer

    def _faulty(self, fault: Fault, path: str, params: Mapping[str, Any], key: str) -> Answer:
        if fault.how in ("401", "409", "429", "not_sent"):
            return _failed(fault.how)  # these come before the idempotency layer
        if fault.how == "late":
            return self._under_way(fault.applied, path, params, key)
        kept = self._stored.get(key)
        if fault.applied:
            answer = self._through(path, params, key)
            if fault.how in ("500", "503") and kept is None and key in self._stored:
                self._stored[key].answer = _failed(fault.how)  # applied, then failed: replayed
            return answer if fault.how == "200" else _failed(fault.how)
        if fault.how == "200":
            return self._through(path, params, key)
        if fault.how == "500" and kept is None:
            content = json.dumps([path, params], sort_keys=True)
            self._stored[key] = Stored(content, _failed("500"), self._clock.now())
        if fault.how == "402":
            return self._declined(path, params, key)
        return _failed(fault.how)

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
        return _failed("timeout")

    def _declined(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        wanted, params = params, {**params, "payment_method": "pm_card_chargeDeclined"}
        kept = self._stored.get(key)
        if kept is None and path == "/v1/payment_intents":
            content = json.dumps([path, wanted], sort_keys=True)
            answer, _ = self._executed(path, params, key)
            self._stored[key] = Stored(content, answer, self._clock.now())
            return answer
        return _failed("402")

    # -- execution -----------------------------------------------------------------------------

    def _executed(self, path: str, params: Mapping[str, Any], key: str) -> tuple[Answer, bool]:
        if path == "/v1/payment_intents":
            if not isinstance(params.get("amount"), int) or params["amount"] <= 0:
                return _error(400, "parameter_invalid_integer"), False
            self.executed[key] += 1
            return self._created(params), True
        intent_id, _, verb = path.removeprefix("/v1/payment_intents/").partition("/")
        intent = self.intents.get(intent_id)
        if intent is None:
            return _error(404, "resource_missing"), False
        if verb == "capture":
            return self._captured(intent, params, key)
        return self._cancelled(intent, key)

    def _created(self, params: Mapping[str, Any]) -> Answer:
        now = self._clock.now()
        intent: dict[str, Any] = {
            "id": f"pi_{next(self._ids)}", "object": "payment_intent", "status": "requires_capture",
            "amount": params["amount"], "amount_capturable": params["amount"], "amount_received": 0,
            "currency": params["currency"], "customer": params.get("customer"),
            "transfer_group": params.get("transfer_group"), "created": int(now.timestamp()),
            "metadata": dict(params.get("metadata") or {}), "last_payment_error": None,
            "client_secret": "pi_canary_secret_canary", "receipt_email": "buyer@example.com",
            "latest_charge": None,
        }  # fmt: skip
        self.intents[intent["id"]] = intent
        if params.get("payment_method") == "pm_card_chargeDeclined":
            error = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "generic_decline",
            }
            intent |= {"status": "requires_payment_method", "amount_capturable": 0}
            intent["last_payment_error"] = error
            return _declined(error, intent)
        intent["latest_charge"] = {
            "id": f"ch_{next(self._ids)}", "object": "charge", "created": intent["created"],
            "payment_intent": intent["id"], "transfer_group": intent["transfer_group"],
            "customer": intent["customer"], "metadata": intent["metadata"], "captured": False,
            "amount_captured": 0, "balance_transaction": None,
            "payment_method_details": {
                "card": {"last4": "4242", "capture_before": int((now + HOLD).timestamp())}
            },
        }  # fmt: skip
        return _ok(intent)

    def _captured(
        self, intent: dict[str, Any], params: Mapping[str, Any], key: str
    ) -> tuple[Answer, bool]:
        amount = params.get("amount_to_capture", intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            return _error(400, "payment_intent_unexpected_state", intent=intent), True
        if amount > intent["amount_capturable"]:
            return _error(400, "amount_too_large"), True
        self.executed[key] += 1
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        intent["latest_charge"] |= {
            "captured": True, "amount_captured": amount,
            "balance_transaction": {
                "id": f"txn_{next(self._ids)}", "fee": 30, "net": amount - 30, "currency": "usd"
            },
        }  # fmt: skip
        return _ok(intent), True

    def _cancelled(self, intent: dict[str, Any], key: str) -> tuple[Answer, bool]:
        if intent["status"] in CLOSED:
            return _error(400, "payment_intent_unexpected_state", intent=intent), True
        self.executed[key] += 1
        intent |= {"status": "canceled", "amount_capturable": 0, "cancellation_reason": None}
        return _ok(intent), True

    def _expire(self) -> None:
        now = self._clock.now().timestamp()
        for one in self.intents.values():
            charge = one["latest_charge"]
            if one["status"] == "requires_capture" and charge:
                before = charge["payment_method_details"]["card"]["capture_before"]
                if now >= before:
                    one |= {"status": "canceled", "amount_capturable": 0}
                    one["cancellation_reason"] = "automatic"

    def _listed(self, objects: Any, params: Mapping[str, Any]) -> Answer:
        found = [one for one in objects if _fits(one, params)]
        found.sort(key=lambda one: (one["created"], int(one["id"].partition("_")[2])), reverse=True)
        if after := params.get("starting_after"):
            found = found[[one["id"] for one in found].index(after) + 1 :]
        limit = int(params.get("limit", 10))
        return _ok({"object": "list", "data": found[:limit], "has_more": len(found) > limit})


def _fits(one: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    created = params.get("created") or {}
    return (
        created.get("gte", 0) <= one["created"] <= created.get("lte", 2**60)
        and params.get("customer") in (None, one["customer"])
        and params.get("transfer_group") in (None, one["transfer_group"])
    )


def _ok(body: Mapping[str, Any]) -> Answer:
    return Answer(Kind.COMPLETE, 200, json.loads(json.dumps(body)))


def _error(
    status: int, code: str | None, kind: str = "invalid_request_error",
    intent: Mapping[str, Any] | None = None,
) -> Answer:  # fmt: skip
    error = {"type": kind, "code": code, "message": "no", "payment_intent": intent}
    body = json.loads(json.dumps({"error": error}))
    return Answer(Kind.COMPLETE, status, body, error_type=kind, error_code=code)


def _declined(error: Mapping[str, Any], intent: Mapping[str, Any]) -> Answer:
    body = json.loads(json.dumps({"error": {**error, "payment_intent": intent}}))
    return Answer(
        Kind.COMPLETE, 402, body, error_type="card_error", error_code=error["code"],
        decline_code=error["decline_code"],
    )  # fmt: skip


def _failed(how: str) -> Answer:
    if how == "not_sent":
        return Answer(Kind.NOT_SENT, reason="ConnectionError")
    if how in ("timeout", "reset", "cut", "late"):
        return Answer(Kind.LOST, reason=how)
    if how == "bad_json":
        return Answer(Kind.UNREADABLE, 200, reason="no JSON")
    codes = {
        "409": "lock_timeout",
        "429": "rate_limit",
        "400": "parameter_invalid_empty",
        "402": "card_declined",
    }
    kinds = {"402": "card_error", "500": "api_error", "503": "api_error"}
    return _error(STATUSES[how], codes.get(how), kinds.get(how, "invalid_request_error"))
