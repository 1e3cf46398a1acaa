"""What the daily page says, as plain values: the template only lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from conf.currencies import NO_CURRENCY
from conf.metrics import BY_NAME, METRICS, YOUNG_SUFFIX, Against
from conf.settings import AlertsPolicy
from jobs.report import charts, sentences, wording
from jobs.report.figures import Figures

SeriesKey = tuple[str, str]
"""Metric and currency."""

SHOWN_DAYS = 56
MOVERS_EACH_WAY = 4
MOVER_TABLES = 2
"""Currencies, by sales, whose movers are shown."""

RATES = ("completion_rate", "late_rate", "delivery_days", "cancellation_rate", "refund_rate")
PEOPLE = ("new_buyers", "active_buyers", "new_sellers", "active_sellers", "seller_churn",
          "review_mean")  # fmt: skip
GROUPS = {"gmv_7d": ("category", "Categories"), "order_value_7d": ("region", "Regions")}


@dataclass(frozen=True)
class Fact:
    """One figure as shown: its value, and how it compares. `tone` is good, bad or empty."""

    label: str
    value: str
    usual: str
    change: str
    tone: str
    about: str
    note: str


@dataclass(frozen=True)
class Mover:
    """A member of a dimension whose sales changed; `width` in percent of the largest change."""

    name: str
    value: str
    change: str
    rises: bool
    width: float


@dataclass(frozen=True)
class MoverTable:
    title: str
    currency: str
    rising: tuple[Mover, ...]
    falling: tuple[Mover, ...]
    note: str


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    ds: date
    date_text: str
    headline: str
    lede: tuple[str, ...]
    findings: tuple[sentences.Finding, ...]
    calm: str
    tiles: tuple[Fact, ...]
    charts: tuple[charts.Chart, ...]
    band_text: str
    rates: tuple[Fact, ...]
    young: tuple[Fact, ...]
    young_text: str
    people: tuple[Fact, ...]
    currencies: tuple[tuple[str, tuple[Fact, ...]], ...]
    movers: tuple[MoverTable, ...]
    limits: tuple[str, ...]
    definitions: tuple[tuple[str, str, str], ...]


def page(
    figures: Figures, series: Mapping[SeriesKey, Mapping[date, float | None]], policy: AlertsPolicy
) -> Page:  # fmt: skip
    """The page of a date from its report rows and its series, values per (metric, currency)."""
    young = _facts(figures, [f"{name}_recent" for name in RATES])
    return Page(
        ds=figures.ds,
        date_text=f"{figures.ds:%A} {wording.day(figures.ds)}",
        headline=sentences.headline(figures),
        lede=sentences.lede(figures),
        findings=sentences.findings(figures),
        calm=sentences.calm(figures),
        tiles=_tiles(figures),
        charts=_charts(figures, series, policy),
        band_text=sentences.band(policy),
        rates=_facts(figures, RATES),
        young=young,
        young_text=sentences.young(figures),
        people=_facts(figures, PEOPLE),
        currencies=_by_currency(figures),
        movers=_mover_tables(figures),
        limits=sentences.limits(figures),
        definitions=tuple(
            (m.label, m.formula, sentences.definition(m)) for m in METRICS if figures.find(m.name)
        ),
    )


def fact(row: Mapping[str, Any], weekday: str) -> Fact:
    """A report row as shown."""
    metric, value, baseline = row["metric"], row["value"], row["baseline"]
    known = value is not None and baseline is not None
    usual = wording.figure(metric, baseline, row["currency"]) if known else ""
    against = BY_NAME[metric].against
    weekdays = f"usual {weekday}" if BY_NAME[metric].of_one_day else "usual"
    before = {
        Against.WEEKDAYS: weekdays,
        Against.LAST_MONTH: "same days of last month",
        Against.WEEK_BEFORE: "week before",
        Against.NOTHING: "",
    }[against]
    return Fact(
        label=BY_NAME[metric].label.removesuffix(YOUNG_SUFFIX),
        value=wording.figure(metric, value, row["currency"]),
        usual=f"{before} {usual}" if known else "",
        change=wording.difference(metric, value, baseline) if known else "",
        tone=row["alert"] or "",
        about=wording.observed_days(BY_NAME[metric], row["observed_ds"]),
        note=row["note"] or "",
    )


def _facts(figures: Figures, metrics: Sequence[str]) -> tuple[Fact, ...]:
    rows = [figures.find(name) for name in metrics]
    return tuple(fact(row, f"{figures.ds:%A}") for row in rows if row is not None)


def _tiles(figures: Figures) -> tuple[Fact, ...]:
    main = figures.main or NO_CURRENCY
    rows = (
        figures.find("orders"), figures.sales("gmv"), figures.sales("gmv_mtd"),
        figures.find("average_order_value", main),
    )  # fmt: skip
    return tuple(fact(row, f"{figures.ds:%A}") for row in rows if row is not None)


def _by_currency(figures: Figures) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    """Sales, month to date and average order of each currency, where there are several."""
    if len(figures.currencies()) < 2:
        return ()
    found = []
    for currency in figures.currencies():
        rows = [figures.find(m, currency) for m in ("gmv", "gmv_mtd", "average_order_value")]
        facts = [fact(row, f"{figures.ds:%A}") if row else _absent() for row in rows]
        found.append((currency, tuple(facts)))
    return tuple(found)


def _absent() -> Fact:
    return Fact("", "–", "", "", "", "", "")


def _charts(
    figures: Figures, series: Mapping[SeriesKey, Mapping[date, float | None]], policy: AlertsPolicy
) -> tuple[charts.Chart, ...]:  # fmt: skip
    shown = [figures.ds - timedelta(days=n) for n in range(SHOWN_DAYS - 1, -1, -1)]
    drawn = []
    for name, key in (("Orders", ("orders", NO_CURRENCY)), ("Sales", _sales_key(figures, series))):
        metric, currency = key
        values = {ds: value or 0.0 for ds, value in series.get(key, {}).items()}
        days = charts.with_bands(values, shown, policy.same_weekdays, policy.min_same_weekdays)
        if len(days) < 2:
            continue
        title = f"{name} per day{'' if currency == NO_CURRENCY else f' ({currency})'}"
        top = wording.figure(metric, charts.highest_of(days), currency)
        description = sentences.chart_description(title, days, metric, currency)
        drawn.append(charts.chart(name.lower(), title, description, days, top))
    return tuple(drawn)


def _sales_key(
    figures: Figures, series: Mapping[SeriesKey, Mapping[date, float | None]]
) -> SeriesKey:
    """Sales in the reporting currency if every day has its rates, else in the largest currency."""
    sold = figures.sales("gmv")
    key = (sold["metric"], sold["currency"]) if sold else ("gmv", NO_CURRENCY)
    complete = all(value is not None for value in series.get(key, {}).values())
    return key if complete or not figures.main else ("gmv", figures.main)


def _mover_tables(figures: Figures) -> tuple[MoverTable, ...]:
    tables = []
    for metric, (_, title) in GROUPS.items():
        for currency in figures.currencies()[:MOVER_TABLES]:
            total = figures.find(metric, currency)
            members = figures.members(metric, currency)
            if total is None or not members:
                continue
            many = len(figures.currencies()) > 1
            name = f"{title}, {currency}" if many else title
            tables.append(_mover_table(name, currency, total, members))
    return tuple(tables)


def _mover_table(
    title: str, currency: str, total: Mapping[str, Any], members: Sequence[Mapping[str, Any]]
) -> MoverTable:
    moved = [
        (row["value"] - row["baseline"], row)
        for row in members
        if row["value"] is not None and row["baseline"] is not None
    ]
    ranked = sorted(moved, key=lambda pair: (-abs(pair[0]), pair[1]["member"]))
    largest = max((abs(change) for change, _ in ranked), default=0) or 1
    rising = [_mover(row, change, largest) for change, row in ranked if change > 0]
    falling = [_mover(row, change, largest) for change, row in ranked if change < 0]
    return MoverTable(
        title, currency, tuple(rising[:MOVERS_EACH_WAY]), tuple(falling[:MOVERS_EACH_WAY]),
        _why_empty(total, moved=bool(moved), changed=bool(rising or falling)),
    )  # fmt: skip


def _why_empty(total: Mapping[str, Any], *, moved: bool, changed: bool) -> str:
    if not moved:
        return total["note"] or "There is nothing to compare with the week before."
    return "" if changed else "Nothing changed against the week before."


def _mover(row: Mapping[str, Any], change: float, largest: float) -> Mover:
    percent = wording.difference(row["metric"], row["value"], row["baseline"])
    amount = wording.money(abs(change), row["currency"])
    return Mover(
        wording.name(row["member"]),
        wording.money(row["value"], row["currency"]),
        f"{'+' if change > 0 else '−'}{amount} ({percent})",
        change > 0,
        round(100 * abs(change) / largest, 1),
    )
