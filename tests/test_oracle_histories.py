"""Pins what the random histories bring to the snapshots and labels: a column that never varies,
or is never null where it may be, would test nothing.
"""

from collections import Counter
from typing import Any

import pytest

from tests.support.aftermath import asked_days, history_with_aftermath, snapshot_days
from tests.support.gaps import MAY_LACK
from tests.support.histories import days_of, random_history, setting_of
from tests.support.oracle_chance import PAYLOAD
from tests.support.oracle_features import labels, snapshots, unknown_sellers
from tests.support.oracle_view import QUARTER, SellerView, views_with_row

SEEDS = range(10)
NEVER_NULL = {
    "marketplace", "fulfillment_channel", "active_listings", "orders_30d", "gmv_30d",
    "policy_warnings_90d", "suspension_history", "support_tickets_90d", "listing_takedowns_90d",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for seed in SEEDS:
        facts, zone = random_history(seed), setting_of(seed)[0]
        for day in snapshot_days(days_of(seed)):
            found += snapshots(facts, zone, day).values()
    return found


def test_every_column_varies_and_is_null_where_it_may_be(rows: list[dict[str, Any]]) -> None:
    for name in rows[0]:
        values = [row[name] for row in rows]
        assert len(set(values) - {None}) > 1, name
        assert (None in values) == (name not in NEVER_NULL), name


def test_types_are_the_contracts(rows: list[dict[str, Any]]) -> None:
    kinds = {name: {type(row[name]) for row in rows} - {type(None)} for name in rows[0]}
    texts = {"marketplace", "business_type", "fulfillment_channel", "primary_category"}
    counts = (NEVER_NULL | {"tenure_days"}) - texts - {"gmv_30d"}
    assert kinds == {
        name: {str} if name in texts else {int} if name in counts else {float} for name in kinds
    }


def test_what_a_row_may_lack_is_lacking_in_some_rows_and_nothing_else() -> None:
    given, lacking = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for seed in SEEDS:
        for entity, rows in random_history(seed).items():
            for row in rows:
                given.update((entity, name) for name in PAYLOAD[entity] if row[name] is not None)
                lacking.update((entity, name) for name in PAYLOAD[entity] if row[name] is None)
    may = {(entity, name) for entity, names in MAY_LACK.items() for name in names}
    never_told = {
        (entity, name)
        for entity, names in PAYLOAD.items()
        for name in names
        if not given[entity, name]
    }
    assert may <= lacking.keys() | never_told
    assert lacking.keys() <= may | never_told | {("orders", "shipping_country")}


def test_rates_are_shares(rows: list[dict[str, Any]]) -> None:
    rates = [name for name in rows[0] if name.endswith("_rate")]
    assert len(rates) == 16
    assert all(0 <= row[name] <= 1 for row in rows for name in rates if row[name] is not None)


def test_currencies_ties_and_unknown_sellers_occur() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        facts, zone = random_history(seed), setting_of(seed)[0]
        for day in days_of(seed):
            found["unknown"] += len(unknown_sellers(facts, zone, day))
            for view in views_with_row(facts, zone, day):
                found[view.seller["currency"]] += 1
                found["tied categories"] += has_tied_categories(view)
    assert all(found[kind] for kind in ("unknown", "EUR", "JPY", "tied categories")), found


def has_tied_categories(view: SellerView) -> bool:
    sums: Counter[str] = Counter()
    for line in view.lines_placed(QUARTER):
        if line.category is not None:
            sums[line.category] += line.total_minor
    return list(sums.values()).count(max(sums.values(), default=0)) > 1


def test_labels_of_every_kind_occur() -> None:
    found: Counter[Any] = Counter()
    for seed in SEEDS:
        facts, zone = history_with_aftermath(seed), setting_of(seed)[0]
        for day in days_of(seed):
            for asked in asked_days(seed, day):
                answers = labels(facts, zone, day, asked, lag=2).values()
                found.update((state, high_risk) for high_risk, _, state in answers)
    assert found.keys() == {
        ("immature", None), ("not_at_risk", None), ("mature", True), ("mature", False),
    }  # fmt: skip
