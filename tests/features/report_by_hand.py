"""The daily report computed the slow, plain way: one date and one metric at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from statistics import median
from typing import Any

from conf.currencies import NO_CURRENCY, exponent
from conf.metrics import DAY_US, Metric, Month, Trailing, Unit

DAY = timedelta(days=1)
Row = dict[str, Any]


@dataclass(frozen=True)
class Rate:
    """A version of a rate, known from `known` until `until` (None: still)."""

    on: date
    base: str
    quote: str
    rate: Decimal
    known: date
    until: date | None = None


def days_of(window: Trailing | Month, ds: date) -> set[date]:
    """The dates that a figure of ds is about."""
    if isinstance(window, Trailing):
        return {ds - DAY * n for n in range(window.newest, window.oldest + 1)}
    first = ds.replace(day=1)
    if window is Month.TO_DATE:
        return {first + DAY * n for n in range(ds.day)}
    before = (first - DAY).replace(day=1)
    return {before + DAY * n for n in range(31) if before + DAY * n < first and n < ds.day}


def total(rows: Iterable[Row], measure: str, days: set[date], ds: date) -> int:
    """The sum of a measure over dates, as known at the end of ds."""
    return sum(row[measure] for row in rows if row["occurred_ds"] in days and row["known_ds"] <= ds)


def present(rows: list[Row], member: str, measure: str, days: set[date], ds: date) -> set[Any]:
    """Members with a positive sum on at least one of the dates, as known at the end of ds."""
    sums: dict[tuple[Any, Any], int] = {}
    for row in rows:
        if row["occurred_ds"] in days and row["known_ds"] <= ds:
            key = (row[member], row["occurred_ds"])
            sums[key] = sums.get(key, 0) + row[measure]
    return {who for (who, _), number in sums.items() if number > 0}


def rate_of(
    rates: list[Rate], currency: str, target: str, on: date, ds: date, age: int
) -> tuple[Decimal, Decimal] | None:
    """(factor, divisor) for a currency on a date, as known at the end of ds; None without."""
    if currency == target:
        return Decimal(1), Decimal(1)
    usable = [
        r for r in rates
        if on - DAY * age <= r.on <= on and r.known <= ds and (r.until is None or ds < r.until)
        and {r.base, r.quote} == {currency, target}
    ]  # fmt: skip
    if not usable:
        return None
    best = max(usable, key=lambda r: (r.on, r.quote == target))
    return (best.rate, Decimal(1)) if best.quote == target else (Decimal(1), best.rate)


def in_target(
    rows: list[Row], rates: list[Rate], target: str, days: set[date], ds: date, age: int
) -> int | None:
    """The sales of the dates in the target's minor units; None where a rate is missing."""
    result = 0
    for on in days:
        for currency in {row["currency"] for row in rows} - {NO_CURRENCY}:
            mine = [row for row in rows if row["currency"] == currency]
            amount = total(mine, "gmv_minor", {on}, ds)
            found = rate_of(rates, currency, target, on, ds, age)
            if amount and found is None:
                return None
            if amount and found:
                shift = Decimal(10) ** (exponent(target) - exponent(currency))
                exact = Decimal(amount) * found[0] * shift / found[1]
                result += int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))
    return result


def figure(metric: Metric, numerator: int | None, denominator: int, currency: str) -> float | None:
    """The value from its parts."""
    if numerator is None or (metric.denominator and not denominator):
        return None
    scale = 1.0
    if metric.unit is Unit.MONEY:
        scale = 10.0 ** exponent(currency)
    if metric.unit is Unit.DAYS:
        scale = float(DAY_US)
    return numerator / denominator / scale if metric.denominator else numerator / scale


def usual(values: list[float | None]) -> float | None:
    """The median of the values there are, at least five."""
    known = [value for value in values if value is not None]
    return median(known) if len(known) >= 5 else None
