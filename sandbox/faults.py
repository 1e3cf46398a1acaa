"""The fault plan: which call meets which fault, before it is applied or after.

Rules are read from JSON; `sandbox/README.md` has the table. The first rule that a call matches and
whose turn it is decides. Turns are counted from the start of the process, or from when the plan
was set.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from sandbox.forms import Pairs

CALL_FAULTS = ("delay", "reset", "close", "cut", "wrong_json", "timeout", "status")
EVENT_FAULTS = ("drop", "repeat", "late", "after")
STATUSES: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Injected: the request was refused."),
    401: ("invalid_request_error", None, "Injected: Invalid API Key provided."),
    402: ("card_error", "card_declined", "Injected: Your card was declined."),
    404: ("invalid_request_error", "resource_missing", "Injected: No such object."),
    409: ("invalid_request_error", "idempotency_key_in_use", "Injected: the key is in use."),
    429: ("invalid_request_error", "rate_limit", "Injected: Request rate limit exceeded."),
    500: ("api_error", None, "Injected: An unknown error occurred."),
    502: ("api_error", None, "Injected: Bad gateway."),
    503: ("api_error", None, "Injected: The service is temporarily unavailable."),
}  # fmt: skip
STORED_BY_STRIPE = (402, 500)
"""These come from an endpoint that began; the others from what stands before it."""


class BadPlan(ValueError):
    """A rule that cannot be meant; the message names it and what is known."""


@dataclass(frozen=True)
class Rule:
    """One rule. Nothing given: every call. `nth`, `every`, `probability` count matching calls."""

    do: str
    when: str = "before"
    method: str = "*"
    path: str = "/v1/**"
    key: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    status: int = 200
    error: Mapping[str, Any] = field(default_factory=dict)
    delay_ms: int = 0
    hold_seconds: float = 60.0
    stored: bool | None = None
    event: str | None = None
    count: int = 1
    late_seconds: float = 0.0

    @property
    def delay_seconds(self) -> float:
        return self.delay_ms / 1000

    @property
    def keeps(self) -> bool:
        """Whether the idempotency layer keeps the fault itself as the first answer."""
        if self.stored is not None:
            return self.stored
        return self.do == "status" and self.status in STORED_BY_STRIPE

    def error_body(self) -> dict[str, Any]:
        type_, code, message = STATUSES.get(self.status, ("api_error", None, "Injected."))
        body = {"type": type_, "message": message} | ({"code": code} if code else {})
        if self.status == 402:
            body["decline_code"] = "generic_decline"
        return {**body, **self.error}


def rule_from(content: Any, place: str) -> Rule:
    """BadPlan says what is wrong with the rule at `place`."""
    if not isinstance(content, dict):
        raise BadPlan(f"{place}: a rule is an object, not {content!r:.60}")
    known = {one.name for one in fields(Rule)}
    if unknown := sorted(set(content) - known):
        raise BadPlan(f"{place}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    rule = Rule(**{"do": "", **content})
    kinds = EVENT_FAULTS if rule.event else CALL_FAULTS
    if rule.do not in kinds:
        raise BadPlan(f"{place}: `do` is {rule.do!r}; known here: {', '.join(kinds)}")
    if rule.when not in ("before", "after"):
        raise BadPlan(f"{place}: `when` is {rule.when!r}; it is before or after (being applied)")
    if rule.do == "status" and rule.status not in STATUSES:
        raise BadPlan(f"{place}: `status` is {rule.status}; known: {sorted(STATUSES)}")
    return rule


class Plan:
    """Safe for threads."""

    def __init__(self, content: Any = ()) -> None:
        self._lock = threading.Lock()
        self.set(list(content))

    def set(self, content: Any) -> None:
        """Another plan from now on; BadPlan leaves the old one."""
        if not isinstance(content, list):
            raise BadPlan("a fault plan is a list of rules")
        rules = [rule_from(one, f"rule {number}") for number, one in enumerate(content, 1)]
        with self._lock:
            self._rules: Sequence[Rule] = rules
            self._seen, self._fired = [0] * len(rules), [0] * len(rules)

    def for_call(self, method: str, path: str, key: str | None, params: Pairs) -> Rule | None:
        return self._first(lambda rule: _matches(rule, method, path, key, params))

    def for_event(self, type_: str) -> Rule | None:
        return self._first(lambda rule: bool(rule.event) and fnmatchcase(type_, rule.event or ""))

    def shown(self) -> list[dict[str, Any]]:
        """The rules with how many calls each matched, and how many it met."""
        with self._lock:
            return [
                {**rule.__dict__, "matched": seen, "fired": fired}
                for rule, seen, fired in zip(self._rules, self._seen, self._fired, strict=True)
            ]

    def _first(self, matches: Callable[[Rule], bool]) -> Rule | None:
        with self._lock:
            for number, rule in enumerate(self._rules):
                if not matches(rule):
                    continue
                self._seen[number] += 1
                spent = rule.times is not None and self._fired[number] >= rule.times
                if not spent and _turn(rule, number, self._seen[number]):
                    self._fired[number] += 1
                    return rule
        return None


def _turn(rule: Rule, number: int, seen: int) -> bool:
    if rule.nth is not None:
        return seen == rule.nth
    if rule.every is not None:
        return seen % rule.every == 0
    if rule.probability is not None:
        drawn = hashlib.sha256(f"{rule.seed}/{number}/{seen}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") / 2**64 < rule.probability
    return True


def _matches(rule: Rule, method: str, path: str, key: str | None, params: Pairs) -> bool:
    if rule.event or rule.method not in ("*", method) or not _path_fits(rule.path, path):
        return False
    if rule.key is not None and rule.key != key:
        return False
    given = dict(params)
    return all(given.get(f"metadata[{name}]") == value for name, value in rule.metadata.items())


def _path_fits(pattern: str, path: str) -> bool:
    """`*` is one part of a path, `**` any number."""
    parts = re.split(r"(\*\*|\*)", pattern)
    known = {"**": ".*", "*": "[^/]*"}
    return (
        re.fullmatch("".join(known.get(part, re.escape(part)) for part in parts), path) is not None
    )
