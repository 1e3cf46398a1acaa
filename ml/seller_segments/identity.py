"""Whether a refit found the same segments: names and ids stay, or a crosswalk leads over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from conf.model_settings import Identity

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Match:
    """How two segmentations of the same sellers correspond: `pairs` (old, new), by overlap."""

    pairs: Mapping[int, int]
    jaccards: Mapping[int, float]  # by old id
    ari: float
    overlap: Array  # [old, new] rows
    old: Sequence[int]
    new: Sequence[int]

    def holds(self, rules: Identity) -> bool:
        """The segments are the same ones: as many, and each agrees."""
        return (
            len(self.old) == len(self.new) == len(self.pairs)
            and self.ari >= rules.ari_least
            and all(jaccard >= rules.jaccard_least for jaccard in self.jaccards.values())
        )


def matched(old: Array, new: Array, old_ids: Sequence[int], new_ids: Sequence[int]) -> Match:
    """The correspondence with the largest overlap (Hungarian method), of two labels a row."""
    overlap = np.array([[np.sum((old == a) & (new == b)) for b in new_ids] for a in old_ids])
    rows, columns = linear_sum_assignment(-overlap) if overlap.size else ((), ())
    pairs = {int(old_ids[a]): int(new_ids[b]) for a, b in zip(rows, columns, strict=True)}
    jaccards = {a: jaccard(old == a, new == b) for a, b in pairs.items()}
    ari = float(adjusted_rand_score(old, new)) if len(old) else float("nan")
    return Match(pairs, jaccards, ari, overlap, list(old_ids), list(new_ids))


def jaccard(one: Array, other: Array) -> float:
    """Rows in both, of the rows in either; 0 where there are none."""
    either = float((one | other).sum())
    return float((one & other).sum()) / either if either else 0.0


def best_jaccards(reference: Array, other: Array, segments: int) -> Array:
    """[segments] how well each is found again: the best Jaccard with any of the other's.

    Source: Hennig, Cluster-wise assessment of cluster stability, CSDA 52 (2007).
    """
    others = np.unique(other)
    return np.array([
        max((jaccard(reference == n, other == m) for m in others), default=0.0)
        for n in range(segments)
    ])  # fmt: skip
