"""Pins the oracle by hand-computed cases, and the random histories by what must be in them.

Days are of March 2024 in UTC unless said: `at(5, "10:00")` is the 5th at ten.
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from conf.tables import silver
from tests.support import oracle
from tests.support.histories import days_of, random_history, setting_of, to_bronze_rows
from tests.support.oracle_asof import business_date
from tests.support.oracle_book import BRONZE, Book, at, not_zero, on
from tests.support.oracle_kinds import kinds_of

SEEDS = range(30)
HOUR_US = 3_600_000_000


@pytest.fixture
def book() -> Book:
    return Book()


# Versions -------------------------------------------------------------------------------------


def test_greatest_version_counts_and_a_retracted_key_does_not_exist(book: Book) -> None:
    """3 stars; 4 stars two days later; taken back on the 8th; 5 stars on the 9th."""
    review = {"review_id": "V", "seller_id": "S"}
    for day, stars, retracted in ((5, 3, False), (7, 4, False), (8, 4, True), (9, 5, False)):
        book.put(
            "reviews", at(5), **review, stars=stars, known_at=at(day), retracted=retracted
        )  # fmt: skip
    assert book.ledger("review_stars") == {(5, 5): 3, (5, 7): 1, (5, 8): -4, (5, 9): 5}


def test_versions_of_one_moment_are_ordered_by_occurred_at_then_event_id(book: Book) -> None:
    """Known at once: what occurred later beats the id; of the same time the greater id."""
    for event_id, minute, stars in (("z", "12:00", 1), ("b", "12:01", 2), ("a", "12:01", 3)):
        book.put(
            "reviews", at(5, minute), review_id="V", stars=stars, known_at=at(6), event_id=event_id
        )  # fmt: skip
    assert [row["stars"] for row in oracle.state_as_of(book.facts, "reviews", on(6))] == [2]
    assert oracle.state_as_of(book.facts, "reviews", on(5)) == []


def test_a_repeated_event_id_is_dropped_before_versions_are_chosen(book: Book) -> None:
    """The repeat of the 7th would be the newest version; of one day the first line counts."""
    book.put("reviews", at(5), review_id="V", stars=1, event_id="a", source_line=9)
    book.put("reviews", at(5), review_id="V", stars=2, event_id="a", source_line=8)
    book.put("reviews", at(5), review_id="V", stars=5, event_id="a", known_at=at(7))
    assert [row["stars"] for row in oracle.state_as_of(book.facts, "reviews", on(9))] == [2]


def test_a_line_that_moves_to_another_seller_leaves_the_first_one(book: Book) -> None:
    book.line(at(5), line_total_minor=100)
    book.line(at(5), line_total_minor=70, seller_id="Z", known_at=at(8))
    assert book.seller(5, known=7)["gmv_minor"] == 100
    assert book.seller(5) == {}
    assert book.seller(5, "Z")["gmv_minor"] == 70
    assert book.ledger("orders_placed") == {(5, 5): 1}, "on the 8th one leaves and one joins"


# Lines ----------------------------------------------------------------------------------------


def test_a_promise_falls_due_on_a_day_on_which_nothing_lands(book: Book) -> None:
    """Due on the 7th; midnight that ends the 7th belongs to the 8th, and is not past before."""
    book.line(at(5), 1, ship_by=at(7))
    book.line(at(5), 2, ship_by=at(8, "00:00"))
    assert book.ledger("lines_due") == {(7, 7): 1, (8, 8): 1}


def test_a_cancellation_at_ship_by_known_late_takes_the_due_line_back(book: Book) -> None:
    book.line(at(5), ship_by=at(7))
    book.order_event(at(7), "rejected", known_at=at(9))
    assert book.ledger("lines_due") == {(7, 7): 1, (7, 9): -1}


def test_on_time_is_at_ship_by_and_a_late_learned_earlier_first_moves_the_line(book: Book) -> None:
    """Shipped a microsecond late on the 7th; on the 9th we learn that it left on the 6th."""
    book.line(at(5), ship_by=at(7))
    book.shipment(at(7) + timedelta(microseconds=1), "shipped", 1)
    assert book.seller(7, known=8) | {"handling_us": 0} == {
        "lines_due": 1, "lines_shipped": 1, "lines_shipped_late": 1, "handling_us": 0,
    }  # fmt: skip
    book.shipment(at(6), "shipped", 1, known_at=at(9), shipment_id="Q")
    assert book.ledger("lines_shipped") == {(7, 7): 1, (7, 9): -1, (6, 9): 1}
    assert book.seller(7) == {"lines_due": 1, "lines_due_on_time": 1}


def test_handling_runs_from_the_first_payment_that_concerns_the_line(book: Book) -> None:
    """Line 1: from 10:00, its seller's; line 2 of Z: from the order's 11:00; line 3: never < 0."""
    book.line(at(5, "08:00"), 1)
    book.line(at(5, "08:00"), 2, seller_id="Z")
    book.line(at(5, "08:00"), 1, order_id="X", seller_id="X")
    book.order_event(at(5, "11:00"), "paid")
    book.order_event(at(5, "10:00"), "paid", seller_id="S")
    book.order_event(at(5, "09:00"), "paid", seller_id="Z", line_no=1)
    book.order_event(at(5, "13:00"), "paid", order_id="X")
    book.shipment(at(5, "12:00"), "shipped", 1, 2)
    book.shipment(at(5, "12:00"), "shipped", 1, order_id="X")
    handling = [book.seller(5, seller).get("handling_us", 0) for seller in "SZX"]
    assert handling == [2 * HOUR_US, HOUR_US, 0]


@pytest.mark.parametrize(
    ("line_no", "seller_id", "concerned"),
    [(None, None, "SSZ"), (None, "S", "SS"), (2, None, "S"), (3, "Z", "Z"), (3, "S", "")],
)
def test_whom_an_order_event_concerns(
    book: Book, line_no: int | None, seller_id: str | None, concerned: str
) -> None:
    """Lines 1 and 2 are of S, line 3 is of Z."""
    for number, owner in ((1, "S"), (2, "S"), (3, "Z")):
        book.line(at(5), number, seller_id=owner)
    event = {"line_no": line_no, "seller_id": seller_id, "actor": "seller"}
    book.order_event(at(6), "cancelled", **event)
    counts = {who: book.seller(6, who).get("lines_cancelled_by_seller", 0) for who in "SZ"}
    assert counts == {who: concerned.count(who) for who in "SZ"}


def test_delivery_promises(book: Book) -> None:
    """Three lines delivered at noon: promised for noon, for the second before, and not at all."""
    book.line(at(5), 1, deliver_by=at(7), quantity=2)
    book.line(at(5), 2, deliver_by=at(7, "11:59:59"))
    book.line(at(5), 3)
    book.shipment(at(7), "delivered", 1, 2, 3, 99)
    assert book.seller(7) == {
        "lines_delivered": 3, "units_delivered": 4, "lines_delivered_promised": 2,
        "lines_delivered_on_time": 1,
    }  # fmt: skip


def test_lines_without_category_do_not_vote(book: Book) -> None:
    book.line(at(5), 1, category="toys")
    book.line(at(5), 2, category=None)
    counts = oracle.category_counts(book.facts, "UTC", on(5))
    assert counts == {("S", "toys", "EUR", on(5)): {"lines_placed": 1, "gmv_minor": 100}}


# Seller-orders --------------------------------------------------------------------------------


def test_two_currencies_make_two_seller_orders(book: Book) -> None:
    """The claim names the USD line, the review and the message the whole order; no orders row."""
    book.line(at(5), 1)
    book.line(at(6), 2, currency="USD")
    book.line(at(7), 3)
    book.dispute(at(9), "opened", line_no=2)
    book.put("reviews", at(9), review_id="V", order_id="O", seller_id="S", stars=3)
    book.message(at(9), "M", "buyer")
    usd = {"orders_claimed": 1, "orders_defective": 1, "orders_placed": 1, "orders_contacted": 1}
    eur = {"orders_placed": 1, "orders_contacted": 1}
    assert only_orders(book.seller(5)) == eur
    assert only_orders(book.seller(6, "S", "USD")) == usd
    assert only_orders(book.seller(7)) == {}, "placed at its earliest line"


def only_orders(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name.startswith("orders_")}


def test_a_refund_counts_for_its_seller_the_returns_seller_or_everybody(book: Book) -> None:
    """Four orders, each with line 1 of S and line 2 of Z."""
    for order_id in "ABCD":
        book.line(at(5), 1, order_id=order_id)
        book.line(at(5), 2, order_id=order_id, seller_id="Z")
    book.refund(at(6), order_id="A", seller_id="S")
    book.refund(at(6), order_id="B")
    book.refund(at(6), order_id="C", return_id="R")
    book.refund(at(6), order_id="D", line_no=2)
    assert book.seller(5)["orders_refunded"] == 3, "A, B, and C: its return is not known"
    assert book.seller(5, "Z")["orders_refunded"] == 3, "B, C and D"
    book.returned(at(6), "requested", 2, order_id="C", seller_id="Z", known_at=at(8))
    assert book.ledger("orders_refunded") == {(5, 6): 6, (5, 8): -1}


def test_a_repeat_needs_the_same_buyer_strictly_earlier(book: Book) -> None:
    """O2 repeats O1 until O2 turns out to be of another buyer; O3 is of O1's own moment."""
    for order_id, day in (("O1", 5), ("O2", 6), ("O3", 5)):
        book.line(at(day), order_id=order_id)
        book.order(at(day), order_id)
    book.order(at(6), "O2", buyer_id="C", known_at=at(9))
    assert book.ledger("orders_repeat") == {(6, 6): 1, (6, 9): -1}
    days = [on(day) for day in range(4, 12)]
    changes = oracle.seller_buyer_orders_ledger(book.facts, "UTC", days)
    assert {key: n for key, n in changes.items() if key[2] == "O2"} == {
        ("S", "B", "O2", "EUR", at(6), on(6)): 1,
        ("S", "B", "O2", "EUR", at(6), on(9)): -1,
        ("S", "C", "O2", "EUR", at(6), on(9)): 1,
    }


def test_facts_about_an_order_without_lines_count_in_their_own_rows_only(book: Book) -> None:
    book.put("reviews", at(5), review_id="V", order_id="O", seller_id="S", stars=1)
    book.message(at(5), "M", "buyer")
    book.dispute(at(5), "opened")
    assert book.seller(5, "S", "EUR") == {}
    assert book.seller(5, "S", "XXX") == {"reviews": 1, "reviews_negative": 1, "review_stars": 1}


# What happens after ---------------------------------------------------------------------------


def test_a_refund_waits_for_the_arrival_of_the_line_it_names(book: Book) -> None:
    """Line 1 arrives on the 7th (again on the 9th), line 2 on the 8th, line 3 never."""
    book.returned(at(7), "arrived", 1, units=2)
    book.returned(at(9), "arrived", 1, units=5)
    book.returned(at(8), "arrived", 2, seller_id="Z")
    book.returned(at(6), "requested", 3)
    for line_no in (None, 1, 2, 3, 4):
        book.refund(at(8), return_id="R", line_no=line_no)
    book.refund(at(8), return_id="R", order_id="another")
    assert book.seller(7, "S", "XXX") == {"units_returned": 2}
    assert book.seller(8, "S", "XXX") == {
        "refunds_of_returns": 3, "refund_delay_us": 3 * 24 * HOUR_US,
    }, "without line, line 1 and line 4, which the return does not have"  # fmt: skip
    assert book.seller(8, "Z", "XXX") == {"units_returned": 1, "refunds_of_returns": 1}


def test_a_message_has_one_first_reply_of_the_same_seller(book: Book) -> None:
    """S answers M after 1 and 2 hours; Z's answer is none; N is answered before it was written."""
    book.message(at(5, "10:00"), "M", "buyer")
    book.message(at(5, "11:00"), "a", "seller", in_reply_to="M")
    book.message(at(5, "12:00"), "b", "seller", in_reply_to="M")
    book.message(at(5, "10:30"), "c", "seller", in_reply_to="M", seller_id="Z")
    book.message(at(5, "10:30"), "d", "platform", in_reply_to="M")
    book.message(at(6, "10:00"), "N", "buyer")
    book.message(at(5, "09:00"), "e", "seller", in_reply_to="N", known_at=at(7))
    assert book.seller(5, "S", "XXX") == {"replies": 2, "reply_us": HOUR_US}
    assert book.seller(5, "Z", "XXX") == {}
    assert book.ledger("replies") == {(5, 5): 1, (5, 7): 1}


def test_a_dispute_closes_and_a_shipment_ships_once(book: Book) -> None:
    """Closed for the seller first, then for the buyer; shipped twice, tracked later."""
    book.dispute(at(6), "closed", outcome="seller")
    book.dispute(at(7), "closed", outcome="buyer")
    book.shipment(at(6), "shipped", 1)
    book.shipment(at(7), "shipped", 1, seller_id="Z")
    book.shipment(at(8), "tracking_confirmed", 1)
    assert book.seller(6, "S", "XXX") == {
        "disputes_closed": 1, "shipments_shipped": 1, "shipments_tracked": 1,
    }  # fmt: skip
    assert book.seller(7, "S", "XXX") == book.seller(7, "Z", "XXX") == {}
    assert book.ledger("shipments_tracked") == {(6, 8): 1}


def test_rows_about_a_day_belong_to_it_and_advertising_keeps_its_currency(book: Book) -> None:
    """All written on the 9th about the 5th."""
    about = {"seller_id": "S", "date": on(5)}
    book.put("ad_spend", at(9), **about, spend_minor=0, attributed_gmv_minor=7, currency="USD")
    book.put("buy_box", at(9), **about, views=10, featured_views=4)
    for listing_id, active, in_stock in (
        ("a", True, True),
        ("b", True, False),
        ("c", False, False),
    ):
        book.put(
            "listing_snapshots", at(9), listing_id=listing_id, snapshot_date=on(5), seller_id="S",
            active=active, in_stock=in_stock,
        )  # fmt: skip
    assert book.seller(5, "S", "USD") == {"ad_days": 1, "ad_attributed_gmv_minor": 7}
    assert book.seller(5, "S", "XXX") == {
        "listing_days_active": 2, "listing_days_out_of_stock": 1, "buy_box_views": 10,
        "buy_box_featured_views": 4,
    }  # fmt: skip


# Buyers, regions, sellers ---------------------------------------------------------------------


def test_fate_of_a_buyers_orders(book: Book) -> None:
    """O: line 1 delivered late after two days, line 2 cancelled. X: all cancelled. Y: no lines."""
    for order_id, day in (("O", 5), ("X", 5), ("Y", 6)):
        book.order(at(day), order_id)
    book.line(at(5), 1, deliver_by=at(6))
    book.line(at(5), 2)
    book.line(at(5), 1, order_id="X")
    book.order_event(at(6), "cancelled", line_no=2)
    book.order_event(at(6), "rejected", order_id="X")
    book.shipment(at(7), "delivered", 1)
    book.refund(at(8), order_id="Y")
    counts = oracle.buyer_counts(book.facts, "UTC", on(9))
    assert {key[2].day: not_zero(measures) for key, measures in counts.items()} == {
        5: {"orders": 2, "total_minor": 200, "orders_cancelled": 1, "orders_delivered": 1,
            "delivery_us": 48 * HOUR_US, "orders_promised": 1, "orders_late": 1,
            "first_orders": 1},
        6: {"orders": 1, "total_minor": 100, "orders_refunded": 1},
    }  # fmt: skip


def test_an_order_that_turns_up_late_becomes_the_first(book: Book) -> None:
    """In another region, unknown to us, and of the same moment as A, but before it by name."""
    book.order(at(5), "B", shipping_country="BR", shipping_region="SP")
    book.order(at(5), "A", currency="USD", known_at=at(8))
    days = [on(day) for day in range(4, 10)]
    ledger = oracle.buyer_ledger(book.facts, "UTC", days)
    assert {(*key[1:2], key[3].day): counts["first_orders"] for key, counts in ledger.items()} == {
        ("EUR", 5): 1, ("EUR", 8): -1, ("USD", 8): 1,
    }  # fmt: skip
    assert oracle.region_ledger(book.facts, "UTC", days) == {
        ("BR", "SP", "EUR", on(5), on(5)): {"orders": 1, "total_minor": 100},
        ("??", "", "USD", on(5), on(8)): {"orders": 1, "total_minor": 100},
    }


def test_state_of_a_seller(book: Book) -> None:
    """Suspended until the 9th; the reinstatement of the 8th is known on the 10th only."""
    book.put("sellers", at(5), seller_id="S", status="active", currency="EUR")
    for listing_id, status in (("a", "active"), ("b", "inactive")):
        book.put("listings", at(5), listing_id=listing_id, seller_id="S", status=status)
    action = {"seller_id": "S"}
    book.put(
        "enforcement_actions", at(6), action_id="1", action="suspension", until=at(9), **action
    )
    book.put(
        "enforcement_actions", at(8), action_id="2", action="reinstatement", known_at=at(10),
        **action,
    )  # fmt: skip
    book.put("document_verifications", at(7), verification_id="1", event="verified", **action)
    suspended, free = (oracle.seller_state(book.facts, "UTC", on(day))["S"] for day in (9, 10))
    assert suspended == oracle.EMPTY_STATE | {
        "status": "active", "currency": "EUR", "messaging_enabled": True, "active_listings": 1,
        "suspensions": 1, "last_enforcement": "suspension", "suspended_until": at(9),
        "verified_at": at(7),
    }  # fmt: skip
    assert free == suspended | {"last_enforcement": "reinstatement", "suspended_until": None}


def test_status_free_state_of_an_order_and_of_rolled_up_things(book: Book) -> None:
    """Delivered once the last line that is not cancelled is; a return keeps its arrival's units."""
    book.order(at(5))
    book.line(at(5), 1)
    book.line(at(5), 2)
    book.shipment(at(6), "shipped", 1, 2)
    book.shipment(at(7), "delivered", 1)
    book.returned(at(8), "requested", units=3)
    book.returned(at(9), "arrived", units=2)
    assert oracle.orders(book.facts, "UTC", on(9))["O"]["delivered_at"] is None
    book.order_event(at(9), "cancelled", line_no=2)
    assert oracle.orders(book.facts, "UTC", on(9))["O"]["delivered_at"] == at(7)
    returned = oracle.rolled_up(book.facts, "UTC", on(9), "returns")[("R", 1)]
    assert (returned["units"], returned["arrived_at"], returned["rejected_at"]) == (2, at(9), None)


def test_days_end_where_the_business_says() -> None:
    """Sao Paulo skipped the midnight before 15 October 2017, and had 23:00 twice in February."""
    zone = "America/Sao_Paulo"
    assert oracle.end_of(date(2017, 10, 14), zone) == datetime(2017, 10, 15, 3, tzinfo=UTC)
    assert oracle.end_of(date(2017, 10, 15), zone) == datetime(2017, 10, 16, 2, tzinfo=UTC)
    assert oracle.end_of(date(2018, 2, 17), zone) == datetime(2018, 2, 18, 3, tzinfo=UTC)
    assert oracle.business_date(datetime(2018, 2, 18, 2, 59, tzinfo=UTC), zone).day == 17


# Random histories -----------------------------------------------------------------------------

NASTY_KINDS = (
    "multi_line_orders", "multi_seller_orders", "two_currency_orders", "null_categories",
    "lines_without_an_order_row", "orders_without_lines", "lines_placed_apart",
    "line_level_events", "seller_level_events", "order_level_events", "events_of_another_seller",
    "split_shipments", "duplicate_deliveries", "shipments_of_unknown_lines",
    "firsts_moved_by_late_events", "events_before_their_order", "events_before_their_lines",
    "replies_before_messages", "replies_known_before_messages",
    "retractions", "reappearances", "tied_versions", "tied_events",
    "corrected order_items.line_total_minor", "corrected order_items.seller_id",
    "corrected order_items.category", "corrected order_items.currency",
    "corrected order_items.ship_by", "corrected order_items.quantity",
    "corrected order_items.occurred_at", "corrected orders.buyer_id", "corrected reviews.stars",
    "repeats_same", "repeats_other", "repeats_on_the_same_day", "repeats_on_a_later_day",
    "refunds_with_seller_id", "refunds_without_seller_id", "refunds_with_line_no",
    "refunds_without_line_no", "refunds_with_return_id", "refunds_without_return_id",
    "returns_arriving_twice", "disputes_closing_twice", "tickets_opened_twice",
    "disputes_naming_a_line", "days_without_landing", "due_without_landing",
    "due_after_the_last_landing", "ship_by_before_placing", "ship_by_at_midnight",
    "events_exactly_at_ship_by", "minutes_after_midnight", "minutes_to_midnight", "clock_changes",
)  # fmt: skip


def test_random_histories_are_nasty() -> None:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        found += kinds_of(random_history(seed), setting_of(seed)[0])
    assert [kind for kind in NASTY_KINDS if not found[kind]] == []


@pytest.mark.parametrize("seed", range(5))
def test_random_histories_are_possible_and_repeatable(seed: int) -> None:
    """Nothing is known before it happens; rows land when known; one line of a file, one row."""
    zone, start = setting_of(seed)
    facts = random_history(seed)
    assert facts == random_history(seed)
    for entity, rows in facts.items():
        assert all(row["occurred_at"] <= row["known_at"] for row in rows)
        assert all(row["ds"] == business_date(row["known_at"], zone) for row in rows)
        assert all(0 <= (row["ds"] - start).days < 12 for row in rows)
        assert len({(row["source_file"], row["source_line"]) for row in rows}) == len(rows)
        keys = BRONZE[entity].natural_key
        assert all(row[name] is not None for row in rows for name in keys)
        for row in to_bronze_rows(facts, entity):
            assert tuple(row) == BRONZE[entity].column_names
            empty = [
                c.name for c in BRONZE[entity].columns if not c.nullable and row[c.name] is None
            ]
            assert empty == []


def test_random_histories_move_every_measure_both_ways() -> None:
    """Every measure of a seller and a buyer is added to and taken from in some history."""
    ups: Counter[str] = Counter()
    downs: Counter[str] = Counter()
    for seed in SEEDS:
        history = random_history(seed), setting_of(seed)[0], days_of(seed)
        for side, ledger in (("s", oracle.seller_ledger), ("b", oracle.buyer_ledger)):
            for measures in ledger(*history).values():
                for name, change in measures.items():
                    ups[f"{side}.{name}"] += change > 0
                    downs[f"{side}.{name}"] += change < 0
    named = [f"s.{column.name}" for column in silver.SELLER_MEASURES]
    named += [f"b.{column.name}" for column in silver.BUYER_MEASURES]
    assert [name for name in named if not (ups[name] and downs[name])] == []


@pytest.mark.parametrize("seed", range(5))
def test_a_ledger_adds_up_to_the_counts_of_any_day(seed: int) -> None:
    facts, (zone, _), days = random_history(seed), setting_of(seed), days_of(seed)
    sums: dict[Any, Counter[str]] = {}
    for key, measures in oracle.seller_ledger(facts, zone, days[:9]).items():
        sums.setdefault(key[:-1], Counter()).update(measures)
    as_of = oracle.seller_counts(facts, zone, days[8])
    assert {k: not_zero(v) for k, v in sums.items() if not_zero(v)} == {
        k: not_zero(v) for k, v in as_of.items()
    }
