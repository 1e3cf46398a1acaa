"""Payment intents as a provider keeps them, in memory: holds, captures, cancellations, expiry."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jobs.clock import Clock
from jobs.gateway.answer import Answer, Kind

HOLD = timedelta(days=7)
STATUSES = {"402": 402, "400": 400, "401": 401, "409": 409, "429": 429, "500": 500, "503": 503}
DECLINE = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline"}
CLOSED = ("succeeded", "canceled")


class FakeBooks:
    """What is executed is answered at once, at the clock's instant; `executed` counts it by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.intents: dict[str, dict[str, Any]] = {}
        self.executed: Counter[str] = Counter()
        self._ids = itertools.count(1)

    def carry_out(self, path: str, params: Mapping[str, Any], key: str) -> tuple[Answer, bool]:
        if path == "/v1/payment_intents":
            if not isinstance(params.get("amount"), int) or params["amount"] <= 0:
                return refused(400, "parameter_invalid_integer"), False
            self.executed[key] += 1
            return self._created(params), True
        intent_id, _, verb = path.removeprefix("/v1/payment_intents/").partition("/")
        intent = self.intents.get(intent_id)
        if intent is None:
            return refused(404, "resource_missing"), False
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
            return declined(error, intent)
        intent["latest_charge"] = {
            "id": f"ch_{next(self._ids)}", "object": "charge", "created": intent["created"],
            "payment_intent": intent["id"], "transfer_group": intent["transfer_group"],
            "customer": intent["customer"], "metadata": intent["metadata"], "captured": False,
            "amount_captured": 0, "balance_transaction": None,
            "payment_method_details": {
                "card": {"last4": "4242", "capture_before": int((now + HOLD).timestamp())}
            },
        }  # fmt: skip
        return ok(intent)

    def _captured(
        self, intent: dict[str, Any], params: Mapping[str, Any], key: str
    ) -> tuple[Answer, bool]:
        amount = params.get("amount_to_capture", intent["amount_capturable"])
        if intent["status"] != "requires_capture":
            return refused(400, "payment_intent_unexpected_state", intent=intent), True
        if amount > intent["amount_capturable"]:
            return refused(400, "amount_too_large"), True
        self.executed[key] += 1
        intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        intent["latest_charge"] |= {
            "captured": True, "amount_captured": amount,
            "balance_transaction": {
                "id": f"txn_{next(self._ids)}", "fee": 30, "net": amount - 30, "currency": "usd"
            },
        }  # fmt: skip
        return ok(intent), True

    def _cancelled(self, intent: dict[str, Any], key: str) -> tuple[Answer, bool]:
        if intent["status"] in CLOSED:
            return refused(400, "payment_intent_unexpected_state", intent=intent), True
        self.executed[key] += 1
        intent |= {"status": "canceled", "amount_capturable": 0, "cancellation_reason": None}
        return ok(intent), True

    def expire(self) -> None:
        now = self._clock.now().timestamp()
        for one in self.intents.values():
            charge = one["latest_charge"]
            if one["status"] == "requires_capture" and charge:
                before = charge["payment_method_details"]["card"]["capture_before"]
                if now >= before:
                    one |= {"status": "canceled", "amount_capturable": 0}
                    one["cancellation_reason"] = "automatic"

    def listed(self, objects: Any, params: Mapping[str, Any]) -> Answer:
        found = [one for one in objects if _fits(one, params)]
        found.sort(key=lambda one: (one["created"], int(one["id"].partition("_")[2])), reverse=True)
        if after := params.get("starting_after"):
            found = found[[one["id"] for one in found].index(after) + 1 :]
        limit = int(params.get("limit", 10))
        return ok({"object": "list", "data": found[:limit], "has_more": len(found) > limit})


def _fits(one: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    created = params.get("created") or {}
    return (
        created.get("gte", 0) <= one["created"] <= created.get("lte", 2**60)
        and params.get("customer") in (None, one["customer"])
        and params.get("transfer_group") in (None, one["transfer_group"])
    )


def ok(body: Mapping[str, Any]) -> Answer:
    return Answer(Kind.COMPLETE, 200, json.loads(json.dumps(body)))


def refused(
    status: int, code: str | None, kind: str = "invalid_request_error",
    intent: Mapping[str, Any] | None = None,
) -> Answer:  # fmt: skip
    error = {"type": kind, "code": code, "message": "no", "payment_intent": intent}
    body = json.loads(json.dumps({"error": error}))
    return Answer(Kind.COMPLETE, status, body, error_type=kind, error_code=code)


def declined(error: Mapping[str, Any], intent: Mapping[str, Any]) -> Answer:
    body = json.loads(json.dumps({"error": {**error, "payment_intent": intent}}))
    return Answer(
        Kind.COMPLETE, 402, body, error_type="card_error", error_code=error["code"],
        decline_code=error["decline_code"],
    )  # fmt: skip


def failed(how: str) -> Answer:
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
    return refused(STATUSES[how], codes.get(how), kinds.get(how, "invalid_request_error"))
