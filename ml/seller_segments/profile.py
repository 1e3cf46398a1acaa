"""What a segment is like: effect sizes, a name, and a sheet of rules that people can follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from conf.model_settings import SegmentFeature
from ml.seller_segments.nearest import squared_distances

Array = npt.NDArray[Any]
RULE_DEPTH, RULE_ROWS_LEAST = 3, 20


@dataclass(frozen=True)
class Rule:
    """One leaf of the sheet: conditions in the features' own units, and where they lead."""

    conditions: Sequence[str]
    segment: int
    share: float  # of the sellers it was learnt on
    purity: float  # of these, in that segment


@dataclass(frozen=True)
class Sheet:
    rules: Sequence[Rule]
    fidelity: float  # share of other sellers whom it puts where the model does


def effects(matrix: Array, labels: Array, ids: Sequence[int]) -> Array:
    """[segments, features] Cohen's d of each segment against all others; 0 where nobody differs."""
    found = np.zeros((len(ids), matrix.shape[1]))
    for place, segment in enumerate(ids):
        inside, rest = matrix[labels == segment], matrix[labels != segment]
        if len(inside) < 2 or len(rest) < 2:
            continue
        inner, outer = len(inside) - 1, len(rest) - 1
        pooled = (inner * inside.var(axis=0, ddof=1) + outer * rest.var(axis=0, ddof=1)) / (
            inner + outer
        )
        apart = inside.mean(axis=0) - rest.mean(axis=0)
        found[place] = np.divide(apart, np.sqrt(pooled), out=np.zeros_like(apart),
                                 where=pooled > 0)  # fmt: skip
    return found


def merged(matrix: Array, centres: Array, effect_least: float, features_least: int) -> list[int]:
    """[centres] the segment of each centre, from 1: a segment with too few features that set it
    apart joins the one whose centre is nearest, until all are distinct or one is left."""
    segments = np.arange(1, len(centres) + 1)
    near = squared_distances(matrix, centres).argmin(axis=1)
    while len(ids := np.unique(segments)) > 1:
        found = np.abs(effects(matrix, segments[near], list(ids)))
        counts = (found >= effect_least).sum(axis=1)
        if counts.min() >= features_least:
            break
        weak = ids[counts.argmin()]
        own, others = centres[segments == weak], np.flatnonzero(segments != weak)
        apart = squared_distances(centres[others], own).min(axis=1)
        segments[segments == weak] = segments[others[apart.argmin()]]
    order = {segment: place for place, segment in enumerate(dict.fromkeys(segments), start=1)}
    return [order[segment] for segment in segments]


def names(found: Array, ids: Sequence[int], coordinates: Sequence[str],
          features: Mapping[str, SegmentFeature]) -> dict[int, str]:  # fmt: skip
    """A name for each segment, of what sets it apart most; longer where two would be alike."""
    for length in range(2, len({features[name].family for name in coordinates}) + 1):
        drafts = {segment: _name(row, coordinates, features, length)
                  for segment, row in zip(ids, found, strict=True)}  # fmt: skip
        if len(set(drafts.values())) == len(drafts):
            return drafts
    return {segment: f"{name} {segment}" for segment, name in drafts.items()} if ids else {}


def bad_family(row: Array, coordinates: Sequence[str],
               features: Mapping[str, SegmentFeature], least: float) -> str | None:  # fmt: skip
    """The family of the feature that is off most on its bad side; None where none is by `least`."""
    worst, family = least, None
    for value, name in zip(row, coordinates, strict=True):
        feature = features[name]
        off = {"low": value, "high": -value}.get(feature.good or "", 0.0)
        if off >= worst:
            worst, family = off, feature.family
    return family


def sheet(values: Mapping[str, Array], labels: Array, learns: Array) -> Sheet:
    """A tree of depth 3 in the features' own units, learnt on the rows of the mask `learns`; its
    fidelity is measured on the others. Missing values follow the tree's own direction."""
    columns = np.column_stack(list(values.values()))
    learns = learns if learns.any() else ~learns
    least = min(RULE_ROWS_LEAST, max(int(learns.sum()) // 10, 1))
    tree = DecisionTreeClassifier(max_depth=RULE_DEPTH, min_samples_leaf=least, random_state=0)
    tree.fit(columns[learns], labels[learns])
    others = ~learns if (~learns).any() else learns
    fidelity = float((tree.predict(columns[others]) == labels[others]).mean())
    return Sheet(_rules(tree, list(values)), fidelity)


def _rules(tree: DecisionTreeClassifier, columns: Sequence[str]) -> list[Rule]:
    inner = tree.tree_
    total = float(inner.n_node_samples[0])
    found: list[Rule] = []

    def walk(node: int, conditions: list[str]) -> None:
        left, right = int(inner.children_left[node]), int(inner.children_right[node])
        if left < 0:
            shares = inner.value[node][0]
            found.append(Rule(
                tuple(conditions), int(tree.classes_[shares.argmax()]),
                float(inner.n_node_samples[node]) / total, float(shares.max() / shares.sum()),
            ))  # fmt: skip
            return
        name, bound = columns[inner.feature[node]], float(inner.threshold[node])
        walk(left, [*conditions, f"{name} <= {bound:.4g}"])
        walk(right, [*conditions, f"{name} > {bound:.4g}"])

    walk(0, [])
    return found


def _name(
    row: Array, coordinates: Sequence[str], features: Mapping[str, SegmentFeature], length: int
) -> str:
    """The strongest features, one of each family: the next of the same one tells little more."""
    phrases: dict[str, str] = {}
    for place in np.argsort(-np.abs(row), kind="stable"):
        feature = features[coordinates[place]]
        phrases.setdefault(feature.family, feature.high if row[place] > 0 else feature.low)
    return ", ".join(list(phrases.values())[:length]).capitalize()
