"""Requests as a planner would freeze them, and gateways to send them with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conf.settings import GatewayPolicy, load_gateway_policy
from jobs.clock import Clock
from jobs.gateway.entry import Outcome
from jobs.gateway.gateway import Gateway
from jobs.gateway.journal import Journal
from jobs.gateway.provider import Provider
from jobs.gateway.request import Request, body_text, request_key, sha256_of
from tests.jobs.gateway.clocks import START, TestClock

JOB, ENVIRONMENT, ENTITY = "act.payment_intents", "sandbox", "us"


def policy(**changes: Any) -> GatewayPolicy:
    """The declared policy, on one thread: everything happens in the order of the test."""
    return replace(load_gateway_policy(), **{"workers": 1, **changes})


def planned(
    operation: str, order_id: str = "o1", *, payment_no: int = 1, request_no: int = 1,
    amount_minor: int = 1000, currency: str = "USD", intent_id: str | None = None,
    customer_id: str | None = "cus_1", journal_id: str | None = None,
    planned_at: datetime = START, more: Mapping[str, Any] | None = None,
) -> Request:  # fmt: skip
    key = request_key(ENVIRONMENT, ENTITY, operation, order_id, payment_no, request_no)
    path, params = _content(operation, key, order_id, payment_no, amount_minor, currency, intent_id)
    if operation == "authorize" and customer_id:
        params["customer"] = customer_id
    body = body_text(path, {**params, **(more or {})})
    return Request(
        key, operation, order_id, payment_no, request_no, ENTITY, intent_id,
        customer_id if operation == "authorize" else None, amount_minor, currency, body,
        sha256_of(body), planned_at, journal_id,
    )  # fmt: skip


def _content(
    operation: str, key: str, order_id: str, payment_no: int, amount_minor: int, currency: str,
    intent_id: str | None,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    if operation == "authorize":
        return "/v1/payment_intents", {
            "amount": amount_minor, "currency": currency.lower(), "capture_method": "manual",
            "confirm": True, "payment_method": "pm_card_visa", "transfer_group": order_id,
            "payment_method_types": ["card"],
            "metadata": {
                "request_key": key, "order_id": order_id, "payment_no": str(payment_no)
            },
        }  # fmt: skip
    if operation == "capture":
        return f"/v1/payment_intents/{intent_id}/capture", {"amount_to_capture": amount_minor}
    return f"/v1/payment_intents/{intent_id}/cancel", {}


@contextmanager
def gateway(folder: Path, provider: Provider, clock: Clock, **changes: Any) -> Iterator[Gateway]:
    with Journal(folder / "journal.sqlite", clock) as journal:
        yield Gateway(journal, provider, policy(**changes), clock, JOB, ENVIRONMENT, folder)


def merged(request: Request, outcome: Outcome) -> Request:
    """The table's row after the outcome is merged."""
    return replace(request, state=outcome.state, attempts=outcome.attempts)


def until_settled(
    folder: Path, provider: Provider, clock: TestClock, request: Request, rounds: int = 300
) -> Outcome:
    """Runs the gateway, a fresh one each time, when the request is due; AssertionError when it has
    no due time or is still open after so many runs."""
    for _ in range(rounds):
        with gateway(folder, provider, clock) as sending:
            sent = sending.send([request])
            sending.mark_reported(sent.outcomes)
        for outcome in sent.outcomes:
            request = merged(request, outcome)
            if outcome.state.settled:
                return outcome
            assert outcome.next_attempt_at is not None, outcome
            clock.advance(max(outcome.next_attempt_at - clock.now(), timedelta(seconds=1)))
    raise AssertionError(f"still open: {request.state}")
