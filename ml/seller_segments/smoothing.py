"""Segments that do not flicker: a pure function of the last month-ends under one frozen version.

A seller moves to another segment when it has been the nearest at two of his month-ends in a row,
or when its centre is nearer than the old one's by more than a quarter. Whoever has too little
history is in the segment of new sellers, by a rule with two bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import LowHistory

Array = npt.NDArray[Any]

LOW_HISTORY = 0
"""The id of the segment of new sellers, in every version."""
ABSENT = -1


@dataclass(frozen=True)
class History:
    """Sellers at month-ends, ascending. `here` [sellers, months]: has a row; distances
    [sellers, months, segments], not squared; `ids` [segments], all above 0."""

    here: Array
    tenure_days: Array
    orders_90d: Array
    distances: Array
    ids: Array


def is_low(tenure_days: Array, orders_90d: Array, rule: LowHistory) -> Array:
    """Who is new, or has too few orders to be told apart, seen by himself."""
    known = (tenure_days >= rule.tenure_days_least) & (orders_90d >= rule.orders_least)
    return ~known


def raw(tenure_days: Array, orders_90d: Array, distances: Array, ids: Array,
        rule: LowHistory) -> Array:  # fmt: skip
    """[rows] the segment of each row by itself."""
    if not len(ids):
        return np.full(len(tenure_days), LOW_HISTORY)
    near = ids[distances.argmin(axis=1)] if len(distances) else np.empty(0, ids.dtype)
    result: Array = np.where(is_low(tenure_days, orders_90d, rule), LOW_HISTORY, near)
    return result


def smoothed(history: History, rule: LowHistory, nearer_least: float) -> Array:
    """[sellers, months] the smoothed segment at each month-end; ABSENT where a seller has no row.
    That of a month rests on the months before it in `history`, and on none after it."""
    sellers, months = history.here.shape
    state = np.full(sellers, ABSENT)  # the segment after the last month-end seen
    seen = np.full(sellers, ABSENT)  # the nearest at the last month-end seen; ABSENT while low
    found = np.full((sellers, months), ABSENT)
    for month in range(months):
        here, distance = history.here[:, month], history.distances[:, month]
        low = _low(history, month, state, rule)
        near = history.ids[distance.argmin(axis=1)] if len(history.ids) else seen
        moves = (near == seen) | _is_nearer(distance, history.ids, state, nearer_least)
        stays = (state > LOW_HISTORY) & ~moves
        now = np.where(low, LOW_HISTORY, np.where(stays, state, near))
        state = np.where(here, now, state)
        seen = np.where(here, np.where(low, ABSENT, near), seen)
        found[:, month] = np.where(here, now, ABSENT)
    return found


def _low(history: History, month: int, state: Array, rule: LowHistory) -> Array:
    orders, tenure = history.orders_90d[:, month], history.tenure_days[:, month]
    bound = np.select(
        [state == ABSENT, state == LOW_HISTORY],
        [rule.orders_least, rule.leaves_at_orders], rule.returns_below_orders,
    )  # fmt: skip
    result: Array = ~((orders >= bound) & (tenure >= rule.tenure_days_least))
    return result


def _is_nearer(distance: Array, ids: Array, state: Array, nearer_least: float) -> Array:
    """The nearest centre beats that of the seller's segment by more than the margin."""
    own = np.full(len(distance), np.inf)
    for place, segment in enumerate(ids):
        own = np.where(state == segment, distance[:, place], own)
    least = distance.min(axis=1) if len(ids) else own
    result: Array = least < (1 - nearer_least) * own
    return result
