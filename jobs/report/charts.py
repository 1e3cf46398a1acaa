"""Small charts as coordinates: a line of days on a band of what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from conf.metrics import WEEK_DAYS

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 2, 6, 20, 20


@dataclass(frozen=True)
class Day:
    """One point: what the date showed, and between which values its same weekdays before lay."""

    ds: date
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Chart:
    """What the template draws; coordinates in a viewBox of WIDTH x HEIGHT."""

    name: str
    title: str
    description: str
    line: str
    bands: tuple[str, ...]
    last: tuple[float, float]
    top_label: str
    top_y: float
    base_y: float
    ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def with_bands(
    values: dict[date, float], days: Sequence[date], same_weekdays: int, least: int
) -> list[Day]:
    """Each of `days` with the range of its same weekdays before; no range with fewer than `least`
    of them. A date before the first one known has no value and serves nobody."""
    begun = min(values, default=None)
    found = []
    for ds in days:
        before = [ds - timedelta(days=WEEK_DAYS * n) for n in range(1, same_weekdays + 1)]
        usual = [values.get(d, 0.0) for d in before if begun and d >= begun]
        known = len(usual) >= least
        value = values.get(ds, 0.0)
        found.append(Day(ds, value, min(usual), max(usual)) if known else Day(ds, value))
    return [point for point in found if begun and point.ds >= begun]


def chart(name: str, title: str, description: str, days: Sequence[Day], top_label: str) -> Chart:
    """The coordinates of a series of at least two days, from zero to its highest value."""
    highest = highest_of(days)
    step = (WIDTH - LEFT - RIGHT) / (len(days) - 1)
    xs = [LEFT + step * at for at in range(len(days))]
    points = [(x, _y(day.value, highest)) for x, day in zip(xs, days, strict=True)]
    return Chart(
        name, title, description, _path(points), tuple(_bands(xs, days, highest)), points[-1],
        top_label, _y(highest, highest), _y(0, highest), _ticks(xs, days),
    )  # fmt: skip


def highest_of(days: Sequence[Day]) -> float:
    """The value at the top of the chart; 1 where all are zero."""
    return max((max(day.value, day.high or 0) for day in days), default=0) or 1


def _y(value: float, highest: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * max(value, 0) / highest, 1)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _bands(xs: Sequence[float], days: Sequence[Day], highest: float) -> list[str]:
    """One closed outline per unbroken run of days that have a range."""
    runs: list[list[tuple[float, Day]]] = [[]]
    for x, day in zip(xs, days, strict=True):
        if day.low is None:
            runs.append([])
        else:
            runs[-1].append((x, day))
    outlines = []
    for run in runs:
        upper = [(x, _y(day.high or 0, highest)) for x, day in run]
        lower = [(x, _y(day.low or 0, highest)) for x, day in reversed(run)]
        if len(run) > 1:
            outlines.append(_path([*upper, *lower]) + " Z")
    return outlines


def _ticks(xs: Sequence[float], days: Sequence[Day]) -> tuple[tuple[float, str], ...]:
    """A date every two weeks, counted back from the last day."""
    every = 2 * WEEK_DAYS
    marked = range(len(days) - 1, -1, -every)
    return tuple(
        (round(xs[at], 1), f"{days[at].ds.day} {days[at].ds:%b}") for at in reversed(marked)
    )
