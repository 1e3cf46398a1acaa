"""What the platform does about it: its rules, its own noisy measure, and the hazard that follows.

Rules look at rates which the platform measures in trailing samples, so that a seller is above a
threshold for a while before anything happens. Causes compete: a day's action is one cause's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from jobs.simulate.health import BURST_DAYS, State, selling
from jobs.simulate.keyed import Chances, Floats, Ids
from jobs.simulate.kinds import NEVER, Traits

ACTIONS = ("suspension", "funds_hold", "category_block")
SUSPENSION = 0
CAUSES: Mapping[str, tuple[float, float, float]] = {
    "late_shipment": (0.30, 0.30, 0.40),
    "defect_rate": (0.45, 0.25, 0.30),
    "policy": (0.35, 0.10, 0.55),
    "identity": (0.25, 0.70, 0.05),
    "fraud": (0.65, 0.35, 0.00),
    "other": (0.34, 0.33, 0.33),
}
"""Each reason code with the shares of the actions that it leads to."""
LATE, DEFECT, POLICY, IDENTITY, FRAUD, OTHER = range(6)

AUDITED = 20.0  # weight of a day's measure at size 1, in orders: the more, the less noise
AUDITED_LEAST, AUDITED_MOST = 5.0, 100.0
LATE_DAYS, DEFECT_DAYS, WARNING_DAYS = 25.0, 60.0, 60.0  # memory of its measures: the delay
LATE_STEPS = ((0.04, 0.004, 0.0002), (0.10, 0.008, 0.05))  # threshold, softness, hazard a day
DEFECT_STEPS = ((0.01, 0.001, 0.0002), (0.02, 0.002, 0.05))
WARNING_STEPS = ((2.4, 0.2, 0.08),)
SEEN = 1.0  # orders a day at which half the rules apply: small samples are rarely acted on
GRACE_DAYS, LAPSED_HAZARD = 14, 0.06  # after papers ran out; a day
BURST_LAG, BURST_HAZARD, VANISHED_HAZARD = 18, 0.05, 0.12  # days until seen; a day
CAUGHT_DAYS, CAUGHT_HAZARD = 40, 0.10  # a ring found out is worked off in these days; a day
OTHER_HAZARD = 0.00022  # what no signal explains: about 1.3% in 60 days
RESPITE_DAYS, RESPITE = 30, 0.6  # after an action the rules wait: share of their hazard left
SUSPENDED_LEAST, SUSPENDED_MEAN = 14, 12.0  # days of a suspension: least, and on top of it
CURED = (0.50, 0.15, 0.15)  # share of breaks that an action ends, by action
FORGOTTEN = (0.40, 0.90, 0.90)  # what is left of the platform's measures after an action
STRIKES, STRUCK_OUT = 3, 0.5  # from the third suspension on, one in two is for good


def measure(state: State, traits: Traits, luck: Chances, absolute: int, open_: Floats,
            load: Floats, late: Floats, defect: Floats,
            breach: Floats) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Takes the platform's measures a day on, in place; returns who is warned on the day.

    Measures stand still while nothing is sold.
    """
    orders = np.clip(np.float32(AUDITED) * traits.size * load, AUDITED_LEAST, AUDITED_MOST)
    noise = luck.normals("audit", absolute)
    state.late = _audited(state.late, late, noise[0], orders, LATE_DAYS, open_)
    state.defect = _audited(state.defect, defect, noise[1], orders, DEFECT_DAYS, open_)
    warned = (luck.uniform("breach", absolute) < breach) & (open_ > 0)
    state.warned = state.warned * np.float32(1 - 1 / WARNING_DAYS) + warned
    result: npt.NDArray[np.bool_] = warned
    return result


def _audited(measured: Floats, truth: Floats, noise: Floats, orders: Floats, days: float,
             open_: Floats) -> Floats:  # fmt: skip
    """A trailing mean with the spread of a sample of so many orders a day."""
    today = truth + np.sqrt(truth * (1 - truth) / orders) * noise
    return np.clip(measured + open_ * (today - measured) / np.float32(days), 0, 1)


def hazards(state: State, traits: Traits, day: int, load: Floats) -> Floats:
    """[causes, sellers]: rate of an action a day; 0 for who has not joined, left or is suspended.

    A vanished bust-out sells nothing and is acted on all the same.
    """
    volume = traits.size * load
    seen = volume / (volume + np.float32(SEEN))
    waits = np.where(day - state.acted < RESPITE_DAYS, np.float32(RESPITE), np.float32(1))
    since_burst = day - state.burst
    fraud = np.where(since_burst >= BURST_LAG, np.float32(BURST_HAZARD), np.float32(0))
    fraud = np.where(since_burst >= BURST_DAYS, np.float32(VANISHED_HAZARD), fraud)
    found = (state.caught <= day) & (day - state.caught < CAUGHT_DAYS)
    hazard = np.stack([
        _steps(state.late, LATE_STEPS) * seen * waits,
        _steps(state.defect, DEFECT_STEPS) * seen * waits,
        _steps(state.warned, WARNING_STEPS) * waits,
        np.where(day - state.lapsed >= GRACE_DAYS, np.float32(LAPSED_HAZARD), 0) * waits,
        fraud + np.where(found, np.float32(CAUGHT_HAZARD), np.float32(0)),
        np.full(len(seen), OTHER_HAZARD, np.float32),
    ])  # fmt: skip
    subject = selling(state, traits, day) | (since_burst >= BURST_DAYS)
    subject &= (traits.entry <= day) & (day < state.closed) & (state.suspended_until <= day)
    subject &= day < traits.leaves
    result: Floats = (hazard * subject).astype(np.float32)
    return result


def _steps(measured: Floats, steps: tuple[tuple[float, float, float], ...]) -> Floats:
    """Hazard of a rule with soft thresholds."""
    total = np.zeros(len(measured), np.float32)
    for threshold, softness, hazard in steps:
        odds = np.clip((measured - np.float32(threshold)) / np.float32(softness), -30, 30)
        total += np.float32(hazard) / (1 + np.exp(-odds))
    return total


def acted(state: State, luck: Chances, day: int, absolute: int,
          hazard: Floats) -> tuple[Ids, Ids, Ids, Ids]:  # fmt: skip
    """Realises a day: rows acted on, the action, its cause, its end; changes the state in place.

    The end is the first day on which it no longer holds, NEVER if it is for good.
    """
    total = hazard.sum(axis=0)
    rows = np.flatnonzero(luck.uniform("action", absolute) < -np.expm1(-total))
    if not len(rows):
        return rows, rows, rows, rows
    drawn = {what: luck.uniform(f"action {what}", absolute)[rows]
             for what in ("cause", "kind", "days", "cure", "final")}  # fmt: skip
    share = np.cumsum(hazard[:, rows], axis=0) / total[rows]
    cause = np.minimum((drawn["cause"] >= share).sum(axis=0), len(CAUSES) - 1)
    kinds = np.cumsum(np.array(list(CAUSES.values())), axis=1)[cause]
    kind = np.minimum((drawn["kind"][:, None] >= kinds).sum(axis=1), len(ACTIONS) - 1)
    lasts = SUSPENDED_LEAST - SUSPENDED_MEAN * np.log1p(-drawn["days"])
    until = day + 1 + lasts.astype(np.int64)
    suspended = kind == SUSPENSION
    strikes = state.suspensions[rows] + suspended >= STRIKES
    final = (cause == FRAUD) | (strikes & (drawn["final"] < STRUCK_OUT))
    until = np.where(suspended & final, NEVER, until)
    _bear(state, rows, day, kind, until, drawn["cure"])
    brings = rows[cause == IDENTITY]  # the papers that were asked for
    state.papers[brings], state.lapsed[brings] = day, NEVER
    return rows, kind, cause, until


def _bear(state: State, rows: Ids, day: int, kind: Ids, until: Ids,
          cure: npt.NDArray[np.float64]) -> None:  # fmt: skip
    """What an action does to a seller: he stops, mends his ways or not, and is measured anew."""
    suspended = kind == SUSPENSION
    state.acted[rows] = day
    state.suspensions[rows] += suspended
    state.suspended_until[rows] = np.where(suspended, until, state.suspended_until[rows])
    state.closed[rows] = np.where(suspended & (until == NEVER), day + 1, state.closed[rows])
    state.broken[rows] &= cure >= np.array(CURED)[kind]
    left = np.array(FORGOTTEN, np.float32)[kind]
    for measured in (state.late, state.defect, state.warned):
        measured[rows] *= left
