"""The policy of orders, and the codes that decisions give as reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conf import order_settings
from conf.order_reasons import Reason
from conf.order_settings import load_orders_policy
from conf.settings import SettingsError, load, load_gateway_policy
from conf.tables import decisions


def test_a_code_has_one_meaning() -> None:
    rules = [rule.name for rule in load_orders_policy().rules]
    assert len({*rules, *(reason.code for reason in Reason)}) == len(rules) + len(Reason)
    assert not set(rules) & set(decisions.ORDER_OUTCOMES)


def test_every_sentence_says_something_else() -> None:
    sentences = [reason.value for reason in Reason]
    assert len(set(sentences)) == len(sentences)


def test_a_policy_without_a_company_for_all_other_marketplaces_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without(*args: object, **more: object) -> order_settings.OrdersPolicy:
        found: order_settings.OrdersPolicy = load(*args, **more)  # type: ignore[arg-type]
        return replace(found, legal_entities={"DE": "marketplace_eu"})

    monkeypatch.setattr(order_settings, "load", without)
    with pytest.raises(SettingsError, match="default"):
        load_orders_policy()


def test_a_rule_is_a_code_with_sql_and_a_sentence() -> None:
    with pytest.raises(SettingsError, match="sentence"):
        order_settings._rule({"code": "x", "sql": "true"})


def test_every_currency_that_is_asked_for_has_a_daily_cap() -> None:
    caps = load_gateway_policy().daily_cap_minor["act.payment_intents"]
    assert set(load_orders_policy().currencies) == set(caps)
