"""The report rows of one date, looked up by what they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from conf.metrics import BY_NAME


class Figures:
    """The report rows of one date, looked up by metric, dimension and currency."""

    def __init__(self, ds: date, rows: Sequence[Mapping[str, Any]]) -> None:
        self.ds = ds
        order = {metric: place for place, metric in enumerate(BY_NAME)}
        self.rows = sorted(
            (dict(row) for row in rows),
            key=lambda r: (order[r["metric"]], r["dimension"], r["currency"], r["member"]),
        )
        self.main = self._main_currency()
        everything = self.find("gmv_reporting")
        self.converted = everything is not None and everything["value"] is not None

    def find(self, metric: str, currency: str | None = None) -> dict[str, Any] | None:
        """The figure of the whole marketplace; without a currency the only one there is."""
        for row in self.rows:
            fits = currency is None or row["currency"] == currency
            if row["metric"] == metric and row["dimension"] == "all" and fits:
                return row
        return None

    def sales(self, metric: str) -> dict[str, Any] | None:
        """A sales metric in the reporting currency where rates are known, else in the largest."""
        if self.converted:
            return self.find(f"{metric}_reporting")
        return self.find(metric, self.main) if self.main else None

    def currencies(self) -> list[str]:
        """Currencies with sales lately, the one with most orders' worth of them first."""
        found = [
            row for row in self.rows if row["metric"] == "gmv_7d" and row["dimension"] == "all"
        ]
        return [
            r["currency"]
            for r in sorted(found, key=lambda r: (-(r["numerator"] or 0), r["currency"]))
        ]

    def members(self, metric: str, currency: str) -> list[dict[str, Any]]:
        return [
            row for row in self.rows
            if (row["metric"], row["currency"]) == (metric, currency) and row["dimension"] != "all"
        ]  # fmt: skip

    def _main_currency(self) -> str | None:
        return next(iter(self.currencies()), None)
