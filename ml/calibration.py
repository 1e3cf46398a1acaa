"""From a model's margin to a probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Calibration:
    """Probability = 1 / (1 + exp(-(slope * margin + offset))); the rank is that of the margin.

    Two numbers and no steps: isotonic regression makes ties, and ties cost precision (Platt,
    Probabilistic outputs for support vector machines, 1999).
    """

    slope: float = 1.0
    offset: float = 0.0

    def probability(self, margin: Array) -> Array:
        result: Array = 1 / (1 + np.exp(-(self.slope * margin + self.offset)))
        return result
