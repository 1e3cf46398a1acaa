"""What health looks like from outside: chances and hours that follow from strain.

Each metric has the strain of its own group and the seller's own lean in it, so that health shows
in many of them at once and in none alone. What is observed is left to the caller: counts drawn
with these chances, which are noisy where a seller is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jobs.simulate.health import CONDUCT, LOGISTICS, QUALITY, SERVICE
from jobs.simulate.keyed import Floats
from jobs.simulate.kinds import METRICS


@dataclass(frozen=True)
class Rate:
    """Log odds (of hours: the log) at strain 0, what a strain adds, whose strain, what it is."""

    usual: float
    slope: float
    group: int
    meaning: str
    hours: bool = False
    own: float = 1.0  # times the seller's lean: what prices or stock decide rather than health


RATES: Mapping[str, Rate] = {
    "late": Rate(-3.75, 0.95, LOGISTICS, "an order is shipped after its promise"),
    "cancel": Rate(-4.5, 1.00, LOGISTICS, "an order is cancelled by the seller"),
    "untracked": Rate(-2.6, 1.15, LOGISTICS, "a parcel has no valid tracking"),
    "stockout": Rate(-2.5, 0.80, LOGISTICS, "a listing is out of stock, on a day", own=1.3),
    "handling": Rate(2.6, 0.55, LOGISTICS, "mean hours from payment to shipping", hours=True),
    "return": Rate(-2.9, 1.1, QUALITY, "an order is returned"),
    "defect": Rate(-5.4, 1.1, QUALITY, "an order is defective: a claim or a low review"),
    "low_stars": Rate(-2.8, 1.15, QUALITY, "a review has one or two stars of five"),
    "contact": Rate(-2.4, 1.0, QUALITY, "an order makes the buyer write"),
    "reply": Rate(1.6, 0.90, SERVICE, "mean hours until the seller replies", hours=True),
    "ticket": Rate(-2.7, 0.85, CONDUCT, "the seller opens a support ticket, on a day"),
    "chargeback": Rate(-5.7, 1.10, CONDUCT, "an order is charged back"),
    "breach": Rate(-6.0, 1.15, CONDUCT, "the seller breaches a policy, on a day"),
    "buy_box": Rate(0.2, -0.60, QUALITY, "share of views on the featured offer", own=1.8),
}
assert tuple(RATES) == METRICS


def rate(name: str, strain: Floats, lean: Floats) -> Floats:
    """The metric from strains [groups, ...] and the seller's lean in it [...]; float32."""
    it = RATES[name]
    own = np.float32(it.own) * lean
    odds = np.float32(it.usual) + np.float32(it.slope) * strain[it.group] + own
    result: Floats = np.exp(odds) if it.hours else 1 / (1 + np.exp(-odds))
    return result
