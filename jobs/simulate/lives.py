"""The lives of sellers: the hidden truth of a simulated marketplace, day by day.

One recursion over days in NumPy for CHUNK sellers at a time; every draw is keyed by seed, purpose,
seller and date, so that neither chunks nor the length of the window change anything. Only rings
share draws, by the ring's id, which follows from the seller's number.

Memory: 71 bytes a seller and day in what is returned (0.9 GB for 20,000 sellers and 640 days), for
a moment twice that when there are several chunks. A caller with many sellers asks for CHUNK at a
time, 0.3 GB at 640 days: the same content, as chunks change nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.simulate import enforcement, health
from jobs.simulate.health import GROUPS, State
from jobs.simulate.keyed import Chances, Floats, Ids, luck, uniform
from jobs.simulate.kinds import METRICS, Traits, traits
from jobs.simulate.rates import rate

CHUNK = 4_096  # sellers; a day's arrays then fit the processor's cache
ADS_UNKNOWN, ADS_UNKNOWN_NEW, ADS_NEW_DAYS = 0.095, 0.25, 120.0  # share of months; more when new
ADS_STOP_EARLY = 2  # days
TROUBLED_SALES = 0.35  # exponent of buyers' reaction: health 0.4 sells a fifth less than 0.8

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Actions:
    """One row an enforcement action, sorted by seller and day."""

    row: Ids  # index into the sellers asked for
    day: Ids
    action: Ids  # index in enforcement.ACTIONS
    cause: Ids  # index in the keys of enforcement.CAUSES: the reason code
    until: Ids  # first day on which it no longer holds; a suspension ends by reinstatement; NEVER


@dataclass(frozen=True)
class Papers:
    """One row an event of a seller's papers: expired, or verified (anew)."""

    row: Ids
    day: Ids
    verified: Bools


@dataclass(frozen=True)
class Lives:
    """What sellers are and do in secret; arrays are [sellers, days] where nothing else is said."""

    seed: int
    first: date
    days: int
    traits: Traits
    health: Floats  # 0 to 1
    intensity: Floats  # expected orders relative to traits.size; 0 where he does not sell
    rates: dict[str, Floats]  # by METRICS: chances, hours and shares as rates.RATES tells
    hazard: Floats  # of an enforcement action, a day; 0 where there is nothing to act on
    warned: Bools  # a policy warning on the day
    ads_known: Bools  # there is advertising data; missing by calendar month
    messaging: Bools  # buyers reach him through the platform
    actions: Actions
    papers: Papers
    kept: dict[int, State]  # the whole state after each day that was to be kept


def lives(seed: int, seller_no: Ids, first: date, days: int,
          keep: Collection[int] = ()) -> Lives:  # fmt: skip
    """The lives of these sellers from `first` on; keeps the whole state after each day in `keep`.

    More days never change earlier ones; another `first` is another world.
    """
    parts = [
        _some(seed, seller_no[start : start + CHUNK], first, days, frozenset(keep))
        for start in range(0, max(len(seller_no), 1), CHUNK)
    ]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _some(seed: int, seller_no: Ids, first: date, days: int, keep: frozenset[int]) -> Lives:
    who = traits(seed, seller_no)
    run = _Run(who, days)
    kept = {}
    for day, state in histories(seed, who, first, days, run):
        if day in keep:
            kept[day] = deepcopy(state)
    by_seller = {name: np.ascontiguousarray(array.T) for name, array in run.outputs().items()}
    rates = {
        name: np.ascontiguousarray(rate(name, run.strain, who.leans[name]).T) for name in METRICS
    }
    return Lives(
        seed=seed, first=first, days=days, traits=who, rates=rates, kept=kept,
        actions=run.actions(), papers=run.papers(), ads_known=_ads_known(seed, who, first, days),
        messaging=np.arange(days) >= who.messaging_from[:, None], **by_seller,
    )  # fmt: skip


def histories(seed: int, who: Traits, first: date, days: int,
              run: _Run) -> Iterator[tuple[int, State]]:  # fmt: skip
    """The state after each day, one object changed in place; `run` writes down what happens."""
    chances, rings = Chances(seed, who.seller_no), Chances(seed, who.ring, ("ring ",))
    state = health.opening(who, chances)
    for day in range(days):
        absolute = first.toordinal() + day
        before = state.papers, state.lapsed
        open_, load, strain, warned, hazard = passed(state, who, chances, rings, day, absolute)
        run.papers_changed(day, state, *before)
        run.note(day, open_, load, strain, warned, hazard)
        before = state.papers.copy(), state.lapsed.copy()
        run.took.append((day, enforcement.acted(state, chances, day, absolute, hazard)))
        run.papers_changed(day, state, *before)
        yield day, state


def passed(state: State, who: Traits, chances: Chances, rings: Chances, day: int,
           absolute: int) -> tuple[Bools, Floats, Floats, Bools, Floats]:  # fmt: skip
    """A day up to the platform's decision: open, load, strain, warned and hazard."""
    health.lived(state, who, chances, rings, day, absolute)
    open_ = health.selling(state, who, day)
    load = health.demand(state, who, day, absolute)
    strain = health.strains(state, who, day, load)
    seen = {name: rate(name, strain, who.leans[name]) for name in ("late", "defect", "breach")}
    warned = enforcement.measure(state, who, chances, absolute, open_.astype(np.float32), load,
                                 **seen)  # fmt: skip
    return open_, load, strain, warned, enforcement.hazards(state, who, day, load)


class _Run:
    """What a recursion writes down, [days, sellers] as it goes."""

    def __init__(self, who: Traits, days: int) -> None:
        self.shape = (days, len(who.seller_no))
        self.strain = np.zeros((len(GROUPS), *self.shape), np.float32)
        self.intensity = np.zeros(self.shape, np.float32)
        self.hazard = np.zeros(self.shape, np.float32)
        self.warned = np.zeros(self.shape, np.bool_)
        self.took: list[tuple[int, tuple[Ids, Ids, Ids, Ids]]] = []
        self.changed: list[tuple[int, Ids, bool]] = []

    def note(self, day: int, open_: Bools, load: Floats, strain: Floats, warned: Bools,
             hazard: Floats) -> None:  # fmt: skip
        self.strain[:, day], self.warned[day] = strain, warned
        sound = health.health(strain) / np.float32(0.8)
        self.intensity[day] = open_ * load * sound ** np.float32(TROUBLED_SALES)
        self.hazard[day] = hazard.sum(axis=0)

    def papers_changed(self, day: int, state: State, papers: Ids, lapsed: Ids) -> None:
        self.changed.append((day, np.flatnonzero(state.papers != papers), True))
        expired = (state.lapsed != lapsed) & (state.lapsed == day)
        self.changed.append((day, np.flatnonzero(expired), False))

    def outputs(self) -> dict[str, npt.NDArray[np.generic]]:
        return {"health": health.health(self.strain), "intensity": self.intensity,
                "hazard": self.hazard, "warned": self.warned}  # fmt: skip

    def actions(self) -> Actions:
        day = np.concatenate([np.full(len(t[0]), d, np.int64) for d, t in self.took])
        row, action, cause, until = (np.concatenate([t[i] for _, t in self.took]) for i in range(4))
        order = np.lexsort((day, row))
        return Actions(row[order], day[order], action[order], cause[order], until[order])

    def papers(self) -> Papers:
        row = np.concatenate([rows for _, rows, _ in self.changed])
        day = np.concatenate([np.full(len(rows), d, np.int64) for d, rows, _ in self.changed])
        verified = np.concatenate([np.full(len(rows), v) for _, rows, v in self.changed])
        order = np.lexsort((day, row))
        return Papers(row[order], day[order], verified[order])


def _ads_known(seed: int, who: Traits, first: date, days: int) -> Bools:
    """Months without advertising data: one in ten, more while a seller is new.

    It stops two days early, so that the 30 days that end with a February are without it too.
    """
    dates = [first + timedelta(n) for n in range(days + ADS_STOP_EARLY)]
    months = np.array([d.year * 12 + d.month for d in dates], np.int64)
    numbers, begins, of_day = np.unique(months, return_index=True, return_inverse=True)
    age = np.maximum(begins[None, :] - who.entry[:, None], 0)
    unknown = ADS_UNKNOWN + ADS_UNKNOWN_NEW * np.exp(-age / ADS_NEW_DAYS)
    drawn = uniform(luck(seed, "ads unknown", who.seller_no)[:, None], numbers[None, :])
    known: Bools = drawn >= unknown
    result: Bools = known[:, of_day[:days]] & known[:, of_day[ADS_STOP_EARLY:]]
    return result


def _joined(parts: list[Lives]) -> Lives:
    """Chunks put together, rows counted on."""
    begins = np.cumsum([0, *(len(p.traits.seller_no) for p in parts[:-1])])
    whole: dict[str, Any] = {"seed": parts[0].seed, "first": parts[0].first,
                                "days": parts[0].days}  # fmt: skip
    for name in ("health", "intensity", "rates", "hazard", "warned", "ads_known", "messaging"):
        whole[name] = _stacked([getattr(p, name) for p in parts], axis=0)
    for name in ("traits", "kept"):
        whole[name] = _stacked([getattr(p, name) for p in parts], axis=-1)
    for name in ("actions", "papers"):
        tables = [getattr(p, name) for p in parts]
        columns = {f.name: np.concatenate([getattr(t, f.name) for t in tables])
                   for f in fields(tables[0])}  # fmt: skip
        columns["row"] = np.concatenate([t.row + n for t, n in zip(tables, begins, strict=True)])
        whole[name] = type(tables[0])(**columns)
    return Lives(**whole)


def _stacked(values: list[Any], axis: int) -> Any:
    """Arrays put together along the sellers' axis; dictionaries and records item by item."""
    one = values[0]
    if isinstance(one, dict):
        return {key: _stacked([value[key] for value in values], axis) for key in one}
    if isinstance(one, np.ndarray):
        return np.concatenate(values, axis=axis)
    names = [field.name for field in fields(one)]
    return type(one)(**{n: _stacked([getattr(value, n) for value in values], axis) for n in names})


def picked(record: Any, rows: Ids) -> Any:
    """The sellers at these rows of a record of arrays."""
    if isinstance(record, dict):
        return {key: picked(value, rows) for key, value in record.items()}
    if isinstance(record, np.ndarray):
        return record[..., rows]  # sellers come last, in states by group too
    return type(record)(**{f.name: picked(getattr(record, f.name), rows) for f in fields(record)})
