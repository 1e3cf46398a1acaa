"""Why a segment grew or shrank in a month, in parts that add up.

The change of a size is what entered, less what left, plus what moved in, less what moved out, plus
what another version of the model did. Those who moved are split by family of features: a squared
distance is a sum over features, so each mover is divided over the families that brought the new
centre nearer than the old one, in proportion. For the share of a segment the denominator is one
more part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.seller_segments.behaviour import Behaviour, family_indices
from ml.seller_segments.model import Model
from ml.seller_segments.smoothing import ABSENT, LOW_HISTORY

Array = npt.NDArray[Any]
Counts = Mapping[tuple[int, int], tuple[int, Sequence[int]]]
"""By (before, now): sellers, and the sum of their `Moves.families`."""
PER_UNIT = 1_000_000
"""Millionths of a seller, as whole numbers: their sum does not depend on the order of the rows."""
HISTORY = "history"
"""What moves sellers into and out of the segment of new sellers, and whoever moves for what he did
at month-ends before: today the new centre is no nearer to him."""


@dataclass(frozen=True)
class Moves:
    """Sellers at two month-ends: `before` and `now` [sellers], ABSENT where there is no row;
    `families` [sellers, families] each mover in millionths, by what moved him; 0 for those who
    stay."""

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
    """In the order of `Moves.families`; the last is HISTORY."""
    return [*sorted({feature.family for feature in model.features.values()}), HISTORY]


def moves(model: Model, rows: Behaviour, before: date, ds: date) -> Moves:
    """All sellers with a row at either month-end, both by this version."""
    matrix = model.matrix(rows)
    distances = model.distances(matrix)
    sellers, then = model.at(rows, before, distances)
    now = model.at(rows, ds, distances)[1]
    found = Moves(then, now, _nearer(model, rows, matrix, sellers, then, now, ds))
    either = (found.before != ABSENT) | (found.now != ABSENT)
    return Moves(found.before[either], found.now[either], found.families[either])


def sizes_before(counts: Counts) -> dict[int, int]:
    """Sellers by segment at the month-end before, under the version that counted."""
    found: dict[int, int] = {}
    for (before, _), (sellers, _) in counts.items():
        if before != ABSENT:
            found[before] = found.get(before, 0) + sellers
    return found


def parts(counts: Counts,
          published_before: Mapping[int, int], names: Sequence[str]) -> list[Part]:  # fmt: skip
    """The parts of every segment's change, from counts by (before, now) under one version, and the
    sizes that were published for the month-end before, by whichever version."""
    found: list[Part] = []
    recomputed = sizes_before(counts)
    for (before, now), (sellers, weights) in sorted(counts.items()):
        if before == now:
            continue
        if before == ABSENT:
            found.append(Part(now, "entered", sellers))
        elif now == ABSENT:
            found.append(Part(before, "left", -sellers))
        else:
            for family, share in _split(weights, names):
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


def _split(weights: Sequence[int], names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """(family, share of the movers); the shares add up to 1."""
    total = sum(weights)
    if total == 0:
        yield HISTORY, 1.0
        return
    for name, weight in zip(names, weights, strict=True):
        if weight:
            yield name, weight / total


def _nearer(model: Model, rows: Behaviour, matrix: Array, sellers: Array, before: Array,
            now: Array, ds: date) -> Array:  # fmt: skip
    names = families(model)
    found = np.zeros((len(sellers), len(names)), np.int64)
    both = (before != now) & (before != ABSENT) & (now != ABSENT)
    found[both, -1] = PER_UNIT
    today = np.flatnonzero(rows.ds == np.datetime64(ds))
    row = np.full(len(sellers), -1)
    row[np.searchsorted(sellers, rows.seller[today].astype(str))] = today
    went = np.flatnonzero(both & (before > LOW_HISTORY) & (now > LOW_HISTORY))
    if not len(went):
        return found
    at, own = matrix[row[went]], np.array(model.segments)
    old = _nearest_of(at, model.centres, own, before[went])
    new = _nearest_of(at, model.centres, own, now[went])
    apart = (at - old) ** 2 - (at - new) ** 2
    places = family_indices(model.coordinates, model.features)
    by_family = np.column_stack([
        sum((apart[:, place] for place in places.get(name, [])), np.zeros(len(went)))
        for name in names[:-1]
    ])  # fmt: skip
    nearer = by_family.sum(axis=1) > 0
    spoke = np.maximum(by_family[nearer], 0)
    parts_of = np.floor(PER_UNIT * spoke / spoke.sum(axis=1, keepdims=True)).astype(np.int64)
    # What rounding leaves goes to the family that spoke most: each mover is one seller.
    parts_of[np.arange(len(parts_of)), spoke.argmax(axis=1)] += PER_UNIT - parts_of.sum(axis=1)
    found[went[nearer]] = np.column_stack([parts_of, np.zeros(len(parts_of), np.int64)])
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
