"""The registry of metrics: complete, unambiguous, and in step with the ledger and the policy."""

from __future__ import annotations

import pytest

from conf.metrics import BY_NAME, METRICS, Against, Metric, Month, Source, Trailing, Unit
from conf.settings import load_alerts_policy
from conf.tables import silver

LEDGER_OF = {
    Source.ORDERS: silver.BUYER_DAYS,
    Source.SALES: silver.SELLER_DAYS,
    Source.CONVERTED: silver.SELLER_DAYS,
    Source.CATEGORIES: silver.SELLER_CATEGORY_DAYS,
    Source.REGIONS: silver.REGION_DAYS,
}


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_a_metric_adds_up_measures_of_its_ledger(metric: Metric) -> None:
    measures = set(LEDGER_OF[metric.source].column_names)
    # The total behind the categories is that of all sellers' sales.
    assert {metric.numerator, metric.denominator, metric.cases} - {""} <= measures | (
        set(silver.SELLER_DAYS.column_names) if metric.cases else set()
    )


@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_a_metric_is_defined_for_readers(metric: Metric) -> None:
    assert metric.label[0].isupper()
    assert not metric.formula.endswith(".")
    assert metric.good in ("", "up", "down")
    assert metric.definition_version >= 1


@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_only_settled_figures_can_alert(metric: Metric) -> None:
    newest = metric.window.newest if isinstance(metric.window, Trailing) else 0
    settled = newest >= metric.maturity_days
    assert settled or not metric.alerts
    assert metric.recent is not settled


def test_a_slow_rate_has_a_young_twin() -> None:
    slow = {metric.name for metric in METRICS if metric.maturity_days and not metric.recent}
    young = {metric.name for metric in METRICS if metric.recent}
    assert young == {f"{name}_recent" for name in slow}
    assert {"completion_rate", "cancellation_rate", "refund_rate", "late_rate"} <= slow


def test_months_are_compared_with_months() -> None:
    months = {metric.name for metric in METRICS if metric.window is Month.TO_DATE}
    assert months == {m.name for m in METRICS if m.against is Against.LAST_MONTH}


def test_reach_covers_the_window_and_what_it_is_compared_with() -> None:
    assert BY_NAME["orders"].reach_days == 0
    assert BY_NAME["completion_rate"].reach_days == 36
    assert BY_NAME["seller_churn"].reach_days == 59
    assert BY_NAME["gmv_7d"].reach_days == 13
    assert BY_NAME["gmv_mtd"].reach_days >= 61


def test_the_policy_says_for_every_unit_what_change_matters() -> None:
    policy = load_alerts_policy()
    assert set(policy.min_change_bp) == {unit.value for unit in Unit}
    assert policy.min_same_weekdays <= policy.same_weekdays
