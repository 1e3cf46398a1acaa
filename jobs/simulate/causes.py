"""What moves orders and prices from outside: holidays, promotions, outages, shocks, collapses.

They stand in the calendar. What happens in a calendar quarter follows from the seed and the
quarter alone, so that windows that share a day agree about it. Only counts of orders, prices and
coupons are moved, never a seller's health.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from dateutil.easter import easter
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate.draws import HOUR_WEIGHTS
from jobs.simulate.keyed import Chances, Doubles
from jobs.simulate.plan import CATEGORIES, MARKETS, Plan
from jobs.window import DAY, Window, start_of

SIZE_OF = {
    "holiday": "orders", "promotion": "orders", "category_collapse": "orders",
    "price_shock": "prices", "outage": "orders of the day that are lost",
}  # fmt: skip
"""Each kind with what its ratio is of: times the usual orders or prices, or a share."""
COUPONS, PROMOTION_COUPONS = 0.08, 0.40  # shares of the orders
MARGIN_DAYS = 10  # between any planted cause and the ends of its quarter
PROMOTION_DAYS = 3
PROMOTION = (1.4, 1.8)  # times the usual orders
COLLAPSE_DAYS = (10, 25)
COLLAPSE = (0.25, 0.50)
DEARER, CHEAPER = (1.15, 1.40), (0.75, 0.90)  # times the price before: one or the other
DEARER_SHARE = 0.6  # of the price shocks
OUTAGE_FROM, OUTAGE_HOURS = (11, 19), (2, 4)  # by the clock on the wall

Rule = Callable[[int], date]
"""The date of a holiday in a year."""


@dataclass(frozen=True)
class Holiday:
    """A day, or some in a row, on which a market's buyers order so many times the usual."""

    name: str
    on: Rule
    ratio: float
    days: int = 1


def _on(month: int, day: int) -> Rule:
    return lambda year: date(year, month, day)


def _easter(after: int = 0) -> Rule:
    """So many days after Easter Sunday."""
    return lambda year: easter(year) + after * DAY


def _nth(weekday: int, month: int, nth: int, after: int = 0) -> Rule:
    """So many days after the nth such weekday (Monday is 0) of a month; -1 is the last one."""

    def of(year: int) -> date:
        first = date(year, month, 1)
        days = [first + n * DAY for n in range(31)]
        fitting = [day for day in days if day.month == month and day.weekday() == weekday]
        return fitting[nth - 1 if nth > 0 else nth] + after * DAY

    return of


_MONDAY, _THURSDAY = 0, 3
HOLIDAYS: Mapping[str, tuple[Holiday, ...]] = {
    "US": (
        Holiday("New Year's Day", _on(1, 1), 0.70),
        Holiday("Easter Sunday", _easter(), 0.75),
        Holiday("Memorial Day", _nth(_MONDAY, 5, -1), 1.15),
        Holiday("Independence Day", _on(7, 4), 0.70),
        Holiday("Labor Day", _nth(_MONDAY, 9, 1), 1.10),
        Holiday("Thanksgiving", _nth(_THURSDAY, 11, 4), 0.75),
        Holiday("Black Friday", _nth(_THURSDAY, 11, 4, after=1), 1.90),
        Holiday("Cyber Monday", _nth(_THURSDAY, 11, 4, after=4), 1.80),
        Holiday("Christmas Day", _on(12, 25), 0.45),
    ),
    "DE": (
        Holiday("Neujahr", _on(1, 1), 0.65),
        Holiday("Karfreitag", _easter(-2), 0.80),
        Holiday("Ostersonntag", _easter(), 0.70),
        Holiday("Ostermontag", _easter(1), 0.85),
        Holiday("Tag der Arbeit", _on(5, 1), 0.80),
        Holiday("Tag der Deutschen Einheit", _on(10, 3), 0.85),
        Holiday("Black Friday", _nth(_THURSDAY, 11, 4, after=1), 1.60),
        Holiday("Weihnachten", _on(12, 25), 0.55, days=2),
    ),
    "GB": (
        Holiday("New Year's Day", _on(1, 1), 0.70),
        Holiday("Good Friday", _easter(-2), 0.90),
        Holiday("Easter Sunday", _easter(), 0.70),
        Holiday("Early May bank holiday", _nth(_MONDAY, 5, 1), 1.10),
        Holiday("Spring bank holiday", _nth(_MONDAY, 5, -1), 1.10),
        Holiday("Summer bank holiday", _nth(_MONDAY, 8, -1), 0.90),
        Holiday("Black Friday", _nth(_THURSDAY, 11, 4, after=1), 1.80),
        Holiday("Christmas Day", _on(12, 25), 0.40),
        Holiday("Boxing Day", _on(12, 26), 1.25),
    ),
    "JP": (
        Holiday("New Year", _on(1, 1), 0.60, days=3),
        Holiday("Golden Week", _on(4, 29), 0.80, days=7),
        Holiday("Obon", _on(8, 13), 0.75, days=4),
        Holiday("Labor Thanksgiving Day", _on(11, 23), 1.10),
        Holiday("New Year's Eve", _on(12, 31), 0.70),
    ),
}


@dataclass(frozen=True)
class Cause:
    """One thing that moves orders or prices; `size_ratio` is of what SIZE_OF says of its kind.

    No marketplace and no category: all of them. No last day: for good. Hours are an outage's.
    """

    cause_id: str
    kind: str
    marketplace: str | None
    category: str | None
    first_day: date
    last_day: date | None
    size_ratio: float
    sentence: str
    hours: tuple[int, int] | None = None


def planned(seed: int, window: Window) -> list[Cause]:
    """The causes that touch a day of the window; a price shock touches the day of its step."""
    years = range(window.first.year, window.last.year + 1)
    found = [cause for year in years for cause in _of_year(seed, year)]
    touching = [
        cause for cause in found
        if cause.first_day <= window.last and (cause.last_day or cause.first_day) >= window.first
    ]  # fmt: skip
    return sorted(touching, key=lambda cause: (cause.first_day, cause.cause_id))


def _of_year(seed: int, year: int) -> Iterator[Cause]:
    for market, holidays in HOLIDAYS.items():
        yield from (_holiday(market, holiday, year) for holiday in holidays)
    for quarter in range(1, 5):
        yield from _of_quarter(seed, year, quarter)


def _holiday(market: str, holiday: Holiday, year: int) -> Cause:
    first = holiday.on(year)
    return Cause(
        f"holiday-{market.lower()}-{first}", "holiday", market, None,
        first, first + (holiday.days - 1) * DAY, holiday.ratio,
        f"{holiday.name}: {holiday.ratio:.2f} times the usual orders in {market}.",
    )  # fmt: skip


def _of_quarter(seed: int, year: int, quarter: int) -> Iterator[Cause]:
    """One outage, one promotion, one price shock and one collapse, of another category."""
    first = date(year, 3 * quarter - 2, 1)
    length = (date(year + quarter // 4, 3 * quarter % 12 + 1, 1) - first).days
    drawn = Chances(seed, np.array([4 * year + quarter], np.int64), ("cause ",))

    def uniform(purpose: str) -> float:
        return float(drawn.uniform(purpose)[0])

    def whole(low: int, high: int, purpose: str) -> int:
        return low + int(uniform(purpose) * (high - low + 1))

    def ratio(bounds: tuple[float, float], purpose: str) -> float:
        return round(bounds[0] + (bounds[1] - bounds[0]) * uniform(purpose), 2)

    def begins(days: int, purpose: str) -> date:
        return first + DAY * whole(MARGIN_DAYS, length - MARGIN_DAYS - days, purpose)

    name = f"{year}q{quarter}"
    category = tuple(CATEGORIES)[whole(0, len(CATEGORIES) - 1, "shocked")]
    others = [other for other in CATEGORIES if other != category]
    yield _outage(name, begins(1, "outage"), whole(*OUTAGE_FROM, "hour"),
                  whole(*OUTAGE_HOURS, "hours"))  # fmt: skip
    yield _promotion(name, begins(PROMOTION_DAYS, "promotion"), ratio(PROMOTION, "promoted"))
    step = DEARER if uniform("step up") < DEARER_SHARE else CHEAPER
    yield _price_shock(name, category, begins(1, "step"), ratio(step, "step size"))
    days = whole(*COLLAPSE_DAYS, "collapse days")
    yield _collapse(name, others[whole(0, len(others) - 1, "collapsed")],
                    begins(days, "collapse"), days, ratio(COLLAPSE, "collapse size"))  # fmt: skip


def _outage(quarter: str, day: date, hour: int, hours: int) -> Cause:
    lost = sum(HOUR_WEIGHTS[hour : hour + hours]) / sum(HOUR_WEIGHTS)
    return Cause(
        f"outage-{quarter}", "outage", None, None, day, day, round(lost, 4),
        f"No order can be placed from {hour}:00 to {hour + hours}:00: {lost:.0%} of a day's.",
        hours=(hour, hour + hours),
    )  # fmt: skip


def _promotion(quarter: str, day: date, ratio: float) -> Cause:
    return Cause(
        f"promotion-{quarter}", "promotion", None, None,
        day, day + (PROMOTION_DAYS - 1) * DAY, ratio,
        f"{ratio:.2f} times the usual orders, coupons on {PROMOTION_COUPONS:.0%} of them "
        f"instead of {COUPONS:.0%}.",
    )  # fmt: skip


def _price_shock(quarter: str, category: str, day: date, ratio: float) -> Cause:
    return Cause(
        f"price_shock-{quarter}", "price_shock", None, category, day, None, ratio,
        f"Prices of {category} change to {ratio:.2f} times what they were, for good.",
    )  # fmt: skip


def _collapse(quarter: str, category: str, day: date, days: int, ratio: float) -> Cause:
    return Cause(
        f"category_collapse-{quarter}", "category_collapse", None, category,
        day, day + (days - 1) * DAY, ratio,
        f"{ratio:.2f} times the usual orders with sellers who sell {category} above all.",
    )  # fmt: skip


def demand(seed: int, first: date, days: int) -> Doubles:
    """[marketplaces, categories, days]: times the usual orders, by a seller's main category."""
    window = Window(first, first + (days - 1) * DAY)
    factor = np.ones((len(MARKETS), len(CATEGORIES), days))
    for cause in planned(seed, window):
        if SIZE_OF[cause.kind] == "orders":
            last = cause.last_day or window.last
            spell = slice(max((cause.first_day - first).days, 0), (last - first).days + 1)
            market, category = _at(MARKETS, cause.marketplace), _at(CATEGORIES, cause.category)
            factor[market, category, spell] *= cause.size_ratio
    return factor


def _at(names: Iterable[str], name: str | None) -> int | slice:
    """The index of the name; all of them where there is none."""
    return slice(None) if name is None else list(names).index(name)


def reachable(plan: Plan, at: str) -> Column:
    """Orders can be placed at that time (a column) of the row's `day`: no outage is on."""
    # The day first, which is there: the time is worked out for these days' orders alone.
    spells = [
        f"day = date '{cause.first_day}' and {at} >= {_instant(begin)} and {at} < {_instant(end)}"
        for cause in _of_kind(plan, "outage")
        for begin, end in [_spell(cause, plan.zone)]
    ]
    return F.expr(f"not ({' or '.join(spells)})" if spells else "true")


def coupon_share(plan: Plan) -> Column:
    """The share of the orders of the row's `day` that have a coupon."""
    promoted = [
        f"when day between date '{cause.first_day}' and date '{cause.last_day}'"
        f" then {PROMOTION_COUPONS}D"
        for cause in _of_kind(plan, "promotion")
    ]
    return F.expr(f"case {' '.join(promoted)} else {COUPONS}D end" if promoted else f"{COUPONS}D")


def price_steps(plan: Plan) -> list[tuple[str, str, str, float]]:
    """Each price shock of the window: its quarter, category, instant (SQL text) and ratio."""
    return [
        (
            cause.cause_id.removeprefix("price_shock-"), str(cause.category),
            _instant(start_of(cause.first_day, plan.zone)), cause.size_ratio,
        )
        for cause in _of_kind(plan, "price_shock")
    ]  # fmt: skip


def _of_kind(plan: Plan, kind: str) -> list[Cause]:
    found = planned(plan.seed, Window(plan.first, plan.last))
    return [cause for cause in found if cause.kind == kind]


def _instant(at: datetime) -> str:
    return f"timestamp_seconds({int(at.timestamp())})"


def _spell(cause: Cause, zone: str) -> tuple[datetime, datetime]:
    """The instants from which and until which (not included) an outage lasts."""
    begin, end = (
        datetime.combine(cause.first_day, time(hour), ZoneInfo(zone)).astimezone(UTC)
        for hour in cause.hours or (0, 0)
    )
    return begin, end


TRUTH = (
    "cause_id string, kind string, marketplace string, category string, first_day date,"
    " last_day date, from_at timestamp, until_at timestamp, size_of string,"
    " size_ratio decimal(6,4), sentence string"
)


def truth(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row a cause that touches the window: TRUTH."""
    rows = []
    for cause in planned(plan.seed, Window(plan.first, plan.last)):
        spell = _spell(cause, plan.zone) if cause.hours else (None, None)
        rows.append((
            cause.cause_id, cause.kind, cause.marketplace, cause.category, cause.first_day,
            cause.last_day, *spell, SIZE_OF[cause.kind], Decimal(f"{cause.size_ratio:.4f}"),
            cause.sentence,
        ))  # fmt: skip
    return spark.createDataFrame(rows, TRUTH).coalesce(1)
