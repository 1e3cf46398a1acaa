"""Chance without Spark: NumPy draws that depend on the seed, a purpose, an id and a day only.

The counterpart of `draws` for what is computed day by day: no draw knows of a chunk, of an order
or of how long the window is. A `luck` is hashed once a purpose and id; a draw mixes a day into it.
The mixing is splitmix64's finaliser, the purpose's hash is blake2b: both stable everywhere.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Luck = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's increment: an odd number near 2^64 / phi
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53
_LOW = np.uint64(0xFFFFFFFF)
_MOST = 200  # values a Poisson draw may have; its callers stay far below


def luck(seed: int, purpose: str, ids: Ids) -> Luck:
    """The luck of each id for one purpose: uint64, shaped as the ids."""
    return mixed(ids.astype(np.uint64) * _STEP + _root(seed, purpose))


def uniform(lucks: Luck, days: int | Ids = 0) -> Doubles:
    """A number in [0, 1) for each luck on each day (broadcast), from 53 bits."""
    return (_on(lucks, days) >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def normals(lucks: Luck, days: int | Ids = 0) -> tuple[Floats, Floats]:
    """Two independent standard normals for each luck and day, by Box and Muller."""
    bits = _on(lucks, days)
    radius = ((bits >> np.uint64(32)).astype(np.float64) + 0.5) * 2.0**-32  # never 0: its log
    angle = (bits & _LOW).astype(np.float64) * (2.0 * np.pi * 2.0**-32)
    length = np.sqrt(-2.0 * np.log(radius))
    return (
        (length * np.cos(angle)).astype(np.float32),
        (length * np.sin(angle)).astype(np.float32),
    )


def normal(lucks: Luck, days: int | Ids = 0) -> Floats:
    """A standard normal for each luck and day."""
    return normals(lucks, days)[0]


def exponential(lucks: Luck, days: int | Ids = 0) -> Doubles:
    """A waiting time of mean 1 for each luck and day."""
    return -np.log1p(-uniform(lucks, days))


def poisson(mean: npt.NDArray[np.floating], lucks: Luck, days: int | Ids = 0) -> Ids:
    """A count with that mean for each luck and day, by inverting its distribution."""
    left, mean = np.broadcast_arrays(uniform(lucks, days), np.asarray(mean, np.float64))
    if mean.size and mean.max() > _MOST / 2:
        raise ValueError(f"Poisson draws are made for means up to {_MOST // 2}")
    term = np.exp(-mean)
    below, count = term.copy(), np.zeros(mean.shape, np.int64)
    for value in range(1, _MOST):
        more = left >= below
        if not more.any():
            break
        count += more
        term = term * mean / value
        below += term
    return count


def mixed(bits: Luck) -> Luck:
    """A permutation of the 64-bit numbers in which every input bit moves every output bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))


def _on(lucks: Luck, days: int | Ids) -> Luck:
    if isinstance(days, int):  # Python's own numbers: a NumPy scalar would warn as it wraps
        return mixed(lucks + np.uint64(days * int(_STEP) % 2**64))
    return mixed(lucks + days.astype(np.uint64) * _STEP)


@lru_cache(maxsize=4096)
def _root(seed: int, purpose: str) -> np.uint64:
    text = f"{seed}:{purpose}".encode()
    return np.uint64(int.from_bytes(blake2b(text, digest_size=8).digest(), "little"))


class Chances:
    """The draws of some ids under one seed, by purpose; keeps a purpose's lucks once hashed.

    Each of the `worlds` (possible futures) has draws of its own: arrays hold the ids of the first,
    then those of the second, and so on.
    """

    def __init__(self, seed: int, ids: Ids, worlds: tuple[str, ...] = ("",)) -> None:
        self._seed, self._ids, self._worlds = seed, ids, worlds
        self._lucks: dict[str, Luck] = {}

    def luck(self, purpose: str) -> Luck:
        if purpose not in self._lucks:
            of_each = [luck(self._seed, world + purpose, self._ids) for world in self._worlds]
            self._lucks[purpose] = np.concatenate(of_each)
        return self._lucks[purpose]

    def uniform(self, purpose: str, day: int = 0) -> Doubles:
        return uniform(self.luck(purpose), day)

    def normals(self, purpose: str, day: int = 0) -> tuple[Floats, Floats]:
        return normals(self.luck(purpose), day)

    def normal(self, purpose: str, day: int = 0) -> Floats:
        return normal(self.luck(purpose), day)
