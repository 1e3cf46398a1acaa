"""Snapshots as cells, and what they have to be equal to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from conf.seller_features import SELLER_FEATURES
from tests.support import oracle_features
from tests.support.oracle_asof import Facts

NAMES = [feature.name for feature in SELLER_FEATURES]
Cells = dict[tuple[date, str], dict[str, Any]]
"""(ds, seller_id) -> the 36 columns."""


def cells(rows: Iterable[Any]) -> Cells:
    return {(row["ds"], row["seller_id"]): {name: row[name] for name in NAMES} for row in rows}


def of_oracle(facts: Facts, zone: str, dates: Iterable[date]) -> Cells:
    return {
        (ds, seller): columns
        for ds in dates
        for seller, columns in oracle_features.snapshots(facts, zone, ds).items()
    }


def assert_equal(found: Cells, expected: Cells) -> None:
    """The same keys, and the same values but for the last digits of a double."""
    assert found.keys() == expected.keys()
    for key, columns in expected.items():
        for name, value in columns.items():
            if isinstance(value, float):
                assert found[key][name] == pytest.approx(value, rel=1e-12, abs=0), (key, name)
            else:
                assert found[key][name] == value, (key, name)
