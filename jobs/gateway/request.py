"""What the planner asks for, and the identity that keeps it from happening twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from conf.keys import UNIT_SEPARATOR, key_of
from jobs.errors import ContractBroken


class State(StrEnum):
    """Of a request. SENDING is the journal's own: bytes may be on their way."""

    PLANNED = "PLANNED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"

    @property
    def settled(self) -> bool:
        return self in (State.ACCEPTED, State.REJECTED, State.WITHDRAWN)


@dataclass(frozen=True)
class Request:
    """One planned request, as its row in actions/payment_intents has it.

    `body` is the frozen text of a JSON object with "method", "path" and "params"; `amount_minor`
    is in minor units of `currency`; `planned_at` is a UTC instant; `journal_id` names the journal
    that was there when it was planned. `state` and `attempts` are the table's.
    """

    key: str
    operation: str
    order_id: str
    payment_no: int
    request_no: int
    legal_entity: str
    payment_intent_id: str | None
    customer_id: str | None
    amount_minor: int
    currency: str
    body: str = field(repr=False)
    body_sha256: str
    planned_at: datetime
    journal_id: str | None = None
    state: State = State.PLANNED
    attempts: int = 0


@dataclass(frozen=True)
class Body:
    """The parts of a frozen body."""

    method: str
    path: str
    params: Mapping[str, Any] = field(repr=False)


def request_key(
    environment: str, legal_entity: str, operation: str, order_id: str, payment_no: int,
    request_no: int,
) -> str:  # fmt: skip
    """The idempotency key: hex SHA-256 over the parts as UTF-8, joined with U+001F.

    ValueError when a part holds the separator: two requests could share a key.
    """
    parts = [environment, legal_entity, operation, order_id, str(payment_no), str(request_no)]
    if any(UNIT_SEPARATOR in part for part in parts):
        raise ValueError(f"a part of a request key holds the unit separator: {parts!r}")
    return key_of(parts)


def body_text(path: str, params: Mapping[str, Any]) -> str:
    """The canonical body of a POST: keys sorted, no spaces, as it is frozen in the table."""
    content = {"method": "POST", "path": path, "params": params}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def parsed_body(request: Request) -> Body:
    """The request's body; ContractBroken, naming the key, when it is not what was frozen."""
    if sha256_of(request.body) != request.body_sha256:
        raise broken(request, "its body does not hash to body_sha256")
    try:
        content = json.loads(
            request.body, object_pairs_hook=_without_repeats, parse_float=_no_float,
            parse_constant=_no_float,
        )  # fmt: skip
    except ValueError as error:
        raise broken(request, f"its body is not plain JSON ({error})") from None
    if not isinstance(content, dict) or set(content) != {"method", "path", "params"}:
        raise broken(request, "its body is not an object of method, path and params")
    if not isinstance(content["params"], dict):
        raise broken(request, "its params are not an object")
    return Body(content["method"], content["path"], content["params"])


def broken(request: Request, what: str) -> ContractBroken:
    return ContractBroken(
        f"request {request.key} ({request.operation} of order {request.order_id}, payment "
        f"{request.payment_no}): {what}; nothing was sent. Look at its row in "
        "actions/payment_intents and at the job that planned it"
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _no_float(text: str) -> Any:
    raise ValueError(f"{text} is no integer; money is in minor units")
