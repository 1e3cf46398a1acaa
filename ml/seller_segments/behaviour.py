"""Sellers' behaviour as columns: what segments are made of, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from conf.model_settings import SegmentFeature
from conf.seller_features import COUNTS, SELLER_FEATURES

Array = npt.NDArray[Any]

PUBLISHED, ESTIMATED = "published", "estimated"
"""Where the counts that rates rest on come from: beside the snapshot, or from its orders."""
WINDOW_MONTHS = 3
"""A rate's window is 90 days, that of `orders_30d` a third of it."""
ORDERS, ORDERS_30D = "orders_placed_90d", "orders_30d"
UNKNOWN = "unknown"
"""Stands for a marketplace that is not given."""


@dataclass(frozen=True)
class Behaviour:
    """Seller-months: arrays [rows]; `values` and `counts` by column, NaN where nothing is known."""

    ds: Array
    seller: Array
    marketplace: Array
    tenure_days: Array
    values: Mapping[str, Array]
    counts: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.seller)

    def of(self, rows: Array) -> Behaviour:
        """Those that a mask or an index names."""
        return Behaviour(
            self.ds[rows], self.seller[rows], self.marketplace[rows], self.tenure_days[rows],
            {name: column[rows] for name, column in self.values.items()},
            {name: column[rows] for name, column in self.counts.items()},
        )  # fmt: skip

    def on(self, ds: date) -> Behaviour:
        return self.of(self.ds == np.datetime64(ds))

    def count(self, name: str, source: str) -> Array:
        """[rows] what a rate rests on; `orders_30d` is a column of the features themselves."""
        if name in self.values:
            return np.nan_to_num(self.values[name])
        if source == PUBLISHED:
            return np.nan_to_num(self.counts[name])
        return WINDOW_MONTHS * np.nan_to_num(self.values[ORDERS_30D])

    @property
    def counted(self) -> bool:
        """All rows have published counts."""
        return len(self) > 0 and not np.isnan(self.counts[ORDERS]).any()


def columns(features: Mapping[str, SegmentFeature]) -> list[str]:
    """What is read of a snapshot beside ds and seller_id. Counts may be missing."""
    return ["marketplace", "tenure_days", *_values(features), *COUNTS]


def _values(features: Mapping[str, SegmentFeature]) -> list[str]:
    """The features, and what counts are estimated from."""
    return list(dict.fromkeys([*features, ORDERS_30D]))


def definitions(features: Mapping[str, SegmentFeature]) -> dict[str, int]:
    """The version of each feature's definition, of those that are defined."""
    return {f.name: f.version for f in SELLER_FEATURES if f.name in features}


def behaviour(rows: pa.Table, features: Mapping[str, SegmentFeature]) -> Behaviour:
    """Arrow rows in the order of (ds, seller_id); KeyError names a column that is not there."""
    needed = ["ds", "seller_id", "marketplace", "tenure_days", *_values(features)]
    if missing := [name for name in needed if name not in rows.schema.names]:
        raise KeyError(f"the column {', '.join(missing)} is missing")
    ordered = rows.sort_by([("ds", "ascending"), ("seller_id", "ascending")])
    own = {name: _numbers(ordered, name) for name in COUNTS}
    places = [place or UNKNOWN for place in ordered.column("marketplace").to_pylist()]
    return Behaviour(
        ds=pc.cast(ordered.column("ds"), pa.date32()).to_numpy(),
        seller=np.array(ordered.column("seller_id").to_pylist(), object),
        marketplace=np.array(places, object),
        tenure_days=_numbers(ordered, "tenure_days"),
        values={name: _numbers(ordered, name) for name in _values(features)},
        counts=own,
    )  # fmt: skip


def together(one: Behaviour, other: Behaviour) -> Behaviour:
    """The rows of both."""

    def both(name: str) -> Array:
        return np.concatenate([getattr(one, name), getattr(other, name)])

    return Behaviour(
        both("ds"), both("seller"), both("marketplace"), both("tenure_days"),
        {name: np.concatenate([one.values[name], other.values[name]]) for name in one.values},
        {name: np.concatenate([one.counts[name], other.counts[name]]) for name in one.counts},
    )  # fmt: skip


def month_ends_to(ds: date, count: int) -> list[date]:
    """The `count` newest month-ends up to ds, ascending."""
    after = ds + timedelta(days=1)
    found: list[date] = []
    first = date(after.year, after.month, 1)
    for _ in range(count):
        found.append(first - timedelta(days=1))
        first = date(found[-1].year, found[-1].month, 1)
    return found[::-1]


def family_indices(
    names: Sequence[str], features: Mapping[str, SegmentFeature]
) -> dict[str, list[int]]:
    """The places of each family's features among `names`."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(features[name].family, []).append(place)
    return found


def _numbers(rows: pa.Table, name: str) -> Array:
    if name not in rows.schema.names:
        return np.full(rows.num_rows, np.nan)
    column = pc.cast(rows.column(name), pa.float64())
    return np.array(column.to_numpy(zero_copy_only=False), np.float64)
