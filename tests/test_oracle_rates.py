"""Pins the oracle's rates and mean times of 90 days by hand-computed cases.

Snapshots are of 31 March 2024 in UTC, of seller S in EUR, unless said.
"""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.feature_book import FIRST_OF_90, FeatureBook
from tests.support.oracle_asof import Row
from tests.support.oracle_book import at

TICK = timedelta(microseconds=1)
BEFORE = FIRST_OF_90 - TICK


@pytest.fixture
def book() -> FeatureBook:
    return FeatureBook()


def picked(row: Row, *names: str) -> list[Any]:
    return [row[name] for name in names]


# Lines ----------------------------------------------------------------------------------------


def test_on_time_ship_rate(book: FeatureBook) -> None:
    """Due: 1 shipped at ship_by, 2 a tick late, 3 never, 7 cancelled a tick after ship_by.
    Not due: 4 cancelled at ship_by, 5 due before the window, 6 due at T, 8 in USD, 9 open."""
    end = at(31, "00:00") + timedelta(days=1)
    promises = (
        FIRST_OF_90, at(9), at(9), at(9), BEFORE, end, at(9), at(9), None
    )  # fmt: skip
    for line_no, ship_by in enumerate(promises, start=1):
        currency = "USD" if line_no == 8 else "EUR"
        book.line(BEFORE - TICK, line_no, ship_by=ship_by, currency=currency)
    book.shipment(FIRST_OF_90, "shipped", 1)
    book.shipment(at(9) + TICK, "shipped", 2)
    book.order_event(at(9), "rejected", line_no=4, actor="buyer")
    book.order_event(at(9) + TICK, "cancelled", line_no=7, actor="platform")
    assert book.snapshot(8)["on_time_ship_rate"] == 1 / 2, "only 1 and 5 had fallen due"
    assert book.snapshot()["on_time_ship_rate"] == 1 / 4
    assert FeatureBook().snapshot()["on_time_ship_rate"] is None


def test_cancellation_rate_counts_events_of_the_window_and_is_capped(book: FeatureBook) -> None:
    """An event without line cancels both lines of S, not the one of Z; a buyer's does not count."""
    book.line(BEFORE, 1)
    book.line(BEFORE, 2)
    book.line(at(5), 3, seller_id="Z")
    book.line(at(5), 4)
    book.order_event(at(6), "cancelled", line_no=4, actor="buyer")
    assert book.snapshot()["cancellation_rate"] == 0.0
    book.order_event(at(6), "rejected", line_no=2, actor="seller")
    assert book.snapshot()["cancellation_rate"] == 1.0
    book.order_event(at(7), "cancelled", seller_id="S", actor="seller")
    assert book.snapshot()["cancellation_rate"] == 1.0, "three cancelled of one placed"
    book.line(at(5), 1, order_id="P")
    book.line(at(5), 2, order_id="P")
    book.order_event(BEFORE, "cancelled", line_no=1, actor="seller")
    assert book.snapshot()["cancellation_rate"] == 2 / 3, "line 1 had been cancelled before"


def test_an_order_event_without_line_or_seller_concerns_everybody(book: FeatureBook) -> None:
    """Cancelled by "the seller" for the whole order: the lines of S and of Z."""
    book.version("Z")
    book.line(at(5), 1)
    book.line(at(5), 2, seller_id="Z")
    book.line(at(5), 1, order_id="P", seller_id="Z")
    book.order_event(at(6), "cancelled", actor="seller")
    assert book.snapshot()["cancellation_rate"] == 1.0
    assert book.snapshot(seller_id="Z")["cancellation_rate"] == 0.5


def test_late_shipment_rate_and_handling_hours(book: FeatureBook) -> None:
    """Late: line 1 of the four shipped in the window. Hours: 24 from placing, 6 from the first
    payment, 0 as paid later, 24; line 5 was shipped before, line 6 is in USD."""
    for line_no in range(1, 7):
        currency = "USD" if line_no == 6 else "EUR"
        ship_by = at(6) if line_no in (2, 3) else at(6) - TICK if line_no in (1, 6) else None
        book.line(at(5), line_no, ship_by=ship_by, currency=currency)
    book.order_event(at(6, "06:00"), "paid", line_no=2)
    book.order_event(at(6, "08:00"), "paid", line_no=2)
    book.order_event(at(7), "paid", line_no=3)
    assert picked(book.snapshot(), "late_shipment_rate", "avg_handling_hours") == [None, None]
    book.shipment(at(6), "shipped", 1, 2, 3, 4, 6)
    book.shipment(at(8), "shipped", 1, 2, 3, 4, 6)
    book.shipment(BEFORE, "shipped", 5)
    assert picked(book.snapshot(), "late_shipment_rate", "avg_handling_hours") == [0.25, 13.5]


def test_return_rate_is_by_units_and_capped(book: FeatureBook) -> None:
    """4 units delivered; 1 arrives, once; what is asked for, rejected or arrived before is none."""
    book.line(at(5), 1, quantity=4)
    book.line(at(5), 2, quantity=7)
    book.returned(at(9), "arrived", units=1)
    assert book.snapshot()["return_rate"] is None
    book.shipment(at(7), "delivered", 1)
    book.shipment(BEFORE, "delivered", 2)
    book.returned(at(10), "arrived", units=3)
    book.returned(at(9), "requested", 2, units=9)
    book.returned(at(9), "rejected", 2, units=9)
    book.returned(BEFORE, "arrived", 3, units=9)
    book.returned(at(9), "arrived", 1, units=9, return_id="Q", seller_id="Z")
    assert book.snapshot()["return_rate"] == 0.25
    book.returned(at(11), "arrived", 1, units=9, return_id="T")
    assert book.snapshot()["return_rate"] == 1.0


def test_valid_tracking_rate_counts_shipments_once(book: FeatureBook) -> None:
    """P is tracked, Q is not, V left before the window, W and Y are of Z; no lines are needed."""
    assert book.snapshot()["valid_tracking_rate"] is None
    for day in (5, 6):
        book.shipment(at(day), "shipped", 1)
    book.shipment(BEFORE, "tracking_confirmed", 1)
    book.shipment(at(5), "shipped", 1, shipment_id="Q")
    book.shipment(at(5), "delivered", 1, shipment_id="Q")
    book.shipment(BEFORE, "shipped", 1, shipment_id="V")
    book.shipment(at(5), "shipped", 1, shipment_id="V")
    book.shipment(at(5), "shipped", 1, shipment_id="W", seller_id="Z")
    book.shipment(at(5), "tracking_confirmed", 1, shipment_id="X")
    book.shipment(at(5), "shipped", 1, shipment_id="Y", seller_id="Z")
    book.shipment(at(6), "shipped", 1, shipment_id="Y")
    assert book.snapshot()["valid_tracking_rate"] == 0.5


def test_on_time_delivery_rate_needs_a_promise(book: FeatureBook) -> None:
    """At deliver_by is on time, a tick later is not; the first delivery counts."""
    book.line(at(5), 1)
    book.shipment(at(7), "delivered", 1, 2, 3, 4)
    assert book.snapshot()["on_time_delivery_rate"] is None
    for line_no, deliver_by in ((2, at(7)), (3, at(7) - TICK), (4, at(7))):
        book.line(at(5), line_no, deliver_by=deliver_by)
    book.shipment(at(9), "delivered", 2)
    book.shipment(BEFORE, "delivered", 4)
    assert book.snapshot()["on_time_delivery_rate"] == 0.5


def test_stockout_rate_is_by_the_date_of_the_snapshot(book: FeatureBook) -> None:
    """Active on three days of the window, once without stock; M was not active."""
    assert book.snapshot()["stockout_rate"] is None
    first = FIRST_OF_90.date()
    for day, active, in_stock in (
        (first, True, False),
        (first + timedelta(days=1), True, True),
        (first + timedelta(days=2), True, True),
        (first + timedelta(days=3), False, False),
        (first - timedelta(days=1), True, False),
        (first + timedelta(days=90), True, False),
    ):
        book.about(
            "listing_snapshots", at(5), snapshot_date=day, active=active, in_stock=in_stock
        )  # fmt: skip
    assert book.snapshot()["stockout_rate"] == 1 / 3


# Refunds --------------------------------------------------------------------------------------


def test_refund_rate_by_whose_refund_it_is(book: FeatureBook) -> None:
    """Orders A to F, each with line 1 of S and line 2 of Z; G was placed before the window.
    S: A named, B everybody's, D the line, never C (the return is Z's), E (names Z), F (line 9)."""
    assert book.snapshot()["refund_rate"] is None
    book.version("Z")
    for order_id in "ABCDEFG":
        placed_at = BEFORE if order_id == "G" else at(5)
        book.line(placed_at, 1, order_id=order_id)
        book.line(placed_at, 2, order_id=order_id, seller_id="Z")
    book.returned(at(6), "requested", 2, order_id="C", seller_id="Z")
    refunds: tuple[Row, ...] = (
        {"order_id": "A", "seller_id": "S"}, {"order_id": "A", "seller_id": "S"},
        {"order_id": "B"}, {"order_id": "C", "return_id": "R"}, {"order_id": "D", "line_no": 1},
        {"order_id": "E", "seller_id": "Z"}, {"order_id": "F", "line_no": 9}, {"order_id": "G"},
    )  # fmt: skip
    for said in refunds:
        book.refund(at(8), **said)
    assert book.snapshot()["refund_rate"] == 3 / 6
    assert book.snapshot(seller_id="Z")["refund_rate"] == 3 / 6, "B, C and E"


def test_avg_refund_hours(book: FeatureBook) -> None:
    """The return arrives on the 7th at noon. Refunds: 12 hours later, and before it (0 hours);
    none: without return, of a return that never arrived, of Z, before the window."""
    book.version("Z")
    book.listing("M", seller_id="Z")
    book.line(at(5))
    book.returned(at(7), "arrived")
    book.returned(at(6), "requested", return_id="Q")
    book.refund(at(9), line_no=1)
    book.refund(at(9), return_id="Q")
    book.refund(BEFORE, return_id="R")
    assert book.snapshot()["avg_refund_hours"] is None
    book.refund(at(8, "00:00"), return_id="R")
    assert book.snapshot()["avg_refund_hours"] == 12.0, "of the return's seller"
    book.refund(at(6), return_id="R", seller_id="S")
    book.refund(at(9), return_id="R", seller_id="Z")
    assert book.snapshot()["avg_refund_hours"] == 6.0
    assert book.snapshot(seller_id="Z")["avg_refund_hours"] == 48.0
