"""The ledger against a brute-force oracle written from the contract: equal to the last unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame

from conf.contract import Table
from conf.settings import Settings
from conf.tables import silver
from jobs.lake.io import Lake
from jobs.refine import buyer_days, seller_days
from jobs.window import Window
from tests.support import histories, oracle
from tests.support.lakes import land

LEDGERS = {
    silver.SELLER_DAYS: oracle.seller_ledger,
    silver.SELLER_CATEGORY_DAYS: oracle.category_ledger,
    silver.BUYER_DAYS: oracle.buyer_ledger,
    silver.REGION_DAYS: oracle.region_ledger,
}
LISTS = {
    silver.SELLER_BUYER_ORDERS: oracle.seller_buyer_orders_ledger,
    silver.BUYER_ORDERS: oracle.buyer_orders_ledger,
}


def rows_by_key(frame: DataFrame, table: Table) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = [row.asDict() for row in frame.collect()]
    return {
        tuple(row[name] for name in table.key): {k: v for k, v in row.items() if k not in table.key}
        for row in rows
    }


def nonzero(ledger: dict[tuple[Any, ...], dict[str, int]]) -> dict[tuple[Any, ...], dict[str, int]]:
    return {
        key: {name: n for name, n in measures.items() if n}
        for key, measures in ledger.items()
        if any(measures.values())
    }


def assert_equals_oracle(lake: Lake, facts: Any, zone: str, days: list[Any]) -> None:
    for table, of_oracle in LEDGERS.items():
        got = nonzero(rows_by_key(lake.read(table), table))
        assert got == nonzero(of_oracle(facts, zone, days)), table.path


def refine(lake: Lake, settings: Settings, window: Window) -> None:
    seller_days.run(lake, settings, window)
    buyer_days.run(lake, settings, window)


@pytest.mark.spark
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_range_in_one_pass_equals_the_oracle(
    make_lake: Callable[..., Lake], settings: Settings, seed: int
) -> None:
    """Late facts, moved firsts, corrections, retractions, events before their order."""
    facts, zone = histories.random_history(seed), histories.setting_of(seed)[0]
    days = histories.days_of(seed)
    lake = make_lake(zone)
    land(lake, facts)
    refine(lake, settings, Window(days[0], days[-1]))
    assert_equals_oracle(lake, facts, zone, days)
