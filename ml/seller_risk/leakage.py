"""Whether a feature knows the label: three tests, each with its bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from conf.model_settings import Leakage
from ml.evaluation import average_precision, roc_auc
from ml.seller_risk.encoding import NAMES
from ml.seller_risk.train import Chosen, Rows, fit, half_of
from ml.splits import month_index
from ml.trees import margins

Array = npt.NDArray[Any]
SHUFFLES, SHUFFLED_ROUNDS, SURE = 10, 100, 5.0
"""Models of shuffled labels, their trees at most, and standard errors of their mean that are not
chance: of ten, less than once in a thousand trainings."""


@dataclass(frozen=True)
class Finding:
    """A feature that looks as if it knew the label; "" where no one feature is meant."""

    feature: str
    test: str
    found: float
    bound: float
    sentence: str


def singles(rows: Rows) -> dict[str, float]:
    """Average precision of each feature alone, in its better direction, best first.

    What is missing is tried as the least and as the most.
    """
    found = {}
    for number, name in enumerate(NAMES):
        column = rows.features[:, number]
        scores = [np.nan_to_num(sign * column, nan=end) for sign in (1, -1)
                  for end in (-1e300, 1e300)]  # fmt: skip
        found[name] = max(average_precision(rows.label, score) for score in scores)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def findings(train: Rows, test: Rows, chosen: Chosen, bounds: Leakage,
             threads: int) -> list[Finding]:  # fmt: skip
    """All that is suspicious; empty when nothing is."""
    return [
        *_strong(train, bounds), *_pure(train, bounds), *_permuted(train, test, chosen, bounds,
                                                                  threads),
    ]  # fmt: skip


@dataclass(frozen=True)
class Warned:
    """A figure that a reviewer should see, and that holds nothing back."""

    name: str
    value: float
    sentence: str


def warnings(train: Rows, test: Rows, chosen: Chosen, families: Mapping[str, Sequence[int]],
             threads: int) -> list[Warned]:  # fmt: skip
    """What would be lost with older features or without a family, and how far months differ."""

    def reached(learnt: Rows, asked: Rows) -> float:
        return average_precision(asked.label, margins(fit(learnt, chosen, threads), asked.features))

    usual = reached(train, test)
    older = [replace(rows, features=_month_before(rows)) for rows in (train, test)]
    known = [rows.of(np.asarray(~np.isnan(rows.features).all(axis=1))) for rows in older]
    lost = usual - reached(*known)
    apart = _adversarial(train, test, chosen, threads)
    return [
        Warned("lagged by a month", lost,
               f"with features one month older {lost:.3f} of average precision is lost"),
        *(Warned(f"without {family}", usual - without,
                 f"without {family} {usual - without:.3f} of average precision is lost")
          for family, without in _without(train, test, families, reached)),
        Warned("train and test told apart", apart,
               f"a model tells test months from training months with an AUC of {apart:.3f}"),
    ]  # fmt: skip


def _without(train: Rows, test: Rows, families: Mapping[str, Sequence[int]],
             reached: Callable[[Rows, Rows], float]) -> Iterator[tuple[str, float]]:  # fmt: skip
    for family, places in families.items():
        blind = [replace(rows, features=_blinded(rows.features, places)) for rows in (train, test)]
        yield family, reached(*blind)


def _blinded(features: Array, places: Sequence[int]) -> Array:
    result = features.copy()
    result[:, list(places)] = 0
    return result


def _adversarial(train: Rows, test: Rows, chosen: Chosen, threads: int) -> float:
    """How well a model tells the parts apart, on sellers it has not seen; 0.5: not at all."""
    both = Rows(
        np.concatenate([train.features, test.features]),
        np.concatenate([np.zeros(len(train)), np.ones(len(test))]).astype(np.int64),
        np.concatenate([train.seller, test.seller]), np.concatenate([train.month, test.month]),
    )  # fmt: skip
    kept = half_of(both.seller)
    score = margins(fit(both.of(~kept), _free(chosen), threads), both.features[kept])
    return roc_auc(both.label[kept] == 1, score)


def _free(chosen: Chosen) -> Chosen:
    """The same parameters without monotone constraints, which know which way risk goes."""
    return replace(chosen, parameters={**chosen.parameters, "monotone_constraints": None})


def _strong(rows: Rows, bounds: Leakage) -> Iterator[Finding]:
    most = bounds.single_feature_ap_most
    for name, reached in singles(rows).items():
        if reached > most:
            yield Finding(
                name, "single feature", reached, most,
                f"{name} alone reaches an average precision of {reached:.3f}, more than {most}",
            )  # fmt: skip


def _pure(rows: Rows, bounds: Leakage) -> Iterator[Finding]:
    """Levels of a feature, and changes since the seller's month before, that are nearly all
    positive."""
    changes = rows.features - _month_before(rows)
    for kind, table in (("level", rows.features), ("change", changes)):
        for number, name in enumerate(NAMES):
            value, count, share = _purest(table[:, number], rows.label, bounds.pure_rows_least)
            if share > bounds.pure_share_most:
                yield Finding(
                    name, f"pure {kind}", share, bounds.pure_share_most,
                    f"of the {count} rows whose {name} has the {kind} {value:g}, {share:.1%} are "
                    "positive",
                )  # fmt: skip


def _month_before(rows: Rows) -> Array:
    """The features of the same seller one month earlier; NaN where there is none."""
    index = np.array([month_index(month) for month in rows.month])
    order = np.lexsort((index, rows.seller))
    follows = np.zeros(len(rows), np.bool_)
    seller, month = rows.seller[order], index[order]
    follows[1:] = (seller[1:] == seller[:-1]) & (month[1:] == month[:-1] + 1)
    before = np.full(rows.features.shape, np.nan)
    before[order[follows]] = rows.features[order[np.flatnonzero(follows) - 1]]
    return before


def _purest(values: Array, label: Array, least: int) -> tuple[float, int, float]:
    """(value, rows, share positive) of the value with the highest share; missing is a value."""
    levels, of_row = np.unique(values, return_inverse=True)
    counts = np.bincount(of_row)
    shares = np.where(counts >= least, np.bincount(of_row, label) / counts, 0)
    best = int(np.argmax(shares))
    return float(levels[best]), int(counts[best]), float(shares[best])


def _permuted(train: Rows, test: Rows, chosen: Chosen, bounds: Leakage,
              threads: int) -> Iterator[Finding]:  # fmt: skip
    """Models of shuffled labels must find nothing: else labels reach them by another way.

    Each ranks by a direction that chance has chosen, which may point where risk lies or away from
    it: both are as likely, so that half the distance between a ranking and its reverse is 0 on
    average. Several are averaged, and their own scatter widens the bound.
    """
    few = replace(chosen, rounds=min(chosen.rounds, SHUFFLED_ROUNDS))
    apart = np.array([_apart(train, test, few, threads, n) for n in range(SHUFFLES)])
    scatter = float(apart.std(ddof=1)) / SHUFFLES**0.5
    bound = max(bounds.permuted_distance_most, SURE * scatter)
    found = float(apart.mean())
    if abs(found) > bound:
        yield Finding(
            "", "permuted label", found, bound,
            f"models of permuted labels reach {found:+.4f} against chance, more than {bound:.4f}",
        )  # fmt: skip


def _apart(train: Rows, test: Rows, chosen: Chosen, threads: int, number: int) -> float:
    """Half of what one model of shuffled labels reaches beyond the reverse of its ranking."""
    rng = np.random.default_rng(number)
    shuffled = replace(train, label=rng.permutation(train.label))
    score = margins(fit(shuffled, _free(chosen), threads), test.features)
    return (average_precision(test.label, score) - average_precision(test.label, -score)) / 2
