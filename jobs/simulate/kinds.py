"""What a seller is: the traits he has from the beginning, drawn once from the seed and his number.

Everything here is an array [sellers]. Days are indices from the first day of the window, so that
a negative one lies before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.simulate.keyed import Chances, Floats, Ids, exponential

NEVER = 1 << 30  # a day that does not come


@dataclass(frozen=True)
class Kind:
    """A way of trading: how common, how large and how troubled its sellers are."""

    share: float
    size: float  # typical size against a steady seller's
    level: float  # mean strain: 0 is sound, 2 in deep trouble (log odds of what goes wrong)
    breaks: float  # times against a steady seller's
    stays: float  # mean days until he closes of his own will


KINDS = {
    "steady": Kind(0.44, 1.0, -0.35, 0.8, 2_200),
    "growing": Kind(0.14, 1.1, -0.15, 1.2, 2_500),
    "hobby": Kind(0.20, 0.45, -0.10, 0.8, 900),
    "strained": Kind(0.08, 1.0, 0.85, 2.0, 1_100),
    "seasonal": Kind(0.11, 0.9, -0.15, 1.0, 1_500),
    "bust_out": Kind(0.015, 0.9, -0.20, 0.5, 4_000),
    "ring": Kind(0.015, 0.7, 0.15, 0.8, 4_000),
}
NAMES = tuple(KINDS)
BUST_OUT, RING = NAMES.index("bust_out"), NAMES.index("ring")
GROWING, SEASONAL = NAMES.index("growing"), NAMES.index("seasonal")

SIZE_SPREAD = 0.9  # of the log of size: the largest tenth sells about two fifths of everything
LEVEL_SPREAD = 0.25  # of the slow level, in strain
PRESENT = 0.55  # of all sellers have joined when the window opens
TENURE_DAYS = 900.0  # mean tenure of these, on top of TENURE_LEAST
TENURE_LEAST = 5.0
NEWCOMER_DAYS = 1_000  # the others join evenly over so many days; nobody joins after them
RING_BLOCK = 400  # neighbouring numbers that make up two rings, so that a ring needs no look-up
ADVERTISES, MESSAGING_NEVER = 0.6, 0.018  # shares of sellers
MESSAGING_DAYS = 35.0  # mean days a newcomer takes to enable messaging
METRICS = (
    "late", "cancel", "untracked", "stockout", "handling", "return", "defect", "low_stars",
    "contact", "reply", "ticket", "chargeback", "breach", "buy_box",
)  # fmt: skip
LEAN_SPREAD = 0.20  # of a seller's own lean in one metric, in log odds: no metric is the health
PAPERS_DAYS = 365  # a verification lasts a year


@dataclass(frozen=True)
class Traits:
    """Sellers as they are, array by array [sellers]; `leans` is [sellers] a metric."""

    seller_no: Ids
    kind: npt.NDArray[np.int8]  # index in NAMES
    size: Floats  # relative weight in orders, mean about 1 over all sellers
    entry: Ids  # first day of selling
    leaves: Ids  # day he closes of his own will, NEVER is possible
    ring: Ids  # who shares device, bank account and address; -1: nobody
    advertises: npt.NDArray[np.bool_]
    platform_share: Floats  # of his units that the platform fulfils
    level: Floats  # slow strain
    fragile: Floats  # breaks against a usual seller's
    depth: Floats  # strain that a break adds
    peak: Floats  # day of the year of his season
    messaging_from: Ids  # first day on which buyers reach him through the platform
    papers: Ids  # day of his latest verification as the world begins
    leans: dict[str, Floats]


def traits(seed: int, seller_no: Ids) -> Traits:
    """The sellers of these numbers; days are counted from the first of the window."""
    luck = Chances(seed, seller_no)
    kind = np.searchsorted(np.cumsum([k.share for k in KINDS.values()])[:-1],
                           luck.uniform("kind"), side="right").astype(np.int8)  # fmt: skip
    entry = _entry(luck)
    stays = exponential(luck.luck("stays")) * _of("stays", kind)
    depth, fragile = luck.normals("break")
    return Traits(
        seller_no=seller_no,
        kind=kind,
        size=_size(luck, kind),
        entry=entry,
        leaves=np.minimum(np.maximum(entry, 0) + 1 + stays.astype(np.int64), NEVER),
        ring=_ring(luck, kind, seller_no),
        advertises=luck.uniform("advertises") < ADVERTISES,
        platform_share=np.clip(1.6 * luck.uniform("platform") - 0.6, 0, 1).astype(np.float32),
        level=_of("level", kind) + np.float32(LEVEL_SPREAD) * luck.normal("level"),
        fragile=_of("breaks", kind) * np.exp(np.float32(0.4) * fragile),
        depth=np.exp(np.float32(0.25) * depth),
        peak=(365 * luck.uniform("peak")).astype(np.float32),
        messaging_from=_messaging(luck, entry),
        papers=_papers(luck, entry),
        leans={name: np.float32(LEAN_SPREAD) * luck.normal(f"lean {name}") for name in METRICS},
    )


def _of(what: str, kind: npt.NDArray[np.int8]) -> Floats:
    return np.array([getattr(k, what) for k in KINDS.values()], np.float32)[kind]


def _size(luck: Chances, kind: npt.NDArray[np.int8]) -> Floats:
    """A log-normal around the kind's own, brought to mean 1 over all kinds; at most 40."""
    mean = sum(k.share * k.size for k in KINDS.values()) * np.exp(SIZE_SPREAD**2 / 2)
    drawn = np.exp(np.float32(SIZE_SPREAD) * luck.normal("size")) * _of("size", kind)
    return np.minimum(drawn / np.float32(mean), np.float32(40))


def _entry(luck: Chances) -> Ids:
    present = luck.uniform("present") < PRESENT
    tenure = TENURE_LEAST + TENURE_DAYS * exponential(luck.luck("tenure"))
    return np.where(present, -tenure, NEWCOMER_DAYS * luck.uniform("joins")).astype(np.int64)


def _ring(luck: Chances, kind: npt.NDArray[np.int8], seller_no: Ids) -> Ids:
    side = (luck.uniform("ring side") < 0.5).astype(np.int64)
    return np.where(kind == RING, seller_no // RING_BLOCK * 2 + side, -1)


def _messaging(luck: Chances, entry: Ids) -> Ids:
    lag = MESSAGING_DAYS * exponential(luck.luck("messaging lag"))
    never = luck.uniform("messaging") < MESSAGING_NEVER
    return np.where(never, NEVER, entry + lag.astype(np.int64))


def _papers(luck: Chances, entry: Ids) -> Ids:
    """Newcomers are verified as they join; the others some time within the year before."""
    ago = np.minimum(-entry, (PAPERS_DAYS * luck.uniform("papers")).astype(np.int64))
    return np.where(entry >= 0, entry, -ago)
