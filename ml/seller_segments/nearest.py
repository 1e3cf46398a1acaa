"""Distances from rows to centres, the same in every digit wherever they are computed.

A matrix product sums in an order that depends on how many rows there are; here features are added
one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def squared_distances(matrix: Array, centres: Array) -> Array:
    """[rows, centres]"""
    found = np.zeros((len(matrix), len(centres)))
    for place in range(matrix.shape[1]):
        column = np.ascontiguousarray(matrix[:, place])
        for number, centre in enumerate(centres[:, place]):
            found[:, number] += (column - centre) ** 2
    return found
