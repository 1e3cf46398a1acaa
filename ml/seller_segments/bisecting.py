"""Bisecting k-means by Spark's rule, in one process: for the hundreds of fits of the search.

Spark splits level by level: every leaf of the newest level, or the largest of them where fewer are
needed. Fits of fewer segments are therefore parts of a fit of more: one run gives every k.
Source: org.apache.spark.mllib.clustering.BisectingKMeans, Spark 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin_min

Array = npt.NDArray[Any]
NOISE = 1e-4
"""How far apart two halves begin, relative to the norm of their common centre."""


@dataclass(frozen=True)
class Leaf:
    centre: Array
    rows: Array  # indices


def centres(
    matrix: Array, weight: Array, ks: Sequence[int], seed: int, rounds: int
) -> dict[int, Array]:
    """Centres [k, features] by k, for every k that is reached. `weight` says how often each row
    counts; rows of weight 0 are left out."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(weight)
    level = [Leaf(np.average(matrix[rows], axis=0, weights=weight[rows]), rows)]
    found: dict[int, Array] = {}
    final: list[Leaf] = []
    while level and (missing := max(ks) - len(final) - len(level)) > 0:
        largest = sorted(range(len(level)), key=lambda n: -weight[level[n].rows].sum())
        halves = {n: _halves(matrix, weight, level[n], rng, rounds) for n in largest[:missing]}
        for k in (k for k in ks if k > len(final) + len(level)):
            split = [n for n in largest if halves.get(n)][: k - len(final) - len(level)]
            leaves = final + [leaf for n, one in enumerate(level)
                              for leaf in (halves[n] if n in split else [one])]  # fmt: skip
            if len(leaves) == k:
                found.setdefault(k, np.array([leaf.centre for leaf in leaves]))
        final += [leaf for n, leaf in enumerate(level) if not halves.get(n)]
        level = [leaf for n in range(len(level)) for leaf in halves.get(n) or []]
    return found


def cheapest(
    matrix: Array, weight: Array, ks: Sequence[int], seeds: Sequence[int], rounds: int
) -> dict[int, Array]:
    """For each k the centres of the seed with the least inertia; earlier seeds win ties."""
    best: dict[int, tuple[float, Array]] = {}
    for seed in seeds:
        for k, found in centres(matrix, weight, ks, seed, rounds).items():
            cost = inertia(matrix, weight, found)
            if k not in best or cost < best[k][0]:
                best[k] = (cost, found)
    return {k: found for k, (_, found) in best.items()}


def inertia(matrix: Array, weight: Array, found: Array) -> float:
    """The weighted sum of squared distances to the nearest centre."""
    _, distances = pairwise_distances_argmin_min(matrix, found, metric="sqeuclidean")
    return float((weight * distances).sum())


def labels(matrix: Array, found: Array) -> Array:
    """[rows] the index of the nearest centre, by matrix products: faster than `nearest`, and equal
    to it but for rows whose two nearest centres are equally near to the last digits."""
    result: Array = pairwise_distances_argmin_min(matrix, found, metric="sqeuclidean")[0]
    return result


def _halves(
    matrix: Array, weight: Array, leaf: Leaf, rng: np.random.Generator, rounds: int
) -> list[Leaf]:
    """Two leaves, or none where the rows cannot be told apart."""
    noise = rng.random(len(leaf.centre)) * NOISE * np.linalg.norm(leaf.centre)
    mine = matrix[leaf.rows]
    if not np.ptp(mine, axis=0).any():
        return []
    fit = KMeans(2, init=np.array([leaf.centre - noise, leaf.centre + noise]), n_init=1,
                 max_iter=rounds, tol=0).fit(mine, sample_weight=weight[leaf.rows])  # fmt: skip
    sides = [leaf.rows[fit.labels_ == side] for side in (0, 1)]
    if any(len(side) == 0 for side in sides):
        return []
    return [Leaf(centre, side) for centre, side in zip(fit.cluster_centers_, sides, strict=True)]
