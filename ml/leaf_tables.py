"""Exact contributions of tree ensembles, leaf by leaf: the values of TreeSHAP, much faster.

A leaf with value w is a game in which a player is a feature on its path: it takes part by its own
answer z (1: the row meets every condition of that feature, else 0), or by the share r of training
rows that do. The worth of a coalition is w times the product of these. A path has few features, so
few patterns of z: their Shapley values are reckoned once each and looked up for every other row.
The sum over leaves is path-dependent TreeSHAP (Lundberg et al., From local explanations to global
understanding with explainable AI for trees, 2020, algorithm 2), as LightGBM's `pred_contrib`.

Numeric splits only; a missing value goes where the model sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from numba import njit

MISSING = np.iinfo(np.uint16).max
"""The bin of a missing value."""
MOST_REMEMBERED = 12
"""Features on a path up to which each pattern's values are kept: 4,096 patterns."""
BLOCK = 1_024
"""Rows at a time: their bins and results then stay in the processor's cache."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LeafTables:
    """An ensemble as arrays. A leaf has one entry a feature on its path, entries
    `first[leaf]:first[leaf + 1]`; a tree has leaves `trees[tree]:trees[tree + 1]`."""

    thresholds: tuple[Array, ...]  # per feature, ascending: the bounds of its bins
    trees: Array
    first: Array
    value: Array
    feature: Array
    low: Array  # lowest and highest bin that meets the conditions
    high: Array
    missing: Array  # a missing value meets them
    share: Array  # of the training rows that came by and met them

    @property
    def bias(self) -> float:
        """The mean margin of the training rows: what the contributions are added to."""
        leaves = [self.share[a:b].prod() for a, b in zip(self.first, self.first[1:], strict=False)]
        return float((self.value * leaves).sum())

    def binned(self, rows: Array) -> Array:
        """[features, rows] bins of rows [rows, features]."""
        bins = np.empty((rows.shape[1], rows.shape[0]), np.uint16)
        for number, bounds in enumerate(self.thresholds):
            column = rows[:, number]
            bins[number] = np.searchsorted(bounds, column, side="left")
            bins[number, np.isnan(column)] = MISSING
        return bins

    def contributions(self, rows: Array) -> Array:
        """[rows, features] in log odds; with `bias` they add up to the margin."""
        result = np.zeros((rows.shape[1], rows.shape[0]))
        _add(self.binned(rows), self.trees, self.first, self.value, self.feature, self.low,
             self.high, self.missing, self.share, result)  # fmt: skip
        return result.T


def leaf_tables(booster: lightgbm.Booster) -> LeafTables:
    """The tables of a trained model; ValueError for categorical splits or zero as missing."""
    dump = booster.dump_model()
    paths = [
        [*_paths(tree["tree_structure"], ())] for tree in dump["tree_info"]
    ]  # per tree, per leaf: the conditions on the way and the value
    conditions = [step for tree in paths for way, _ in tree for step in way]
    thresholds = tuple(
        np.unique([c.threshold for c in conditions if c.feature == number])
        for number in range(len(dump["feature_names"]))
    )
    entries = [_entries(way, thresholds) for tree in paths for way, _ in tree]
    columns = [np.array([e[n] for leaf in entries for e in leaf]) for n in range(5)]
    feature, low, high, missing, share = columns
    return LeafTables(
        thresholds=thresholds,
        trees=np.cumsum([0, *(len(tree) for tree in paths)]),
        first=np.cumsum([0, *(len(leaf) for leaf in entries)]),
        value=np.array([value for tree in paths for _, value in tree], float),
        feature=feature.astype(np.int64), low=low.astype(np.int64), high=high.astype(np.int64),
        missing=missing.astype(np.bool_), share=share.astype(np.float64),
    )  # fmt: skip


@dataclass(frozen=True)
class _Condition:
    feature: int
    threshold: float
    left: bool  # at most the threshold, else above it
    missing: bool
    share: float


Path = tuple[tuple[_Condition, ...], float]


def _paths(node: dict[str, Any], way: tuple[_Condition, ...]) -> Iterator[Path]:
    """Each leaf below the node: the conditions on the way to it, and its value."""
    if "split_feature" not in node:
        yield way, float(node["leaf_value"])
        return
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise ValueError(f"a split by {node['decision_type']} with missing {node['missing_type']}: "
                         "only numbers with missing values are explained")  # fmt: skip
    threshold = float(node["threshold"])
    # Where training saw none missing, LightGBM takes a missing value for 0.
    goes_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    for left, child in ((True, node["left_child"]), (False, node["right_child"])):
        share = _rows(child) / _rows(node)
        step = _Condition(node["split_feature"], threshold, left, goes_left == left, share)
        yield from _paths(child, (*way, step))


def _rows(node: dict[str, Any]) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])


def _entries(way: tuple[_Condition, ...],
             thresholds: tuple[Array, ...]) -> list[tuple[int, int, int, bool, float]]:  # fmt: skip
    """The conditions of a path, put together by feature: (feature, low, high, missing, share)."""
    found: dict[int, tuple[int, int, int, bool, float]] = {}
    for step in way:
        everything = (step.feature, 0, int(MISSING) - 1, True, 1.0)
        _, low, high, missing, share = found.get(step.feature, everything)
        bound = int(np.searchsorted(thresholds[step.feature], step.threshold))
        low, high = (low, min(high, bound)) if step.left else (max(low, bound + 1), high)
        found[step.feature] = (
            step.feature, low, high, missing and step.missing, share * step.share,
        )  # fmt: skip
    return list(found.values())


@njit(nogil=True)
def _add(bins, trees, first, value, feature, low, high, missing, share, result):  # type: ignore[no-untyped-def]
    masks = np.empty(BLOCK, np.int64)
    for tree in range(len(trees) - 1):
        begins, ends = trees[tree], trees[tree + 1]
        where = np.zeros(ends - begins + 1, np.int64)  # each leaf's part of what is remembered
        for leaf in range(begins, ends):
            players = first[leaf + 1] - first[leaf]
            kept = (1 << players) if players <= MOST_REMEMBERED else 1
            where[leaf - begins + 1] = where[leaf - begins] + kept * players
        values = np.full(where[-1], np.nan)
        for start in range(0, bins.shape[1], BLOCK):
            count = min(BLOCK, bins.shape[1] - start)
            for leaf in range(begins, ends):
                of_leaf = slice(first[leaf], first[leaf + 1])
                players, at = first[leaf + 1] - first[leaf], where[leaf - begins]
                _answers(bins, start, count, feature[of_leaf], low[of_leaf], high[of_leaf],
                         missing[of_leaf], masks)  # fmt: skip
                for row in range(count):
                    mine = at + (masks[row] * players if players <= MOST_REMEMBERED else 0)
                    known = values[mine : mine + players]
                    if players > MOST_REMEMBERED or (players and np.isnan(known[0])):
                        _shapley(masks[row], value[leaf], share[of_leaf], known)
                    if players > MOST_REMEMBERED:
                        for player in range(players):
                            result[feature[first[leaf] + player], start + row] += known[player]
                    masks[row] = mine
                if players <= MOST_REMEMBERED:
                    for player in range(players):
                        column = result[feature[first[leaf] + player], start : start + count]
                        for row in range(count):
                            column[row] += values[masks[row] + player]


@njit(nogil=True)
def _answers(bins, start, count, feature, low, high, missing, masks):  # type: ignore[no-untyped-def]
    """Which of a leaf's conditions each row meets, as bits."""
    masks[:count] = 0
    for player in range(len(feature)):
        column = bins[feature[player], start : start + count]
        least, most, gone, bit = low[player], high[player], missing[player], 1 << player
        for row in range(count):
            found = column[row]
            if (found == MISSING and gone) or (least <= found <= most):
                masks[row] |= bit


@njit(nogil=True)
def _shapley(mask, value, share, result):  # type: ignore[no-untyped-def]
    """Shapley values of one leaf: by size of the coalition of the others, as a polynomial."""
    players = len(share)
    sizes = np.empty(players)
    for player in range(players):
        sizes[:] = 0
        sizes[0] = 1
        degree = 0
        for other in range(players):
            if other != player:
                joined = (mask >> other) & 1
                degree += 1
                for size in range(degree, 0, -1):
                    sizes[size] = sizes[size] * share[other] + sizes[size - 1] * joined
                sizes[0] *= share[other]
        weight, total = 1.0 / players, 0.0
        for size in range(players):  # size! (players - 1 - size)! / players!
            total += weight * sizes[size]
            if size < players - 1:
                weight *= (size + 1) / (players - 1 - size)
        result[player] = value * (((mask >> player) & 1) - share[player]) * total
