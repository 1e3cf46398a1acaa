"""The 36 columns as the numbers that a model sees: fitted once, frozen, the same everywhere.

Numbers stay as they are and missing ones stay missing. Categories become codes. Money is in the
seller's currency: it is taken relative to the marketplace's median, so that a currency is no
feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conf.model_settings import Features
from conf.seller_features import SELLER_FEATURES

Array = npt.NDArray[Any]
Columns = Mapping[str, Array]
"""Column arrays by name: float64 with NaN for missing, or objects with None."""

NAMES = tuple(feature.name for feature in SELLER_FEATURES)
CATEGORIES = tuple(feature.name for feature in SELLER_FEATURES if feature.type == "string")
OTHER = -1.0
"""The code of a level that training has not seen, or too rarely."""
OVERALL = ""
"""Stands for all marketplaces: for one that training has not seen."""


def columns_of(rows: pa.Table | pa.RecordBatch) -> dict[str, Array]:
    """The 36 columns of Arrow rows; KeyError names one that is not there."""
    found = {}
    for name in NAMES:
        if name not in rows.schema.names:
            raise KeyError(f"the column {name} is missing")
        column = rows.column(name)
        if name in CATEGORIES:
            found[name] = np.array(column.to_pylist(), object)
        else:
            numbers = pc.cast(column, pa.float64())
            found[name] = np.array(numbers.to_numpy(zero_copy_only=False), np.float64)
    return found


@dataclass(frozen=True)
class Encoding:
    """What is frozen: codes by category and level, medians by money column and marketplace."""

    codes: Mapping[str, Mapping[str, int]]
    medians: Mapping[str, Mapping[str, float]]

    def encode(self, columns: Columns) -> Array:
        """[rows, 36] in the order of the contract."""
        encoded = []
        for name in NAMES:
            values = columns[name]
            if name in self.codes:
                values = _coded(values, self.codes[name])
            elif name in self.medians:
                values = np.log1p(np.maximum(values, 0) / self._median(name, columns))
            encoded.append(values)
        return np.column_stack(encoded)

    def unseen(self, columns: Columns) -> dict[str, int]:
        """Rows by category whose level has no code."""
        counts = {n: int((_coded(columns[n], codes) == OTHER).sum())
                  for n, codes in self.codes.items()}  # fmt: skip
        return {name: count for name, count in counts.items() if count}

    def to_json(self) -> dict[str, Any]:
        return {"features": list(NAMES), **asdict(self)}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> Encoding:
        """What `to_json` wrote; ValueError when it was written for other features."""
        if tuple(content["features"]) != NAMES:
            changed = sorted(set(content["features"]) ^ set(NAMES)) or ["their order"]
            raise ValueError(f"the model knows other features: {', '.join(changed)}")
        return cls(codes=content["codes"], medians=content["medians"])

    def _median(self, name: str, columns: Columns) -> Array:
        medians = self.medians[name]
        return np.array([medians.get(m, medians[OVERALL]) for m in columns["marketplace"]], float)


def fitted(columns: Columns, rules: Features) -> Encoding:
    """The encoding of training rows."""
    codes = {name: _levels(columns[name], rules.categories_most) for name in CATEGORIES}
    medians = {name: _medians(columns[name], columns["marketplace"]) for name in rules.money}
    return Encoding(codes, medians)


def constraints(rules: Features) -> list[int]:
    """Per feature: 1 if risk may only rise with it, -1 if only fall, else 0."""
    return [(name in rules.rising) - (name in rules.falling) for name in NAMES]


def empty(columns: Columns) -> list[str]:
    """Features without any value."""
    return [name for name in NAMES if _missing(columns[name]).all()]


def _missing(values: Array) -> Array:
    if values.dtype != object:
        return np.isnan(values)
    return np.array([value is None for value in values], np.bool_)


def _coded(values: Array, codes: Mapping[str, int]) -> Array:
    return np.array([np.nan if v is None else codes.get(v, OTHER) for v in values], np.float64)


def _levels(values: Array, most: int) -> dict[str, int]:
    """The commonest levels, coded in the order of their names, whatever that of the rows."""
    given = values[~_missing(values)].astype(str)
    levels, counts = np.unique(given, return_counts=True)
    kept = sorted(zip(-counts, levels, strict=True))[:most]
    return {str(level): code for code, level in enumerate(sorted(level for _, level in kept))}


def _medians(values: Array, marketplaces: Array) -> dict[str, float]:
    """Of what is above 0; 1 where nothing is."""

    def median(rows: Array) -> float:
        above = rows[rows > 0]
        return float(np.median(above)) if len(above) else 1.0

    places: Sequence[str] = sorted({place for place in marketplaces if place is not None})
    return {OVERALL: median(values)} | {p: median(values[marketplaces == p]) for p in places}
