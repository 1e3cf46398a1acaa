"""How orders are checked and paid: conf/policy/orders.yaml as a frozen dataclass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from conf.contract import Check
from conf.settings import CONF, SettingsError, load

DEFAULT = "default"


@dataclass(frozen=True)
class OrdersPolicy:
    """See conf/policy/orders.yaml, which says what each number is."""

    version: int
    effective_from: date
    rules: Sequence[Check]
    manual_capture_methods: Sequence[str]
    seller_is_asked_after_minutes: int
    capture_buffer_hours: int
    presumed_hold_hours: int
    requires_action_hours: int
    retry_decline_after_hours: int
    never_retry_after: Sequence[str]
    authorizations_most: int
    authorize_within_days: int
    currencies: Sequence[str]
    completed_after_days: int
    new_request_after: Sequence[str]
    acts_within_hours: int
    look_back_days: int
    legal_entities: Mapping[str, str]


def load_orders_policy() -> OrdersPolicy:
    """The policy; SettingsError names what does not fit."""
    loaded = load(OrdersPolicy, CONF / "policy" / "orders.yaml")
    if DEFAULT not in loaded.legal_entities:
        raise SettingsError("orders.yaml: legal_entities needs a default")
    return replace(loaded, rules=tuple(_rule(rule) for rule in loaded.rules))


def _rule(found: Any) -> Check:
    if not isinstance(found, dict) or set(found) != {"code", "sql", "sentence"}:
        raise SettingsError(f"orders.yaml: a rule has code, sql and sentence, not {found!r}")
    return Check(found["code"], str(found["sql"]), found["sentence"])
