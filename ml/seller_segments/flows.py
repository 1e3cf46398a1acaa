"""Why a segment grew or shrank in a month, in parts that add up.

The change of a size is what entered, less what left, plus what moved in, less what moved out, plus
what another version of the model did. Those who moved are split by family of features: a squared
distance is a sum over features, so by how much the new centre is nearer than the old one is a sum
over families. For the share of a segment the denominator is one more part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.seller_segments.behaviour import Behaviour, family_indices, month_ends_to
from ml.seller_segments.model import Model
from ml.seller_segments.smoothing import ABSENT, LOW_HISTORY

Array = npt.NDArray[Any]
PER_UNIT = 1_000_000
"""Millionths, as whole numbers: their sum does not depend on the order of the rows."""
HISTORY = "history"
"""The family by which sellers move into and out of the segment of new sellers."""


@dataclass(frozen=True)
class Moves:
    """Sellers at two month-ends: `before` and `now` [sellers], ABSENT where there is no row;
    `families` [sellers, families] by how many millionths of a squared unit each family brought the
    new centre nearer than the old one; 0 for those who stay."""

    before: Array
    now: Array
    families: Array


@dataclass(frozen=True)
class Part:
    """One part of the change of one segment. `sellers` may be a fraction where a move is split by
    family; `family` and `other` (the segment on the other side) only of those who moved."""

    segment: int
    part: str  # entered, left, moved_in, moved_out, model_changed
    sellers: float
    family: str = ""
    other: int | None = None


def families(model: Model) -> list[str]:
    """In the order of `Moves.families`."""
    return sorted({feature.family for feature in model.features.values()})


def moves(model: Model, rows: Behaviour, before: date, ds: date) -> Moves:
    """All sellers with a row at either month-end, both by this version."""
    matrix = model.matrix(rows)
    distances = model.distances(matrix)
    sellers, then = model.smoothed(rows, month_ends_to(before, model.month_ends), distances)
    now = model.smoothed(rows, month_ends_to(ds, model.month_ends), distances)[1][:, -1]
    found = Moves(then[:, -1], now, _nearer(model, rows, matrix, sellers, then[:, -1], now, ds))
    either = (found.before != ABSENT) | (found.now != ABSENT)
    return Moves(found.before[either], found.now[either], found.families[either])


def parts(counts: Mapping[tuple[int, int], tuple[int, Sequence[int]]],
          published_before: Mapping[int, int], names: Sequence[str]) -> list[Part]:  # fmt: skip
    """The parts of every segment's change, from counts by (before, now) under one version, and the
    sizes that were published for the month-end before, by whichever version."""
    found: list[Part] = []
    recomputed: dict[int, int] = {}
    for (before, now), (sellers, weights) in sorted(counts.items()):
        if before != ABSENT:
            recomputed[before] = recomputed.get(before, 0) + sellers
        if before == now:
            continue
        if before == ABSENT:
            found.append(Part(now, "entered", sellers))
        elif now == ABSENT:
            found.append(Part(before, "left", -sellers))
        else:
            for family, share in _split(before, now, weights, names):
                found.append(Part(now, "moved_in", sellers * share, family, before))
                found.append(Part(before, "moved_out", -sellers * share, family, now))
    for segment in sorted({*recomputed, *published_before}):
        other = recomputed.get(segment, 0) - published_before.get(segment, 0)
        if other:
            found.append(Part(segment, "model_changed", other))
    return found


def denominator(size_before: int, total_before: int, total: int) -> float:
    """What the change of all sellers' number does to a segment's share; the shares of the other
    parts are their sellers by the new total, and with this one they add up."""
    return size_before / total - size_before / total_before


def _split(before: int, now: int, weights: Sequence[int],
           names: Sequence[str]) -> Iterator[tuple[str, float]]:  # fmt: skip
    """(family, share of the move); the shares add up to 1 and may be negative."""
    total = sum(weights)
    if LOW_HISTORY in (before, now) or total == 0:
        yield HISTORY, 1.0
        return
    for name, weight in zip(names, weights, strict=True):
        if weight:
            yield name, weight / total


def _nearer(model: Model, rows: Behaviour, matrix: Array, sellers: Array, before: Array,
            now: Array, ds: date) -> Array:  # fmt: skip
    names = families(model)
    found = np.zeros((len(sellers), len(names)), np.int64)
    today = np.flatnonzero(rows.ds == np.datetime64(ds))
    row = np.full(len(sellers), -1)
    row[np.searchsorted(sellers, rows.seller[today].astype(str))] = today
    went = np.flatnonzero((before != now) & (before > LOW_HISTORY) & (now > LOW_HISTORY))
    if not len(went):
        return found
    at = matrix[row[went]]
    own = np.array(model.segments)
    old = _nearest_of(at, model.centres, own, before[went])
    new = _nearest_of(at, model.centres, own, now[went])
    apart = (at - old) ** 2 - (at - new) ** 2
    places = family_indices(model.coordinates, model.features)
    for column, name in enumerate(names):
        for place in places.get(name, []):
            found[went, column] += np.round(PER_UNIT * apart[:, place]).astype(np.int64)
    return found


def _nearest_of(points: Array, centres: Array, segments: Array, wanted: Array) -> Array:
    """[points, coordinates] the centre of the wanted segment that is nearest to each point."""
    found = np.zeros_like(points)
    for segment in np.unique(wanted):
        mine = wanted == segment
        own = centres[segments == segment]
        apart = ((points[mine][:, None, :] - own[None, :, :]) ** 2).sum(axis=2)
        found[mine] = own[apart.argmin(axis=1)]
    return found
