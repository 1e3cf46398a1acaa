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
    return SellerRisk(**_read("seller_risk", SellerRisk, SECTIONS, given))


@dataclass(frozen=True)
class SegmentFeature:
    """How one behaviour is scaled, and what it is called when it is high or low.

    `scale` is logit, log or log_money; `count` the column that a rate rests on (null: not shrunk);
    `good` the side on which a seller wants to be, or null.
    """

    family: str
    scale: str
    count: str | None
    good: str | None
    high: str
    low: str


@dataclass(frozen=True)
class LowHistory:
    """Who is in the segment of new sellers: a rule, so that missing values form no segment."""

    tenure_days_least: int
    orders_least: int
    leaves_at_orders: int
    returns_below_orders: int
    name: str


@dataclass(frozen=True)
class SegmentScaling:
    winsorised: Sequence[float]
    shift: float
    family_weights: Mapping[str, float]
    left_out_share_most: float


@dataclass(frozen=True)
class SegmentSearch:
    """How k is searched: what is drawn, and how often."""

    k_least: int
    k_most: int
    resamples: int
    half_samples: int
    seeds: int
    rows_least: int
    seed: int
    driver_rows_most: int


@dataclass(frozen=True)
class SegmentFit:
    seeds: int
    rounds: int
    rows_a_partition: int


@dataclass(frozen=True)
class SegmentGates:
    share_least: float
    jaccard_least: float
    half_sample_ari_least: float
    kept_least: float
    kept_steps: int
    place_ratio_most: float
    distinct_effect_least: float
    distinct_features_least: int


@dataclass(frozen=True)
class Hysteresis:
    nearer_least: float


@dataclass(frozen=True)
class Identity:
    ari_least: float
    jaccard_least: float


@dataclass(frozen=True)
class Triggers:
    share_psi_most: float
    distance_growth_most: float
    distance_months: int
    feature_psi_most: float
    features_least: int
    place_rows_least: int
    noise_kept_least: float


@dataclass(frozen=True)
class Owner:
    """Who looks after a segment that a family of features stands out in, how, and by what."""

    owner: str
    action: str
    watch: str


@dataclass(frozen=True)
class SellerSegments:
    """conf/models/seller_segments.yaml."""

    version: int
    effective_from: date
    month_ends: int
    features: Mapping[str, SegmentFeature]
    low_history: LowHistory
    scaling: SegmentScaling
    search: SegmentSearch
    fit: SegmentFit
    gates: SegmentGates
    hysteresis: Hysteresis
    identity: Identity
    triggers: Triggers
    owners: Mapping[str, Owner]
    promotion: str

    @property
    def families(self) -> list[str]:
        return list(self.scaling.family_weights)


SEGMENT_SECTIONS = {
    "low_history": LowHistory, "scaling": SegmentScaling, "search": SegmentSearch,
    "fit": SegmentFit, "gates": SegmentGates, "hysteresis": Hysteresis, "identity": Identity,
    "triggers": Triggers,
}  # fmt: skip


def load_seller_segments(**given: Any) -> SellerSegments:
    """The segmentation's settings; as `load_seller_risk`."""
    content = _read("seller_segments", SellerSegments, SEGMENT_SECTIONS, given)
    for name, kind in (("features", SegmentFeature), ("owners", Owner)):
        for key, value in content[name].items():
            same_keys(kind, value, f"models/seller_segments.yaml, {name}, {key}")
        content[name] = {key: kind(**value) for key, value in content[name].items()}
    return SellerSegments(**content)


def _read(
    name: str, kind: type, sections: Mapping[str, type], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The keys of conf/models/<name>.yaml, its sections as dataclasses."""
    file = f"models/{name}.yaml"
    text = (CONF / "models" / f"{name}.yaml").read_text()
    content = {**yaml.safe_load(text), **given}
    same_keys(kind, content, file)
    for section, its_kind in sections.items():
        same_keys(its_kind, content[section], f"{file}, {section}")
    return {n: sections[n](**v) if n in sections else v for n, v in content.items()}


def same_keys(kind: type, content: Mapping[str, Any], where: str) -> None:
    """SettingsError that names the keys which are unknown or missing."""
    names = {field.name for field in fields(kind)}
    if wrong := sorted(names ^ set(content)):
        raise SettingsError(f"{where}: unknown or missing key {', '.join(wrong)}")
