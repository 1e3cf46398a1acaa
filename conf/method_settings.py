"""How the two ways to see sellers are compared: conf/models/seller_methods.yaml as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from conf.model_settings import Features, load_seller_risk, same_keys
from conf.settings import CONF, SettingsError


@dataclass(frozen=True)
class MethodEvaluation:
    bootstraps: int
    seed: int
    capacity: float
    positives_least: int
    psi_bins: int


@dataclass(frozen=True)
class LabelCuts:
    """What is taken away from the training labels, to see what each method needs."""

    shares: Sequence[float]
    delay_months: int
    outage_months: int


@dataclass(frozen=True)
class SegmentRate:
    pseudo_rows: float


@dataclass(frozen=True)
class ModelFit:
    """The trees of every fit of the comparison: nothing is searched, so that fits differ by their
    rows alone."""

    rounds: int
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Strained:
    rate_times_least: float
    high_gmv_share: float


@dataclass(frozen=True)
class MethodThresholds:
    """What the recommendations are decided by."""

    difference_least: float
    lift_least: float
    outreach_sellers_least: int
    outreach_lift_least: float
    score_psi_most: float


@dataclass(frozen=True)
class MethodText:
    """What is true of a method whatever was measured."""

    name: str
    objective: str
    inputs: str
    outputs: str
    label_need: str
    failure_modes: str


@dataclass(frozen=True)
class SellerMethods:
    """conf/models/seller_methods.yaml; `features` are those of the risk model, whose constraints
    hold for the fits of the comparison too."""

    version: int
    effective_from: date
    evaluation: MethodEvaluation
    labels: LabelCuts
    segment_rate: SegmentRate
    model: ModelFit
    strained: Strained
    thresholds: MethodThresholds
    texts: Mapping[str, MethodText]
    features: Features


SECTIONS = {
    "evaluation": MethodEvaluation, "labels": LabelCuts, "segment_rate": SegmentRate,
    "model": ModelFit, "strained": Strained, "thresholds": MethodThresholds,
}  # fmt: skip
DESCRIBED = ("segments", "model")


def load_seller_methods(**given: Any) -> SellerMethods:
    """The comparison's settings; `given` replaces whole top-level keys. SettingsError names a key
    that is unknown or missing, or a share that is none."""
    file = "models/seller_methods.yaml"
    written = yaml.safe_load((CONF / "models" / "seller_methods.yaml").read_text())
    content = {"features": load_seller_risk().features, **written, **given}
    same_keys(SellerMethods, content, file)
    for name, kind in SECTIONS.items():
        same_keys(kind, content[name], f"{file}, {name}")
        content[name] = kind(**content[name])
    if wrong := sorted(set(DESCRIBED) ^ set(content["texts"])):
        raise SettingsError(f"{file}, texts: unknown or missing key {', '.join(wrong)}")
    for name, text in content["texts"].items():
        same_keys(MethodText, text, f"{file}, texts, {name}")
    content["texts"] = {name: MethodText(**content["texts"][name]) for name in DESCRIBED}
    settings = SellerMethods(**content)
    shares = [*settings.labels.shares, settings.evaluation.capacity,
              settings.strained.high_gmv_share]  # fmt: skip
    if not all(0 < share < 1 for share in shares):
        raise SettingsError(f"{file}: a share lies between 0 and 1, found {shares}")
    return settings
