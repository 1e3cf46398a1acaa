"""Pins the oracle's customer and commercial columns by hand-computed cases.

Snapshots are of 31 March 2024 in UTC, of seller S in EUR, unless said.
"""

from datetime import date, timedelta

import pytest

from tests.support.feature_book import FIRST_OF_30, FIRST_OF_90, FeatureBook
from tests.support.oracle_asof import Row
from tests.support.oracle_book import at, on

TICK = timedelta(microseconds=1)
BEFORE = FIRST_OF_90 - TICK


@pytest.fixture
def book() -> FeatureBook:
    return FeatureBook()


def picked(row: Row, *names: str) -> list[object]:
    return [row[name] for name in names]


# Seller-orders --------------------------------------------------------------------------------


def test_defects_claims_and_chargebacks_of_seller_orders(book: FeatureBook) -> None:
    """Of five orders A has a bad review, B a claim, C a chargeback and another, D a bad review of
    Z and a claim that was never opened, E a claim about line 9; F was placed before."""
    names = "defect_rate", "a_to_z_claim_rate", "chargeback_rate"
    assert picked(book.snapshot(), *names) == [None, None, None]
    for order_id in "ABCDEF":
        book.line(BEFORE if order_id == "F" else at(5), order_id=order_id)
        if order_id in "AF":
            book.about("reviews", at(9), order_id=order_id, stars=2)
    book.about("reviews", at(9), order_id="C", stars=3)
    book.about("reviews", at(9), order_id="D", stars=1, seller_id="Z")
    book.dispute(at(9), "opened", dispute_id="1", order_id="B", line_no=1)
    book.dispute(at(9), "opened", dispute_id="2", order_id="C", kind="chargeback")
    book.dispute(at(9), "opened", dispute_id="3", order_id="C", kind="chargeback")
    book.dispute(at(9), "closed", dispute_id="4", order_id="D")
    book.dispute(at(9), "opened", dispute_id="5", order_id="E", line_no=9)
    assert picked(book.snapshot(), *names) == [3 / 5, 1 / 5, 1 / 5]


def test_lines_in_another_currency_make_no_order(book: FeatureBook) -> None:
    """Line 2 is in USD and came first: O is placed on the 5th, and its claim is nobody's."""
    book.line(at(5), 1)
    book.line(at(3), 2, currency="USD", line_total_minor=999, quantity=9)
    book.line(at(5), 1, order_id="P", currency="USD")
    book.dispute(at(9), "opened", line_no=2)
    names = "a_to_z_claim_rate", "orders_30d", "gmv_30d", "asp"
    assert picked(book.snapshot(), *names) == [0.0, 1, 1.0, 1.0]
    assert book.snapshot(4)["orders_30d"] == 0


def test_contact_rate_needs_messaging(book: FeatureBook) -> None:
    """Of two orders the buyer wrote about O, twice; S wrote about P; Z's buyer wrote to Z."""
    assert book.snapshot()["contact_rate"] is None
    book.line(at(5))
    book.line(at(5), order_id="P")
    book.message(at(6), "M", "buyer")
    book.message(at(6), "N", "buyer")
    book.message(at(6), "A", "seller", order_id="P")
    book.message(at(6), "B", "buyer", order_id="P", seller_id="Z")
    book.message(at(6), "C", "buyer", order_id=None)
    book.version("S", at(8), messaging_enabled=False)
    book.version("S", at(9), messaging_enabled=True)
    assert [book.snapshot(day)["contact_rate"] for day in (7, 8, 9)] == [0.5, None, 0.5]


# Reviews, replies, disputes -------------------------------------------------------------------


def test_reviews_of_the_window(book: FeatureBook) -> None:
    """1, 2, 3 and 5 stars; one from before; one of Z; no order is needed."""
    names = "negative_feedback_rate", "avg_rating"
    assert picked(book.snapshot(), *names) == [None, None]
    for stars in (1, 2, 3, 5):
        book.about("reviews", FIRST_OF_90, stars=stars)
    book.about("reviews", BEFORE, stars=1)
    book.about("reviews", at(5), stars=1, seller_id="Z")
    assert picked(book.snapshot(), *names) == [0.5, 2.75]


def test_avg_response_hours_of_first_replies(book: FeatureBook) -> None:
    """M: 1 hour, not 3; N: 0, as it was answered before it was written; others wrote the rest."""
    book.message(at(5, "10:00"), "M", "buyer")
    book.message(at(5, "10:30"), "A", "platform", in_reply_to="M")
    book.message(at(5, "10:30"), "B", "seller", in_reply_to="M", seller_id="Z")
    assert book.snapshot()["avg_response_hours"] is None
    book.message(at(5, "13:00"), "C", "seller", in_reply_to="M")
    book.message(at(5, "11:00"), "D", "seller", in_reply_to="M")
    book.message(at(6), "N", "buyer")
    book.message(at(5), "E", "seller", in_reply_to="N")
    assert book.snapshot()["avg_response_hours"] == 0.5
    book.version("S", at(9), messaging_enabled=False)
    assert book.snapshot()["avg_response_hours"] is None


def test_a_first_reply_before_the_window_hides_a_later_one(book: FeatureBook) -> None:
    book.message(FIRST_OF_90 - timedelta(hours=2), "M", "buyer")
    book.message(at(5), "A", "seller", in_reply_to="M")
    assert book.snapshot()["avg_response_hours"] == 63 * 24 + 14
    book.message(BEFORE, "B", "seller", in_reply_to="M")
    assert book.snapshot()["avg_response_hours"] is None


def test_dispute_loss_rate_by_the_first_closing(book: FeatureBook) -> None:
    """Lost: 1, closed again for the seller. Not: 2 and 3. Before the window: 4. Of Z: 5 and 6."""
    book.dispute(at(5), "opened", dispute_id="1")
    assert book.snapshot()["dispute_loss_rate"] is None
    book.dispute(at(7), "closed", dispute_id="1", outcome="seller")
    book.dispute(at(6), "closed", dispute_id="1", outcome="buyer")
    book.dispute(FIRST_OF_90, "closed", dispute_id="2", outcome="split")
    book.dispute(at(6), "closed", dispute_id="3", outcome="withdrawn")
    book.dispute(BEFORE, "closed", dispute_id="4", outcome="buyer")
    for dispute_id in "56":
        book.dispute(at(6), "closed", dispute_id=dispute_id, outcome="buyer", seller_id="Z")
    book.dispute(at(7), "closed", dispute_id="6", outcome="buyer")
    assert book.snapshot()["dispute_loss_rate"] == 1 / 3


# Commerce of 30 days --------------------------------------------------------------------------


def test_sales_in_major_units_of_the_currency(book: FeatureBook) -> None:
    """S in EUR: 300 cents for 4 units; Y in JPY: 300 yen; K in KWD: 300 fils."""
    assert picked(book.snapshot(), "gmv_30d", "asp", "orders_30d") == [0.0, None, 0]
    book.line(FIRST_OF_30 - TICK, order_id="old", line_total_minor=5)
    book.line(FIRST_OF_30 - TICK, 1, order_id="free", line_total_minor=5)
    book.line(FIRST_OF_30, 2, order_id="free", line_total_minor=0, quantity=0)
    assert picked(book.snapshot(), "gmv_30d", "asp", "orders_30d") == [0.0, None, 0]
    for seller_id, currency in (("S", "EUR"), ("Y", "JPY"), ("K", "KWD")):
        book.version(seller_id, currency=currency)
        own = {"seller_id": seller_id, "currency": currency, "order_id": seller_id}
        book.line(FIRST_OF_30, 1, quantity=3, **own)
        book.line(at(5), 2, line_total_minor=200, **own)
    for seller_id, gmv, asp in (("S", 3.0, 0.75), ("Y", 300.0, 75.0), ("K", 0.3, 0.075)):
        row = book.snapshot(seller_id=seller_id)
        assert picked(row, "gmv_30d", "asp", "orders_30d") == [gmv, asp, 1]


def test_a_seller_order_is_placed_at_its_earliest_line(book: FeatureBook) -> None:
    """O began before the 30 days: its second line sells, but it is no order of the window."""
    book.line(FIRST_OF_30 - TICK, 1)
    book.line(at(5), 2)
    assert picked(book.snapshot(), "gmv_30d", "orders_30d") == [1.0, 0]
    assert book.snapshot()["repeat_buyer_rate"] is None


def test_advertising_by_its_date_and_currency(book: FeatureBook) -> None:
    """A row of 0 is known to be zero; other currencies, other days and other sellers are not."""
    names = "ad_spend_30d", "ad_attributed_gmv_30d"
    money = {"spend_minor": 700, "attributed_gmv_minor": 900, "currency": "EUR"}
    book.about("ad_spend", at(9), date=on(1), **money)
    book.about("ad_spend", at(9), date=date(2024, 4, 1), **money)
    book.about("ad_spend", at(9), date=on(5), **money | {"currency": "USD"})
    book.about("ad_spend", at(9), date=on(5), **money | {"seller_id": "Z"})
    assert picked(book.snapshot(), *names) == [None, None]
    book.about("ad_spend", at(9), date=on(2), **money | {"spend_minor": 0})
    assert picked(book.snapshot(), *names) == [0.0, 9.0]
    book.about("ad_spend", at(9), date=on(31), **money)
    assert picked(book.snapshot(), *names) == [7.0, 18.0]


def test_buy_box_is_sum_over_sum(book: FeatureBook) -> None:
    """10 of 10 and 0 of 30 is a quarter, not a half; days without views say nothing."""
    book.about("buy_box", at(9), date=on(1), views=10, featured_views=10)
    book.about("buy_box", at(9), date=on(2), views=0, featured_views=0)
    assert book.snapshot()["buy_box_win_rate"] is None
    book.about("buy_box", at(9), date=on(3), views=10, featured_views=10)
    book.about("buy_box", at(9), date=on(31), views=30, featured_views=0)
    assert book.snapshot()["buy_box_win_rate"] == 0.25


def test_repeat_buyer_rate(book: FeatureBook) -> None:
    """In the window: A (first in March, but B bought in 2023), C and D of one moment, E without
    an order row, F of another buyer, G of B, who bought in USD or of Z only before A."""
    assert book.snapshot()["repeat_buyer_rate"] is None
    orders = (
        ("old", at(5) - timedelta(days=400), "B"), ("A", at(5), "B"), ("C", at(6), "C"),
        ("D", at(6), "C"), ("E", at(7), None), ("F", at(7), "F"),
    )  # fmt: skip
    for order_id, placed_at, buyer_id in orders:
        book.line(placed_at, order_id=order_id)
        if buyer_id:
            book.order(placed_at, order_id, buyer_id=buyer_id)
    book.line(at(4), order_id="usd", currency="USD")
    book.order(at(4), "usd", buyer_id="F")
    book.line(at(4), order_id="of Z", seller_id="Z")
    book.order(at(4), "of Z", buyer_id="F")
    assert book.snapshot()["repeat_buyer_rate"] == 1 / 5
    book.order(at(7), "E", buyer_id="C", known_at=at(9))
    assert [book.snapshot(day)["repeat_buyer_rate"] for day in (8, 9)] == [1 / 5, 2 / 5]
