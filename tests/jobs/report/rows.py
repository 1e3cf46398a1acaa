"""Report rows for tests of the page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from conf.metrics import BY_NAME, Trailing

DS = date(2018, 6, 30)


def row(
    metric: str, value: float | None, baseline: float | None = None, **given: Any
) -> dict[str, Any]:
    """A row of reports/daily_marketplace about the whole marketplace, unless said otherwise."""
    declared = BY_NAME[metric]
    newest = declared.window.newest if isinstance(declared.window, Trailing) else 0
    return {
        "ds": DS, "metric": metric, "dimension": "all", "member": "all", "currency": "XXX",
        "value": value, "numerator": None if value is None else int(value * 100),
        "denominator": None, "baseline": baseline, "baseline_days": 8, "change": None,
        "deviation": None, "observed_ds": DS - timedelta(days=newest),
        "maturity_days": declared.maturity_days, "mature": not declared.recent, "alert": None,
        "note": None, "definition_version": 1, **given,
    }  # fmt: skip


def ordinary_day() -> list[dict[str, Any]]:
    """One currency, no rate to the reporting currency, one bad and one good figure."""
    no_rate = "Sales in a currency for which no rate to USD is known."
    young = "Not mature: orders placed up to 2018-06-30, and the figure takes 30 days to settle."
    brl = {"currency": "BRL"}
    return [
        row("orders", 412, 367),
        row("gmv", 38_120.4, 33_950.1, **brl),
        row("gmv_mtd", 1_023_456.7, 965_400.0, **brl),
        row("average_order_value", 98.4, 101.2, **brl),
        row("gmv_reporting", None, currency="USD", note=no_rate),
        row("gmv_7d", 251_000.0, 239_000.0, **brl),
        row("gmv_7d", 60_000.0, 48_000.0, dimension="category", member="electronics", **brl),
        row("gmv_7d", 9_000.0, 9_600.0, dimension="category", member="toys", **brl),
        row("late_rate", 0.123, 0.071, alert="bad", deviation=5.9),
        row("completion_rate", 0.958, 0.962),
        row("completion_rate_recent", 0.083, 0.087, note=young),
        row("new_buyers", 301, 240, alert="good", deviation=4.4),
        row("seller_churn", 0.061, note="No comparison: 3 of 8 same weekdays have a figure."),
    ]
