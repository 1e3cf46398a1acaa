"""Figures as people read them: numbers with their unit, dates, changes, names written by others."""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

from conf.currencies import exponent
from conf.metrics import BY_NAME, Metric, Trailing, Unit

LONGEST_NAME = 44
FORMULA_STARTS = "=+-@"
ABOUT_PERCENT = 3
MILLION = 1_000_000
NO_BREAK = "\u00a0"
WHOLE_FROM = 1000
"""From this many major units on, an amount is shown without its minor units."""


def number(value: float) -> str:
    """1234.0 as 1,234; a median between two counts as 2.5."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def money(value: float, currency: str) -> str:
    """USD 98.40, USD 1,234, USD 1.23M; code and number stay on one line."""
    if abs(value) >= MILLION:
        return f"{currency}{NO_BREAK}{value / MILLION:,.2f}M"
    digits = 0 if abs(value) >= WHOLE_FROM else exponent(currency)
    return f"{currency}{NO_BREAK}{value:,.{digits}f}"


def figure(metric: str, value: float | None, currency: str) -> str:
    """A metric's value with its unit; a dash where there is none."""
    if value is None:
        return "–"
    unit = BY_NAME[metric].unit
    if unit is Unit.MONEY:
        return money(value, currency)
    if unit is Unit.SHARE:
        return f"{value:.1%}"
    if unit is Unit.DAYS:
        return f"{value:.1f}{NO_BREAK}days"
    return f"{value:.2f}" if unit is Unit.STARS else number(value)


def difference(metric: str, value: float, usual: float) -> str:
    """How far from the usual, signed: of shares in points, of times and stars as they are."""
    unit = BY_NAME[metric].unit
    if unit is Unit.SHARE:
        return f"{_signed((value - usual) * 100, 1)}{NO_BREAK}points"
    if unit is Unit.DAYS:
        return f"{_signed(value - usual, 1)}{NO_BREAK}days"
    if unit is Unit.STARS:
        return _signed(value - usual, 2)
    if usual:
        return f"{_signed((value / usual - 1) * 100, 0)}%"
    return "from none" if value else "±0"


def compared(value: float, usual: float) -> str:
    """'12% more than', '4% fewer than' or 'about as many as'."""
    percent = round((value / usual - 1) * 100)
    if abs(percent) < ABOUT_PERCENT:
        return "about as many as"
    return f"{abs(percent)}% {'more' if percent > 0 else 'fewer'} than"


def beside(value: float, usual: float) -> str:
    """'12% above', '4% below' or 'equal to'."""
    percent = round((value / usual - 1) * 100)
    if percent == 0:
        return "equal to"
    return f"{abs(percent)}% {'above' if percent > 0 else 'below'}"


def day(ds: date) -> str:
    """30 June 2018."""
    return f"{ds.day} {ds:%B %Y}"


def short_day(ds: date) -> str:
    """30 Jun."""
    return f"{ds.day} {ds:%b}"


def observed_days(metric: Metric, observed_ds: date) -> str:
    """The dates that a figure is about: '30 June 2018', '24 to 30 June 2018'."""
    if not isinstance(metric.window, Trailing):
        return f"1 to {day(observed_ds)}"
    length = metric.window.oldest - metric.window.newest
    first = observed_ds - timedelta(days=length)
    if length == 0:
        return day(observed_ds)
    if (first.year, first.month) == (observed_ds.year, observed_ds.month):
        return f"{first.day} to {day(observed_ds)}"
    year = f" {first.year}" if first.year != observed_ds.year else ""
    return f"{first.day} {first:%B}{year} to {day(observed_ds)}"


def name(text: str) -> str:
    """A name written by an outsider: one line, no invisible or direction-changing characters, not
    too long, and in quotes where a spreadsheet would take it for a formula."""
    plain = "".join("�" if unicodedata.category(char).startswith("C") else char for char in text)
    plain = " ".join(plain.split()) or "(no name)"
    short = plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}…"
    return f"“{short}”" if short[0] in FORMULA_STARTS else short


def listed(words: list[str]) -> str:
    """a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        return f"±{text}"
    return f"{'+' if value > 0 else '−'}{text}"
