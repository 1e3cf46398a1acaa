"""What a booster says of encoded rows, in the types that the rest works with."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def margins(booster: lightgbm.Booster, features: Array, threads: int = 1) -> Array:
    """[rows] log odds of rows [rows, features]."""
    return np.asarray(booster.predict(features, raw_score=True, num_threads=threads))
