"""An independent oracle of the ledger of counts: brute force in plain Python.

Written from the written contracts alone, so that the Spark implementation and this one never
met. Nothing here is incremental: a ledger is the difference between two full recounts.
"""

from collections.abc import Callable, Iterable
from datetime import date

from tests.support.oracle_asof import (
    DAY,
    Counts,
    Facts,
    Key,
    business_date,
    end_of,
    state_as_of,
)
from tests.support.oracle_buyer import buyer_counts, buyer_orders, region_counts
from tests.support.oracle_current import EMPTY_STATE, orders, rolled_up, seller_state
from tests.support.oracle_seller import category_counts, seller_buyer_orders, seller_counts

__all__ = [
    "EMPTY_STATE",
    "business_date",
    "buyer_counts",
    "buyer_ledger",
    "buyer_orders",
    "buyer_orders_ledger",
    "category_counts",
    "category_ledger",
    "end_of",
    "orders",
    "region_counts",
    "region_ledger",
    "rolled_up",
    "seller_buyer_orders",
    "seller_buyer_orders_ledger",
    "seller_counts",
    "seller_ledger",
    "seller_state",
    "state_as_of",
]  # fmt: skip

CountsOf = Callable[[Facts, str, date], Counts]
ListOf = Callable[[Facts, str, date], set[Key]]


def ledger(counts_of: CountsOf, facts: Facts, zone: str, days: Iterable[date]) -> Counts:
    """(*key, known_ds) -> c(T of known_ds) - c(T of the day before), where any measure changed."""
    changes: Counts = {}
    for day in days:
        before, after = counts_of(facts, zone, day - DAY), counts_of(facts, zone, day)
        for key in before.keys() | after.keys():
            change = difference(before.get(key, {}), after.get(key, {}))
            if any(change.values()):
                changes[(*key, day)] = change
    return changes


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after.get(name, 0) - before.get(name, 0) for name in before | after}


def list_ledger(list_of: ListOf, facts: Facts, zone: str, days: Iterable[date]) -> dict[Key, int]:
    """(*entry, known_ds) -> +1 where the entry joined the list on that day, -1 where it left."""
    changes: dict[Key, int] = {}
    for day in days:
        before, after = list_of(facts, zone, day - DAY), list_of(facts, zone, day)
        changes |= {(*entry, day): 1 for entry in after - before}
        changes |= {(*entry, day): -1 for entry in before - after}
    return changes


def seller_ledger(facts: Facts, zone: str, days: Iterable[date]) -> Counts:
    """(seller_id, currency, occurred_ds, known_ds) -> SELLER_MEASURES."""
    return ledger(seller_counts, facts, zone, days)


def category_ledger(facts: Facts, zone: str, days: Iterable[date]) -> Counts:
    """(seller_id, category, currency, occurred_ds, known_ds) -> CATEGORY_MEASURES."""
    return ledger(category_counts, facts, zone, days)


def buyer_ledger(facts: Facts, zone: str, days: Iterable[date]) -> Counts:
    """(buyer_id, currency, occurred_ds, known_ds) -> BUYER_MEASURES."""
    return ledger(buyer_counts, facts, zone, days)


def region_ledger(facts: Facts, zone: str, days: Iterable[date]) -> Counts:
    """(country, region, currency, occurred_ds, known_ds) -> orders, total_minor."""
    return ledger(region_counts, facts, zone, days)


def seller_buyer_orders_ledger(facts: Facts, zone: str, days: Iterable[date]) -> dict[Key, int]:
    """(seller_id, buyer_id, order_id, currency, placed_at, known_ds) -> +1 or -1."""
    return list_ledger(seller_buyer_orders, facts, zone, days)


def buyer_orders_ledger(facts: Facts, zone: str, days: Iterable[date]) -> dict[Key, int]:
    """(buyer_id, order_id, currency, placed_at, known_ds) -> +1 or -1."""
    return list_ledger(buyer_orders, facts, zone, days)
