"""Pins the oracle of the seller snapshots by hand-computed cases: rows, windows, profile,
commerce and compliance. Snapshots are of 31 March 2024 in UTC unless said.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.support.feature_book import FIRST_OF_30, FIRST_OF_90, FeatureBook
from tests.support.oracle_book import at, on
from tests.support.oracle_features import unknown_sellers

TICK = timedelta(microseconds=1)
COLUMNS = [
    "marketplace", "tenure_days", "business_type", "fulfillment_channel", "primary_category",
    "active_listings", "on_time_ship_rate", "cancellation_rate", "late_shipment_rate",
    "return_rate", "valid_tracking_rate", "on_time_delivery_rate", "avg_handling_hours",
    "refund_rate", "stockout_rate", "avg_refund_hours", "defect_rate", "negative_feedback_rate",
    "a_to_z_claim_rate", "contact_rate", "chargeback_rate", "avg_response_hours", "avg_rating",
    "dispute_loss_rate", "orders_30d", "gmv_30d", "asp", "ad_spend_30d", "ad_attributed_gmv_30d",
    "buy_box_win_rate", "repeat_buyer_rate", "policy_warnings_90d", "suspension_history",
    "document_verification_age", "support_tickets_90d", "listing_takedowns_90d",
]  # fmt: skip


@pytest.fixture
def book() -> FeatureBook:
    return FeatureBook()


def test_a_seller_with_a_listing_and_nothing_else(book: FeatureBook) -> None:
    """Registered 89 days before ds; every ratio has nothing to divide by."""
    row = book.snapshot()
    assert list(row) == COLUMNS
    assert {name: value for name, value in row.items() if value is not None} == {
        "marketplace": "DE", "tenure_days": 89, "business_type": "individual",
        "fulfillment_channel": "merchant", "active_listings": 1, "orders_30d": 0, "gmv_30d": 0.0,
        "policy_warnings_90d": 0, "suspension_history": 0, "support_tickets_90d": 0,
        "listing_takedowns_90d": 0,
    }  # fmt: skip
    assert isinstance(row["gmv_30d"], float)


# Who has a row --------------------------------------------------------------------------------


def test_a_line_a_login_or_an_active_listing_makes_a_row(book: FeatureBook) -> None:
    """Of eight sellers without an active listing, two did something that counts, a third lists."""
    for seller_id in ("line", "old line", "usd", "login", "old login", "none", "closed", "off"):
        book.version(seller_id, status="closed" if seller_id == "closed" else "paused")
    book.line(FIRST_OF_90, order_id="1", seller_id="line")
    book.line(FIRST_OF_90 - TICK, order_id="2", seller_id="old line")
    book.line(at(5), order_id="3", seller_id="usd", currency="USD")
    book.line(at(5), order_id="4", seller_id="closed")
    book.about("logins", FIRST_OF_90, actor="seller", actor_id="login")
    book.about("logins", FIRST_OF_90 - TICK, actor="seller", actor_id="old login")
    book.about("logins", at(5), actor="buyer", actor_id="none")
    book.listing("M", at(5), seller_id="off", status="inactive")
    assert book.snapshots_on(on(31)).keys() == {"S", "line", "login"}
    book.listing("M", at(6), seller_id="off")
    assert book.snapshots_on(on(31)).keys() == {"S", "line", "login", "off"}


def test_a_row_follows_what_was_known_on_its_day(book: FeatureBook) -> None:
    """S closes on the 10th, known on the 12th, opens again on the 14th, never was on the 16th."""
    book.version("S", at(10), status="closed", known_at=at(12))
    book.version("S", at(14), status="suspended")
    book.version("S", at(14), retracted=True, known_at=at(16))
    days = [day for day in range(10, 18) if book.snapshots_on(on(day))]
    assert days == [10, 11, 14, 15]


def test_unknown_sellers_place_lines_and_have_no_version(book: FeatureBook) -> None:
    """U is not known before the 20th; V and W place too early or are taken back; K is closed."""
    book.version("U", at(20))
    book.version("W")
    book.version("W", retracted=True, known_at=at(6))
    book.version("K", status="closed")
    for seller_id, placed_at in (
        ("U", at(5)),
        ("W", at(5)),
        ("K", at(5)),
        ("V", FIRST_OF_90 - TICK),
        ("X", FIRST_OF_90),
        ("S", at(5)),
    ):
        book.line(placed_at, order_id=seller_id, seller_id=seller_id)
    assert unknown_sellers(book.facts, "UTC", on(5)) == {"U", "V", "X"}, "W is taken back later"
    assert unknown_sellers(book.facts, "UTC", on(31)) == {"W", "X"}
    assert book.snapshots_on(on(31)).keys() == {"S", "U"}


# Windows and versions -------------------------------------------------------------------------


def test_first_and_last_moments_of_the_windows(book: FeatureBook) -> None:
    """One line a moment: before and at the start of 90 days, of 30 days, and around T."""
    for n, placed_at in enumerate(
        (FIRST_OF_90 - TICK, FIRST_OF_90, FIRST_OF_30 - TICK, FIRST_OF_30,
         at(31, "23:59:59.999999"), at(31, "23:59:59.999999") + TICK)
    ):  # fmt: skip
        book.line(placed_at, order_id=f"O{n}", line_total_minor=10**n, category=f"c{n}")
        book.about("policy_events", placed_at, event="warning")
    row = book.snapshot()
    assert (row["gmv_30d"], row["orders_30d"], row["policy_warnings_90d"]) == (110.0, 2, 4)
    assert row["primary_category"] == "c4", "c5 is placed at T"
    tomorrow = book.snapshots_on(date(2024, 4, 1))["S"]
    assert (tomorrow["gmv_30d"], tomorrow["policy_warnings_90d"]) == (1100.0, 4)


@pytest.mark.parametrize(
    ("zone", "ds", "first", "end"),
    [
        ("Europe/Berlin", date(2024, 3, 31), "2024-03-01T23:00", "2024-03-31T22:00"),
        ("Pacific/Auckland", date(2024, 4, 7), "2024-03-08T11:00", "2024-04-07T12:00"),
        ("America/Sao_Paulo", date(2017, 10, 14), "2017-09-15T03:00", "2017-10-15T03:00"),
        ("America/Sao_Paulo", date(2017, 11, 13), "2017-10-15T03:00", "2017-11-14T02:00"),
    ],
)
def test_business_dates_of_23_and_25_hours(
    zone: str, ds: date, first: str, end: str, book: FeatureBook
) -> None:
    """The 30 days begin and end at midnight on the wall; Sao Paulo skipped one in October."""
    book.version("S", datetime(2017, 1, 1, tzinfo=UTC))
    begins, ends = (datetime.fromisoformat(f"{text}+00:00") for text in (first, end))
    for n, placed_at in enumerate((begins - TICK, begins, ends - TICK, ends)):
        book.line(placed_at, order_id=f"O{n}", line_total_minor=100 * 10**n)
    assert book.snapshots_on(ds, zone)["S"]["gmv_30d"] == 110.0


def test_late_facts_corrections_and_retractions(book: FeatureBook) -> None:
    """1.00 learned on the 8th, 0.70 on the 10th, placed in January as we hear on the 12th; of two
    corrections learned at once on the 14th the later event counts; taken back on the 16th."""
    book.line(at(5), known_at=at(8))
    book.line(at(5), line_total_minor=70, known_at=at(10))
    book.line(at(5) - timedelta(days=40), line_total_minor=70, known_at=at(12))
    book.line(at(5), line_total_minor=60, known_at=at(14))
    book.line(at(4), line_total_minor=50, known_at=at(14))
    book.line(at(5), known_at=at(16), retracted=True)
    sales = [(day, book.snapshot(day)["gmv_30d"]) for day in (7, 8, 10, 12, 14, 16)]
    assert sales == [(7, 0.0), (8, 1.0), (10, 0.7), (12, 0.0), (14, 0.6), (16, 0.0)]
    assert book.snapshot(15)["orders_30d"] == 1
    ends = at(31, "00:00") + timedelta(days=1)
    book.line(at(5), order_id="late", line_total_minor=7, known_at=ends - TICK)
    book.line(at(5), order_id="too late", line_total_minor=5, known_at=ends)
    assert book.snapshot()["gmv_30d"] == 0.07


# Profile --------------------------------------------------------------------------------------


def test_profile_of_the_version_that_counts(book: FeatureBook) -> None:
    """Registered at 23:30 UTC on 1 March, which is the 2nd in Berlin; moved to FR on the 7th."""
    said: dict[str, Any] = {"registered_at": at(1, "23:30"), "business_type": "charity"}
    book.version("S", at(7), marketplace="FR", known_at=at(9), **said)
    row = book.snapshot(9)
    assert (row["marketplace"], row["business_type"], row["tenure_days"]) == ("FR", "charity", 8)
    assert book.snapshot(8)["marketplace"] == "DE"
    assert book.snapshot(9, zone="Europe/Berlin")["tenure_days"] == 7
    assert isinstance(row["tenure_days"], int)
    book.version("S", at(10), registered_at=None, business_type=None)
    assert (book.snapshot(10)["tenure_days"], book.snapshot(10)["business_type"]) == (None, None)


@pytest.mark.parametrize(
    ("platform", "merchant", "channel"),
    [(9, 1, "platform"), (89, 11, "mixed"), (1, 9, "merchant"), (11, 89, "mixed"),
     (0, 0, "merchant"), (5, 0, "platform")],
)  # fmt: skip
def test_fulfillment_thresholds(
    book: FeatureBook, platform: int, merchant: int, channel: str
) -> None:
    """By units; lines in USD or before the window have no say."""
    book.line(FIRST_OF_90, 1, quantity=platform, fulfillment="platform")
    book.line(FIRST_OF_90, 2, quantity=merchant, fulfillment="merchant")
    book.line(at(5), 3, quantity=99, fulfillment="platform", currency="USD")
    book.line(FIRST_OF_90 - TICK, 4, quantity=99, fulfillment="merchant")
    assert book.snapshot()["fulfillment_channel"] == channel


def test_primary_category_by_sales_then_name(book: FeatureBook) -> None:
    """Sales, not lines; a tie goes to the first name; no category, another currency: no vote."""
    book.line(at(5), 1, category=None, line_total_minor=9000)
    assert book.snapshot()["primary_category"] is None
    book.line(at(5), 2, category="toys", line_total_minor=300)
    book.line(at(5), 3, category="books", line_total_minor=100)
    assert book.snapshot()["primary_category"] == "toys"
    book.line(at(6), 4, category="books", line_total_minor=200)
    assert book.snapshot()["primary_category"] == "books"
    book.line(at(6), 5, category="toys", line_total_minor=999, currency="USD")
    book.line(at(6), 6, category="Zoo", line_total_minor=300)
    assert book.snapshot()["primary_category"] == "Zoo", "capitals come first"


def test_active_listings_as_of(book: FeatureBook) -> None:
    """L, and M from the 5th; N is inactive; M moves to Z on the 8th, L is removed on the 9th."""
    book.listing("M", at(5))
    book.listing("N", at(5), status="inactive")
    book.listing("M", at(8), seller_id="Z")
    book.listing("L", at(9), status="removed")
    book.line(at(5))
    assert [book.snapshot(day)["active_listings"] for day in (4, 5, 8, 9)] == [1, 2, 1, 0]


# Compliance -----------------------------------------------------------------------------------


def test_warnings_takedowns_and_tickets_of_90_days(book: FeatureBook) -> None:
    """Each at the edge, before it, and of another kind; T7 is opened by two events."""
    for event in ("warning", "listing_takedown", "listing_takedown", "reinstated"):
        book.about("policy_events", FIRST_OF_90, event=event)
        book.about("policy_events", FIRST_OF_90 - TICK, event=event)
    for event in ("opened", "opened", "opened", "closed"):
        book.about("support_tickets", FIRST_OF_90, event=event, ticket_id="T7")
        book.about("support_tickets", FIRST_OF_90 - TICK, event=event, ticket_id="T7")
    book.about("support_tickets", at(5), event="opened", seller_id="Z")
    row = book.snapshot()
    assert row["policy_warnings_90d"] == 1
    assert row["listing_takedowns_90d"] == 2
    assert row["support_tickets_90d"] == 3


def test_suspensions_ever_and_the_age_of_the_last_verification(book: FeatureBook) -> None:
    """Suspended in 2022 and in March; verified at 23:30 on 4 March (the 5th in Berlin)."""
    for occurred_at in (at(5) - timedelta(days=700), at(5)):
        book.about("enforcement_actions", occurred_at, action="suspension")
        book.about("enforcement_actions", occurred_at, action="funds_hold")
        book.about("enforcement_actions", occurred_at, action="reinstatement")
    book.about("document_verifications", at(4, "23:30"), event="verified")
    book.about("document_verifications", at(3), event="verified", known_at=at(9))
    book.about("document_verifications", at(6), event="expired")
    row = book.snapshot(9)
    assert (row["suspension_history"], row["document_verification_age"]) == (2, 5.0)
    assert isinstance(row["document_verification_age"], float)
    assert book.snapshot(9, zone="Europe/Berlin")["document_verification_age"] == 4.0
    assert book.snapshot(3)["document_verification_age"] is None
