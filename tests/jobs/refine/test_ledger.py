"""Refine against a brute-force oracle written from the contract: equal to the last unit.

The histories are small and nasty: late facts, moved firsts, corrections, retractions, events
before their order, repeats of event ids, days that fall due with nothing landed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyspark.sql import DataFrame

from conf.contract import Table
from conf.tables import meta, silver
from features import asof
from jobs.state import ORDER_FACTS, SOURCE, computed, read_state
from tests.support import histories, oracle
from tests.support.refined import Refined

pytestmark = pytest.mark.spark

LEDGERS = {
    silver.SELLER_DAYS: oracle.seller_ledger,
    silver.SELLER_CATEGORY_DAYS: oracle.category_ledger,
    silver.BUYER_DAYS: oracle.buyer_ledger,
    silver.REGION_DAYS: oracle.region_ledger,
    silver.SELLER_BUYER_ORDERS: oracle.seller_buyer_orders_ledger,
    silver.BUYER_ORDERS: oracle.buyer_orders_ledger,
}


def by_key(frame: DataFrame, table: Table) -> dict[tuple[Any, ...], dict[str, int]]:
    """Ledger rows by key, with the measures that are not 0."""
    rows = [row.asDict() for row in frame.collect()]
    return {
        tuple(row[name] for name in table.key): {
            name: n for name, n in row.items() if name not in table.key and n
        }
        for row in rows
    }


def of_oracle(ledger: dict[tuple[Any, ...], Any], table: Table) -> dict[tuple[Any, ...], Any]:
    if table in (silver.SELLER_BUYER_ORDERS, silver.BUYER_ORDERS):
        in_utc = {tuple(_naive(part) for part in key): n for key, n in ledger.items()}
        return {key: {"listed": n} for key, n in in_utc.items()}
    measured = {key: {m: n for m, n in row.items() if n} for key, row in ledger.items()}
    return {key: row for key, row in measured.items() if row}


def _naive(part: Any) -> Any:
    return part.replace(tzinfo=None) if hasattr(part, "tzinfo") and part.tzinfo else part


def assert_equals_oracle(refined: Refined) -> None:
    lake, facts, zone, days = refined.lake, refined.facts, refined.zone, refined.days
    for table, ledger in LEDGERS.items():
        assert by_key(lake.read(table), table) == of_oracle(ledger(facts, zone, days), table), (
            table.path
        )
    newest: dict[str, Any] = {}
    for row in lake.read(silver.SELLER_STATE).orderBy("known_ds").collect():
        newest[row["seller_id"]] = {
            name: value
            for name, value in row.asDict().items()
            if name not in ("seller_id", "known_ds")
        }
    expected = oracle.seller_state(facts, zone, days[-1])
    assert newest == {
        seller: {name: _naive(value) for name, value in state.items()}
        for seller, state in {**dict.fromkeys(newest, oracle.EMPTY_STATE), **expected}.items()
    }


def test_a_range_in_one_pass_equals_the_oracle(at_once: Refined) -> None:
    assert_equals_oracle(at_once)


def test_day_by_day_after_a_crash_and_again_equals_the_oracle(as_it_came: Refined) -> None:
    """Silver is the same function of all of bronze, and the oracle's; an earlier day is served from
    bronze; repeats of an event_id with other content are reported.
    """
    assert_equals_oracle(as_it_came)
    assert_silver_is_a_function_of_bronze(as_it_came)
    reported = as_it_came.lake.read(meta.DATA_QUALITY).where("check = 'conflicting_repeat'")
    conflicts = histories.conflicting_repeats(as_it_came.facts)
    assert conflicts
    assert {(row["table"], row["ds"]): row["rows"] for row in reported.collect()} == {
        (SOURCE[entity].path, ds): rows for (entity, ds), rows in conflicts.items()
    }


def assert_silver_is_a_function_of_bronze(refined: Refined) -> None:
    lake, facts, zone, days = refined.lake, refined.facts, refined.zone, refined.days
    last = days[-1]
    frames = {}
    for table in (*silver.LATEST_VERSION, *silver.ROLLED_UP, silver.ORDERS):
        sources = ORDER_FACTS if table is silver.ORDERS else (SOURCE[table.name],)
        known = {s.name: asof.versions(lake.read(s), s.natural_key) for s in sources}
        frames[f"{table.path} of silver"] = lake.read(table)
        frames[f"{table.path} of bronze"] = computed(table, known, last, zone)
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(frames, pool.map(_sorted, frames.values()), strict=True))
    for name in frames:
        if name.endswith(" of silver"):
            assert found[name] == found[name.replace(" of silver", " of bronze")], name
    expected = {row["refund_id"] for row in oracle.state_as_of(facts, "refunds", last)}
    assert {row["refund_id"] for row in lake.read(silver.REFUNDS).collect()} == expected
    earlier = {row["order_id"] for row in oracle.state_as_of(facts, "orders", days[5])}
    assert {r["order_id"] for r in read_state(lake, silver.ORDERS, days[5]).collect()} == earlier


def _sorted(frame: DataFrame) -> list[str]:
    return sorted(map(repr, frame.collect()))
