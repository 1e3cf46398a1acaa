"""How models are trained, judged and read: conf/models/*.yaml into frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import yaml

from conf.settings import CONF, SettingsError


@dataclass(frozen=True)
class Split:
    """How months are divided; see ml/splits.py."""

    test_share: int
    months_least: int
    months_most: int
    gap_months: int
    train_months_least: int
    positives_least: int


@dataclass(frozen=True)
class Features:
    """What is done to the 36 columns before a model sees them."""

    money: Sequence[str]
    categories_most: int
    rising: Sequence[str]
    falling: Sequence[str]


@dataclass(frozen=True)
class Training:
    """How trees are grown; `search` holds the values that trials draw from."""

    backend: str
    tasks: int
    trials: int
    seed: int
    rounds_most: int
    driver_rows_most: int
    early_stopping_rounds: int
    fixed: Mapping[str, Any]
    search: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Calibration:
    ece_most: float


@dataclass(frozen=True)
class Evaluation:
    bootstraps: int
    capacities: Sequence[float]
    ece_bins: int
    walk_forward_months: int
    cost_per_review_minor: int
    cost_per_missed_minor: int


@dataclass(frozen=True)
class Leakage:
    """Bounds beyond which a feature is suspected of knowing the label."""

    single_feature_ap_most: float
    pure_share_most: float
    pure_rows_least: int
    permuted_distance_most: float


@dataclass(frozen=True)
class Gates:
    """What a model has to reach before it may be champion."""

    ap_least: float
    ap_lower_bound_least: float
    worst_month_ap_least: float
    over_logistic_least: float
    ece_most: float
    parity_most: float
    trainers_ap_distance_most: float
    additivity_most: float
    champion_difference_least: float
    slice_positives_least: int
    slice_ap_floor: float


@dataclass(frozen=True)
class SellerRisk:
    """conf/models/seller_risk.yaml."""

    version: int
    effective_from: date
    split: Split
    features: Features
    training: Training
    calibration: Calibration
    evaluation: Evaluation
    leakage: Leakage
    gates: Gates
    bands: Mapping[str, float]
    promotion: str


SECTIONS = {
    "split": Split, "features": Features, "training": Training, "calibration": Calibration,
    "evaluation": Evaluation, "leakage": Leakage, "gates": Gates,
}  # fmt: skip


def load_seller_risk(**given: Any) -> SellerRisk:
    """The model's settings; `given` replaces whole top-level keys. SettingsError names a key that
    is unknown or missing."""
    file = "models/seller_risk.yaml"
    content = {**yaml.safe_load((CONF / "models" / "seller_risk.yaml").read_text()), **given}
    _same_keys(SellerRisk, content, file)
    for name, kind in SECTIONS.items():
        _same_keys(kind, content[name], f"{file}, {name}")
    return SellerRisk(**{n: SECTIONS[n](**v) if n in SECTIONS else v for n, v in content.items()})


def _same_keys(kind: type, content: Mapping[str, Any], where: str) -> None:
    names = {field.name for field in fields(kind)}
    if wrong := sorted(names ^ set(content)):
        raise SettingsError(f"{where}: unknown or missing key {', '.join(wrong)}")
