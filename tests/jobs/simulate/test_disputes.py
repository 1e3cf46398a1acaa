"""Disputes have a true right answer, evidence that follows it with noise, and a human decision."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import sqrt

import pytest

from jobs.simulate import sayings
from jobs.simulate.aftermath import CAUSES, JUDGED_RIGHT
from jobs.simulate.voices import EVIDENCE

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def cases(fraudulent) -> dict[str, dict]:
    """Every dispute by id: its truth, and its events by name."""
    found = {row["dispute_id"]: row | {"events": defaultdict(list)}
             for row in fraudulent["true_disputes"]}  # fmt: skip
    for row in fraudulent["disputes"]:
        found[row["dispute_id"]]["events"][row["event"]].append(row)
    return found


def test_every_dispute_has_a_right_answer_and_a_type_that_fits(cases):
    assert {case["cause"] for case in cases.values()} >= {
        "lost", "late", "damaged", "defective", "stolen", "friendly", "abuse"
    }  # fmt: skip
    for case in cases.values():
        cause, opened = CAUSES[case["cause"]], case["events"]["opened"]
        assert len(opened) == 1
        assert opened[0]["type"] in cause.types
        assert case["right_outcome"] in cause.right
        assert opened[0]["kind"] == "claim" or case["right_outcome"] != "split"


def test_people_mostly_decide_what_is_right(cases):
    closed = [(case["events"]["closed"][0], case["right_outcome"]) for case in cases.values()]
    decided = [row["outcome"] == right for row, right in closed if row["outcome"] != "withdrawn"]
    spread = sqrt(JUDGED_RIGHT * (1 - JUDGED_RIGHT) / len(decided))
    assert abs(sum(decided) / len(decided) - JUDGED_RIGHT) < 4 * spread
    assert all(row["outcome"] in ("buyer", "seller") for row, _ in closed
               if row["kind"] == "chargeback")  # fmt: skip


def test_evidence_is_more_frequent_where_it_is_true(cases):
    goods = [case for case in cases.values()
             if case["events"]["opened"][0]["type"] in EVIDENCE["photo"].types]  # fmt: skip
    shares = {}
    for genuine in (True, False):
        own = [case for case in goods
               if (case["cause"] in ("damaged", "defective", "differs")) is genuine]  # fmt: skip
        shares[genuine] = sum(shows(case, "photo") for case in own) / len(own)
    assert shares[True] > 0.55 > 0.35 > shares[False]
    delivered = [case for case in cases.values() if case["cause"] in ("stolen", "friendly")]
    lost = [case for case in cases.values() if case["cause"] == "lost"]
    share = [sum(shows(case, "tracking") for case in own) / len(own) for own in (delivered, lost)]
    assert share[0] > 0.5 > 0.3 > share[1]
    assert 0 < sum(case["proven"] for case in cases.values()) < len(cases)


def test_events_of_a_dispute_come_in_order(cases):
    for case in cases.values():
        (opened,), (closed,) = case["events"]["opened"], case["events"]["closed"]
        between = case["events"]["evidence"] + case["events"]["seller_response"]
        for row in between:
            assert opened["occurred_at"] <= row["occurred_at"] <= closed["occurred_at"]
        answered = case["events"]["seller_response"]
        assert answered or not [row for row in case["events"]["evidence"]
                                if row["text"].startswith("Seller:")]  # fmt: skip


def test_money_follows_what_was_decided(fraudulent, cases):
    refunds = {(row["order_id"], row["line_no"]): row for row in fraudulent["refunds"]}
    for case in cases.values():
        opened, closed = case["events"]["opened"][0], case["events"]["closed"][0]
        refund = refunds.get((case["order_id"], case["line_no"]))
        paid = {"buyer": opened["amount_minor"], "split": opened["amount_minor"] // 2}
        due = paid.get(closed["outcome"]) if opened["kind"] == "claim" else None
        assert (refund and refund["amount_minor"]) == due
        assert refund is None or refund["initiated_by"] == "dispute"


def test_refunds_are_full_and_partial(fraudulent):
    reasons = Counter(row["reason"] for row in fraudulent["refunds"])
    assert {"returned", "claim", "goodwill"} <= set(reasons)
    assert {row["units"] for row in fraudulent["returns"]} >= {1, 2}


def test_most_complain_to_the_seller_first(fraudulent, cases):
    asked = {row["message_id"]: row["occurred_at"] for row in fraudulent["messages"]}
    own = [case for case in cases.values() if case["cause"] in ("lost", "damaged", "defective")]
    told = [
        (at, case["events"]["opened"][0]["occurred_at"])
        for case in own
        if (at := asked.get(f"m-{case['order_id'][2:]}-line-{case['line_no']}-buyer"))
    ]
    assert len(told) / len(own) > 0.6
    assert all(at < opened for at, opened in told)


def test_people_have_different_words(fraudulent):
    for entity in ("disputes", "messages", "reviews"):
        texts = Counter(row["text"] for row in fraudulent[entity] if row["text"])
        assert len(texts) > 30, entity
        assert texts.most_common(1)[0][1] < 0.25 * sum(texts.values())
        # Words of the order are put in (what is hostile is left as it is).
        assert not [text for text in texts if "{thing}" in text or "{days}" in text]


def test_stars_and_words_agree(fraudulent):
    for row in fraudulent["reviews"]:
        for stars, own in sayings.REVIEWS.items():
            if row["text"] in own:
                assert row["stars"] == int(stars)


def shows(case: dict, kind: str) -> bool:
    return any(row["evidence_kind"] == kind for row in case["events"]["evidence"])
