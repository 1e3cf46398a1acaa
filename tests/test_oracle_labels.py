"""Pins the oracle of the labels by hand-computed cases, at their edges.

ds is 31 March 2024 unless said: the 60 days are 1 April to 30 May, in UTC.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.feature_book import FeatureBook
from tests.support.oracle_asof import DAY
from tests.support.oracle_book import at, on
from tests.support.oracle_features import Label, labels

DS, DAY_60 = date(2024, 3, 31), date(2024, 5, 30)
T = datetime(2024, 4, 1, tzinfo=UTC)
END = datetime(2024, 5, 31, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def book() -> FeatureBook:
    return FeatureBook()


def label(book: FeatureBook, asked: date = DAY_60, ds: date = DS, lag: int = 0) -> Label:
    return labels(book.facts, "UTC", ds, asked, lag)["S"]


def act(
    book: FeatureBook, occurred_at: datetime, action: str = "suspension", **said: object
) -> None:
    book.about("enforcement_actions", occurred_at, action=action, **said)


@pytest.mark.parametrize("action", ["suspension", "funds_hold", "category_block"])
@pytest.mark.parametrize(
    ("occurred_at", "high_risk"),
    [(T - TICK, False), (T, True), (END - TICK, True), (END, False)],
)
def test_days_1_to_60_are_in(
    book: FeatureBook, action: str, occurred_at: datetime, high_risk: bool
) -> None:
    act(book, occurred_at, action)
    at_risk = action != "suspension" or occurred_at >= T
    expected = (high_risk, DAY_60, "mature") if at_risk else (None, DAY_60, "not_at_risk")
    assert label(book) == label(book, DAY_60 + 9 * DAY) == expected


def test_a_reinstatement_and_another_sellers_action_are_nothing(book: FeatureBook) -> None:
    act(book, T, "reinstatement")
    act(book, T, seller_id="Z")
    assert label(book) == (False, DAY_60, "mature")


def test_a_label_is_immature_through_the_day_before(book: FeatureBook) -> None:
    """Also when it is clear already; lag moves the day, not the sixty days."""
    act(book, T)
    assert label(book, DAY_60 - DAY) == (None, DAY_60, "immature")
    assert label(book, DAY_60) == (True, DAY_60, "mature")
    available_on = DAY_60 + 5 * DAY
    assert label(book, available_on - DAY, lag=5) == (None, available_on, "immature")
    assert label(book, available_on, lag=5) == (True, available_on, "mature")


def test_lag_does_not_lengthen_the_horizon(book: FeatureBook) -> None:
    act(book, END)
    assert label(book, DAY_60 + 9 * DAY, lag=5)[0] is False


def test_what_is_known_late_counts_only_before_the_label_is_frozen(book: FeatureBook) -> None:
    """Happened on day 60 and became known as day 62 began: too late without lag, never later."""
    act(book, END - TICK, known_at=END + DAY)
    assert label(book) == label(book, DAY_60 + 99 * DAY) == (False, DAY_60, "mature")
    assert label(book, DAY_60 + 2 * DAY, lag=1)[0] is False
    assert label(book, DAY_60 + 2 * DAY, lag=2)[0] is True


def test_a_retraction_counts_before_the_label_is_frozen(book: FeatureBook) -> None:
    act(book, T, action_id="1")
    act(book, T, action_id="1", retracted=True, known_at=END)
    assert label(book, DAY_60 + 9 * DAY)[0] is True
    assert label(book, DAY_60 + 9 * DAY, lag=1)[0] is False


def test_suspended_sellers_are_not_at_risk_until_reinstated(book: FeatureBook) -> None:
    """Suspended on the 5th, reinstated on the 9th, which is known on the 12th; asked early too."""
    act(book, at(5))
    act(book, at(9), "reinstatement", known_at=at(12))
    act(book, at(20), "funds_hold")
    states = [label(book, on(day) + 60 * DAY, on(day))[::2] for day in (4, 5, 11, 12)]
    assert states == [(True, "mature"), (None, "not_at_risk"), (None, "not_at_risk"),
                      (True, "mature")]  # fmt: skip
    assert label(book, on(6), on(5)) == (None, on(5) + 60 * DAY, "not_at_risk")
    assert label(book, on(5) + 99 * DAY, on(5))[2] == "not_at_risk"


def test_the_last_turn_is_the_one_that_happened_last(book: FeatureBook) -> None:
    """A suspension of the 5th that is learned after the reinstatement of the 9th is past."""
    act(book, at(9), "reinstatement")
    act(book, at(5), known_at=at(12))
    assert label(book)[2] == "mature"
    act(book, at(9), known_at=at(13))
    assert label(book)[2] == "not_at_risk", "of one moment, what is known last"


@pytest.mark.parametrize(
    ("until", "state"),
    [(None, "not_at_risk"), (T + TICK, "not_at_risk"), (T, "mature"), (at(20), "mature")],
)
def test_a_suspension_ends_at_until(book: FeatureBook, until: datetime | None, state: str) -> None:
    """Also when an earlier suspension was without end."""
    act(book, at(5))
    act(book, at(10), until=until)
    assert label(book)[2] == state


def test_business_dates_count_not_hours() -> None:
    """In Berlin the 60 days after 10 March 2024 include the night of 23 hours: they end on 9 May
    at 22:00 UTC, an hour earlier than sixty times 24 hours."""
    end = datetime(2024, 5, 9, 22, tzinfo=UTC)
    for occurred_at, high_risk in ((end - TICK, True), (end, False)):
        book = FeatureBook()
        act(book, occurred_at, "funds_hold")
        book.snapshots_on(on(10), "Europe/Berlin")
        asked = labels(book.facts, "Europe/Berlin", on(10), date(2024, 6, 1))
        assert asked["S"] == (high_risk, date(2024, 5, 9), "mature")


def test_only_sellers_with_a_row_have_a_label(book: FeatureBook) -> None:
    """S closed on 5 March; what happens to a seller afterwards takes no label away."""
    assert labels(book.facts, "UTC", on(4), on(4)).keys() == {"S"}
    book.version("S", at(5), status="closed")
    assert labels(book.facts, "UTC", on(4), DAY_60).keys() == {"S"}
    assert labels(book.facts, "UTC", on(5), DAY_60).keys() == set()
