"""Growing trees with native LightGBM: the search for parameters, baselines, and a single fit.

The final fit of a large table is distributed (distributed.py); what is here runs in one process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conf.model_settings import Features, Training
from ml.calibration import Calibration
from ml.evaluation import average_precision
from ml.seller_risk.encoding import CATEGORIES, NAMES, constraints
from ml.trees import margins

Array = npt.NDArray[Any]
Said = Callable[[str], None]


@dataclass(frozen=True)
class Rows:
    """Seller-months: encoded features [rows, 36], label, seller and month-end of each."""

    features: Array
    label: Array
    seller: Array
    month: Array

    def __len__(self) -> int:
        return len(self.label)

    def of(self, rows: Array) -> Rows:
        """Those that a mask or an index names."""
        return Rows(self.features[rows], self.label[rows], self.seller[rows], self.month[rows])


def half_of(sellers: Array) -> Array:
    """Half of the sellers as a mask, by a hash of the name: always the same half."""
    codes = pd.util.hash_array(np.asarray(sellers, object), categorize=False)
    result: Array = codes % 2 == 1
    return result


@dataclass(frozen=True)
class Chosen:
    """What the search found: LightGBM's parameters, how many trees, and what each trial gave."""

    parameters: Mapping[str, Any]
    rounds: int
    trials: tuple[Mapping[str, Any], ...]


def parameters(rules: Training, features: Features, **own: Any) -> dict[str, Any]:
    """LightGBM's parameters but for what is searched, which `own` gives."""
    return {
        **rules.fixed, "seed": rules.seed, "monotone_constraints": constraints(features), **own,
    }  # fmt: skip


def search(train: Rows, stop: Rows, rules: Training, features: Features, threads: int,
           said: Said) -> Chosen:  # fmt: skip
    """Seeded trials; the best average precision on `stop`, which also says when to stop."""
    rng = np.random.default_rng(rules.seed)
    data = lightgbm.Dataset(train.features, train.label, feature_name=list(NAMES),
                            params={"max_bin": rules.fixed["max_bin"], "verbosity": -1},
                            free_raw_data=False)  # fmt: skip
    trials: list[dict[str, Any]] = []
    for number in range(1, rules.trials + 1):
        drawn = {name: values[int(rng.integers(len(values)))]
                 for name, values in rules.search.items()}  # fmt: skip
        booster = lightgbm.train(
            parameters(rules, features, metric="average_precision", num_threads=threads,
                       feature_pre_filter=False, **drawn),
            data, rules.rounds_most, valid_sets=[data.create_valid(stop.features, stop.label)],
            callbacks=[lightgbm.early_stopping(rules.early_stopping_rounds, verbose=False)],
        )  # fmt: skip
        reached = average_precision(stop.label, margins(booster, stop.features, threads))
        trials.append({**drawn, "rounds": booster.best_iteration, "average_precision": reached})
        said(f"trial {number} of {rules.trials}: average precision {reached:.4f}")
    best = max(trials, key=lambda trial: (trial["average_precision"], -trial["rounds"]))
    own = {name: best[name] for name in rules.search}
    return Chosen(parameters(rules, features, **own), max(best["rounds"], 1), tuple(trials))


def fit(rows: Rows, chosen: Chosen, threads: int) -> lightgbm.Booster:
    """One model in this process."""
    data = lightgbm.Dataset(rows.features, rows.label, feature_name=list(NAMES))
    return lightgbm.train({**chosen.parameters, "num_threads": threads}, data, chosen.rounds)


def logistic_scores(train: Rows, test: Rows) -> Array:
    """The baseline: logistic regression of log odds, medians for what is missing, and flags.

    A category's code has no order: its levels become columns of their own.
    """
    model = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(), LogisticRegression(max_iter=500),
    )  # fmt: skip
    levels = [np.unique(train.features[:, NAMES.index(name)]) for name in CATEGORIES]
    model.fit(_plain(train.features, levels), train.label)
    return model.decision_function(_plain(test.features, levels))


def _plain(features: Array, levels: list[Array]) -> Array:
    """Categories as one column a level, rates and counts tamed by a signed logarithm."""
    places = [NAMES.index(name) for name in CATEGORIES]
    numbers = np.delete(features, places, axis=1)
    flags = [features[:, [place]] == known[~np.isnan(known)]
             for place, known in zip(places, levels, strict=True)]  # fmt: skip
    return np.column_stack([np.sign(numbers) * np.log1p(np.abs(numbers)), *flags])


def calibrated(label: Array, margin: Array) -> Calibration:
    """Platt's two numbers; as it is where the label has one class."""
    if label.all() or not label.any():
        return Calibration()
    fitted = LogisticRegression(C=np.inf, max_iter=500).fit(margin[:, None], label)
    slope = float(fitted.coef_[0, 0])
    return Calibration(slope, float(fitted.intercept_[0])) if slope > 0 else Calibration()
