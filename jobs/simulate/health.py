"""How a seller's operational health drifts, breaks and recovers, one day after the other.

The state is a Markov chain: a day's draws and the day before make the day. What goes wrong grows
with the `strain` of one of four groups: a slow level, a common drift, the group's own drift, and
the shock of a break, which hits one group hard and the others a little. Health is the common part
and the shocks on a scale from 0 to 1. All arrays are [sellers] or [groups, sellers].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.simulate.keyed import Chances, Floats, Ids
from jobs.simulate.kinds import BUST_OUT, GROWING, NEVER, PAPERS_DAYS, RING, SEASONAL, Traits

GROUPS = ("logistics", "quality", "service", "conduct")
LOGISTICS, QUALITY, SERVICE, CONDUCT = range(4)

COMMON_DRIFT, COMMON_DAYS = 0.22, 150.0  # spread in strain, and days after which 1/e is left of it
GROUP_DRIFT, GROUP_DAYS = 0.22, 60.0
BREAKS_A_DAY = 1 / 2_700  # a usual seller breaks once in seven years
NEW_DAYS, NEW_BREAKS = 180, 1.5  # newcomers break more often in their first half year
BROKEN_DAYS = 150.0  # mean length of a break: longer than the platform takes to react
BREAK_STRAIN, SPILL = 4.0, 0.35  # strain in the group that breaks, share of it in the others
BREAKING, RECOVERING = 0.10, 0.05  # share of the way that a day goes: down in ten days, up in 20
MODES = (0.33, 0.62, 0.70)  # cumulative: which group breaks, the rest being conduct

BURSTS_A_DAY = 1 / 260  # a bust-out begins to burst this often
BURST_DAYS, BURST_TIMES = 50, 4.0  # it lasts so long, sales grow to so many times, then he vanishes
BURST_STRAIN = np.array([[1.0], [1.6], [0.8], [2.2]], np.float32)  # once fully under way, a group
CAUGHT_A_DAY = 1 / 330  # a ring is found out this often
RING_STRAIN = np.array([[0.0], [0.3], [0.1], [0.9]], np.float32)

LAPSE_USUAL, LAPSE_STRAIN = -1.35, 0.6  # log odds that papers run out unrenewed; more a strain
RENEWS_A_DAY = 1 / 45  # of those whose papers have lapsed

WEEKDAYS = (0.98, 0.97, 1.0, 1.03, 0.96, 1.02, 1.04)  # demand from Monday on
CHRISTMAS, CHRISTMAS_DAY, CHRISTMAS_DAYS = 0.35, 345, 18.0  # more demand for all: how much, when
SEASON, SEASON_DAYS = 1.8, 35.0  # a seasonal seller's own peak
GROWTH_DAYS, GROWTH = 300.0, 1.5  # a growing seller gains so much over so long
SETTLING_DAYS = 30.0  # a newcomer's first month is slower
LOAD_STRAIN = 0.45  # strain in logistics for e-fold demand


@dataclass
class State:
    """Everything the next day depends on; days are indices, NEVER where nothing is due."""

    common: Floats
    drift: Floats  # [groups, sellers]
    shock: Floats  # [groups, sellers]
    broken: npt.NDArray[np.bool_]
    mode: npt.NDArray[np.int8]  # the group that broke last
    burst: Ids  # first day of the burst
    caught: Ids  # day on which his ring was found out
    papers: Ids  # day of the latest verification
    lapsed: Ids  # day on which the papers ran out, unrenewed
    late: Floats  # late-shipment rate as the platform measures it
    defect: Floats  # defect rate as the platform measures it
    warned: Floats  # policy warnings, old ones fading
    acted: Ids  # day of the last action
    suspensions: npt.NDArray[np.int16]
    suspended_until: Ids  # first day on which he may sell again
    closed: Ids  # day on which the platform closed him for good


def opening(traits: Traits, luck: Chances) -> State:
    """The state before the first day: drifts as they are in the long run, everybody unbroken."""
    sellers = len(traits.seller_no)

    def days(value: int) -> Ids:
        return np.full(sellers, value, np.int64)

    def zeros(*shape: int) -> Floats:
        return np.zeros((*shape, sellers), np.float32)

    pairs = [luck.normals(f"opening {n}") for n in range(3)]
    drift = np.float32(GROUP_DRIFT) * np.stack([*pairs[0], *pairs[1]])
    return State(
        common=np.float32(COMMON_DRIFT) * pairs[2][0], drift=drift, shock=zeros(len(GROUPS)),
        broken=np.zeros(sellers, np.bool_), mode=np.zeros(sellers, np.int8),
        burst=days(NEVER), caught=days(NEVER), papers=traits.papers.copy(), lapsed=days(NEVER),
        late=zeros() + np.float32(0.02), defect=zeros() + np.float32(0.005), warned=zeros(),
        acted=days(-NEVER), suspensions=np.zeros(sellers, np.int16), suspended_until=days(-NEVER),
        closed=days(NEVER),
    )  # fmt: skip


def selling(state: State, traits: Traits, day: int) -> npt.NDArray[np.bool_]:
    """Who may sell on the day: joined, not gone, not suspended, not vanished."""
    open_ = (traits.entry <= day) & (day < traits.leaves) & (day < state.closed)
    return open_ & (state.suspended_until <= day) & (day < state.burst + BURST_DAYS)


def demand(state: State, traits: Traits, day: int, absolute: int) -> Floats:
    """Orders relative to the size, were he open: weekday, season, growth, newcomers, bursts.

    `absolute` counts days from 0001-01-01, a Monday, as `date.toordinal` does.
    """
    year_day = absolute % 365.2425
    at_large = WEEKDAYS[(absolute - 1) % 7] * (1 + CHRISTMAS * _peak(year_day, CHRISTMAS_DAY,
                                                                     CHRISTMAS_DAYS))  # fmt: skip
    age = (day - traits.entry).astype(np.float32)
    wave = np.full(len(age), at_large, np.float32)
    wave *= 1 - np.float32(0.6) * np.exp(-np.maximum(age, 0) / np.float32(SETTLING_DAYS))
    of_season = np.float32(SEASON) * _peak(year_day, traits.peak, SEASON_DAYS)
    wave *= np.where(traits.kind == SEASONAL, np.float32(0.7) + of_season, np.float32(1))
    grown = np.float32(GROWTH) * (1 - np.exp(-np.maximum(age, 0) / np.float32(GROWTH_DAYS)))
    wave *= np.where(traits.kind == GROWING, np.float32(0.6) + grown, np.float32(1))
    result: Floats = wave * (1 + np.float32(BURST_TIMES - 1) * bursting(state, day))
    return result


def bursting(state: State, day: int) -> Floats:
    """How far a bust-out is under way: 0 before, 1 from the middle of the burst on."""
    part = (day - state.burst).astype(np.float32) / np.float32(BURST_DAYS / 2)
    return np.clip(part, 0, 1)


def strains(state: State, traits: Traits, day: int, load: Floats) -> Floats:
    """[groups, sellers]: log odds of what goes wrong, against a sound seller."""
    strain = state.drift + state.shock + (traits.level + state.common)
    strain[LOGISTICS] += np.float32(LOAD_STRAIN) * np.log(load)
    strain += BURST_STRAIN * bursting(state, day)
    strain += RING_STRAIN * (traits.kind == RING)
    result: Floats = strain
    return result


def health(strain: Floats) -> Floats:
    """Health from 0 to 1 of strains [groups, ...]: 0.8 is usual."""
    return 1 / (1 + np.exp(np.float32(1.2) * strain.mean(axis=0) - np.float32(1.3)))


def lived(state: State, traits: Traits, luck: Chances, ring_luck: Chances,
          day: int, absolute: int) -> None:  # fmt: skip
    """Takes drift, breaks, bursts, rings and papers a day on, in place."""
    pairs = [luck.normals(f"drift {n}", absolute) for n in range(3)]
    state.common = _reverted(state.common, pairs[2][0], COMMON_DRIFT, COMMON_DAYS)
    own = np.stack([*pairs[0], *pairs[1]])
    state.drift = _reverted(state.drift, own, GROUP_DRIFT, GROUP_DAYS)
    _break(state, traits, luck, day, absolute)
    bursts = (luck.uniform("burst", absolute) < BURSTS_A_DAY) & (traits.kind == BUST_OUT)
    bursts &= (traits.entry + 30 <= day) & (state.burst == NEVER)
    state.burst = np.where(bursts, day, state.burst)
    caught = (ring_luck.uniform("caught", absolute) < CAUGHT_A_DAY) & (traits.kind == RING)
    state.caught = np.where(caught & (state.caught == NEVER), day, state.caught)
    _papers(state, traits, luck, day, absolute)


def _break(state: State, traits: Traits, luck: Chances, day: int, absolute: int) -> None:
    drawn = luck.uniform("regime", absolute)
    newness = np.where(day - traits.entry < NEW_DAYS, np.float32(NEW_BREAKS), np.float32(1))
    breaks = ~state.broken & (drawn < np.float32(BREAKS_A_DAY) * traits.fragile * newness)
    mends = state.broken & (drawn < 1 / BROKEN_DAYS)
    if breaks.any():
        mode = np.searchsorted(MODES, luck.uniform("mode", absolute), side="right")
        state.mode = np.where(breaks, mode, state.mode).astype(np.int8)
    state.broken = (state.broken | breaks) & ~mends
    depth = np.where(state.broken, np.float32(BREAK_STRAIN) * traits.depth, np.float32(0))
    hit = np.arange(len(GROUPS))[:, None] == state.mode
    gap = depth * np.where(hit, np.float32(1), np.float32(SPILL)) - state.shock
    state.shock = state.shock + gap * np.where(gap > 0, np.float32(BREAKING),
                                               np.float32(RECOVERING))  # fmt: skip


def _papers(state: State, traits: Traits, luck: Chances, day: int, absolute: int) -> None:
    """Papers run out after a year: most sellers renew them in time, some much later."""
    drawn = luck.uniform("papers", absolute)
    due = (state.papers + PAPERS_DAYS == day) & (state.lapsed == NEVER)
    strain = traits.level + state.common + state.shock[SERVICE]
    lapses = 1 / (1 + np.exp(-(LAPSE_USUAL + LAPSE_STRAIN * strain)))
    late = state.lapsed < NEVER
    renews = (due & (drawn >= lapses)) | (late & (drawn < RENEWS_A_DAY))
    state.lapsed = np.where(due & ~renews, day, np.where(renews, NEVER, state.lapsed))
    state.papers = np.where(renews, day, state.papers)


def _reverted(value: Floats, noise: Floats, spread: float, days: float) -> Floats:
    """An Ornstein-Uhlenbeck step of one day, exact: the long-run spread is `spread`."""
    keeps = float(np.exp(-1 / days))
    return np.float32(keeps) * value + np.float32(spread * np.sqrt(1 - keeps**2)) * noise


def _peak(year_day: float, at: Floats | int, width: float) -> Floats:
    """A bell over the year, 1 at its peak."""
    away = np.abs((year_day - np.asarray(at, np.float32) + 182.6) % 365.2425 - 182.6)
    result: Floats = np.exp(-((away / width) ** 2) / 2).astype(np.float32)
    return result
