"""The page of order operations: what it asks for first, how it counts, and that it is safe."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conf.notice_settings import STEPS
from conf.tables.actions import NOTICE_STATES, REQUEST_STATES
from conf.tables.decisions import PAYMENT_OUTCOMES, PAYMENT_STATES
from jobs.report import html, order_operations_page
from jobs.report.order_facts import BUCKETS, Facts, amount, left
from jobs.report.order_operations_page import page
from jobs.report.order_runbook import ADVICE, RUNBOOK, advice

DS = date(2026, 6, 30)
PROJECT = Path(__file__).parents[3]
HOSTILE = '<img src=x onerror="alert(1)">'
HOUR = 3600


def group(state: str = "held", hours_left: int | None = None, **given: Any) -> dict[str, Any]:
    return {
        "state": state, "outcome": "wait", "reason": "sellers_confirm", "currency": "USD",
        "order_outcome": "awaiting_seller", "hours_left": hours_left, "orders": 1,
        "amount_minor": 1_000, "held_twice": 0, "refunds": 0, "refund_due_minor": 0, **given,
    }  # fmt: skip


def hold(order_id: str, seconds_left: int, **given: Any) -> dict[str, Any]:
    return {
        "order_id": order_id, "order_outcome": "partly_confirmed", "outcome": "wait",
        "currency": "USD", "amount_minor": 123_450, "lines": 3, "confirmed_lines": 2,
        "seconds_left": seconds_left, **given,
    }  # fmt: skip


def requests(state: str, code: str | None, number: int, **given: Any) -> dict[str, Any]:
    return {
        "state": state, "needs_person": False, "error_code": code, "requests": number, **given,
    }  # fmt: skip


def request(order_id: str, state: str, code: str | None, **given: Any) -> dict[str, Any]:
    return {
        "order_id": order_id, "operation": "capture", "state": state, "needs_person": False,
        "amount_minor": 4_200, "currency": "EUR", "attempts": 3, "error_code": code,
        "next_attempt_at": "30 Jun 23:10", **given,
    }  # fmt: skip


def refund(order_id: str, minor: int, currency: str = "USD") -> dict[str, Any]:
    return {
        "order_id": order_id, "currency": currency, "refund_due_minor": minor, "ds": DS,
        "order_outcome": "refund_due",
    }  # fmt: skip


def busy_day() -> Facts:
    """A day on which there is something of everything."""
    return Facts(
        ds=DS,
        groups=[
            group(hours_left=-1, orders=2, amount_minor=41_000),
            group(hours_left=3, orders=3, amount_minor=1_234_567, outcome="capture",
                  reason="hold_ends", order_outcome="partly_confirmed"),
            group(hours_left=11, currency="JPY", amount_minor=9_000),
            group(hours_left=12, orders=12, amount_minor=250_000, currency="EUR"),
            group(hours_left=47, orders=40), group(hours_left=48, orders=50),
            group(hours_left=96, orders=61, amount_minor=80_000_000),
            group("paid", orders=412, amount_minor=1_020_304_05, outcome="settled",
                  reason="nothing_needed", order_outcome="shipped"),
            group("paid", amount_minor=5_000, outcome="settled", reason="nothing_needed",
                  order_outcome="refund_due", orders=2, refunds=2, refund_due_minor=7_777),
            group("paid", amount_minor=5_000, outcome="settled", reason="nothing_needed",
                  order_outcome="refund_due", refunds=1, refund_due_minor=880, currency="JPY"),
            group("open", outcome="settled", reason="nothing_needed", order_outcome="cancelled",
                  orders=9, amount_minor=0),
            group("declined", orders=14, order_outcome="payment_failed", reason="retry_later"),
            group("expired", orders=4, outcome="authorize", order_outcome="expired"),
            group("requires_action", orders=5, order_outcome="requires_action", held_twice=1),
        ],
        urgent=[
            hold("o-0007", -5 * HOUR), hold("o-0011", 1_200, outcome="capture"),
            hold("o-0023", 11 * HOUR, currency="JPY", amount_minor=9_000),
            hold("o-0031", 13 * HOUR), hold("o-0040", 52 * HOUR),
        ],
        request_groups=[
            requests("PLANNED", None, 2), requests("UNKNOWN", "lost", 30),
            requests("REJECTED", "captured_otherwise", 1, needs_person=True),
            requests("REJECTED", "resource_missing", 1),
        ],
        requests=[
            request("o-0101", "REJECTED", "captured_otherwise", needs_person=True,
                    next_attempt_at=None),
            request("o-0102", "REJECTED", "resource_missing", operation="authorize"),
            request("o-0103", "UNKNOWN", "lost"),
            request("o-0104", "PLANNED", None, operation="cancel", amount_minor=0, attempts=0),
            request("o-0105", "PLANNED", None),
        ],
        refunds=[refund("o-0201", 7_000), refund("o-0202", 777), refund("o-0203", 880, "JPY")],
        due=[{"step": "remind_seller", "due": 20}, {"step": "ask_review", "due": 7}],
        notices=[
            {"step": "remind_seller", "state": "SENT", "notices": 15},
            {"step": "remind_seller", "state": "PLANNED", "notices": 3},
            {"step": "remind_seller", "state": "UNDELIVERABLE", "notices": 1},
            {"step": "payment_failed", "state": "STALE", "notices": 1_000},
        ],
    )  # fmt: skip


def html_of(facts: Facts) -> str:
    return html.rendered("order_operations", page=page(facts))


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_must_be_done_comes_first_and_most_urgent_first() -> None:
    said = page(busy_day())
    assert [one["title"] for one in said["todo"]] == [
        "2 overdue holds", "4 holds end within 12 hours", "1 payment held twice",
        "2 requests for a person",
        "30 requests in doubt", "2 requests not sent", "3 refunds due", "1 undeliverable notice",
    ]  # fmt: skip
    assert [one["tone"] for one in said["todo"]] == ["bad"] * 4 + [""] * 4
    assert said["headline"] == "2 overdue holds; 4 holds end within 12 hours"
    assert said["todo"][1]["detail"].startswith("JPY\u00a09,000, USD\u00a012,345.67. ")
    text = Tags(html_of(busy_day())).text
    assert text.index("To do now") < text.index("Held payments") < text.index("When a job ends")


def test_one_of_a_kind_is_told_in_the_singular() -> None:
    facts = Facts(DS, groups=[group(hours_left=0)])
    assert page(facts)["headline"] == "1 hold ends within 12 hours"


@pytest.mark.parametrize(
    ("hours_left", "label"),
    [
        (-1, "Overdue"), (0, "Under 12 hours"), (11, "Under 12 hours"), (12, "12 to 24 hours"),
        (23, "12 to 24 hours"), (24, "1 to 2 days"), (47, "1 to 2 days"), (48, "2 to 4 days"),
        (95, "2 to 4 days"), (96, "4 days and more"), (None, "The provider has not told"),
    ],
)  # fmt: skip
def test_a_hold_counts_in_one_bucket(hours_left: int | None, label: str) -> None:
    held = page(Facts(DS, groups=[group(hours_left=hours_left)]))["held"]
    assert [row["label"] for row in held if row["orders"] == "1"] == [label]
    assert sum(int(row["orders"]) for row in held) == 1


def test_buckets_that_are_near_stand_out_only_where_something_is_in_them() -> None:
    tones = {row["label"]: row["tone"] for row in page(busy_day())["held"]}
    assert {label for label, tone in tones.items() if tone} == {"Overdue", "Under 12 hours"}
    calm = page(Facts(DS, groups=[group(hours_left=60)]))
    assert not any(row["tone"] for row in calm["held"])
    assert calm["headline"] == "Nothing waits for a person"


def test_only_holds_of_ours_are_counted_by_hours() -> None:
    facts = Facts(DS, groups=[group("held_by_others", 3), group("paid", None)])
    assert {row["orders"] for row in page(facts)["held"]} == {"0"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59, "under 1 h"), (HOUR, "1 h"), (47 * HOUR + 3_599, "47 h"), (48 * HOUR, "2 d 0 h"),
        (52 * HOUR, "2 d 4 h"), (0, "ended under 1 h ago"), (-5 * HOUR, "ended 5 h ago"),
        (-49 * HOUR, "ended 2 d 1 h ago"),
    ],
)  # fmt: skip
def test_what_is_left_of_a_hold_is_told_in_hours(seconds: int, text: str) -> None:
    assert left(seconds).replace("\u00a0", " ") == text


def test_the_most_urgent_orders_keep_their_order_and_tell_their_state() -> None:
    urgent = page(busy_day())["urgent"]
    assert [row["order"] for row in urgent] == ["o-0007", "o-0011", "o-0023", "o-0031", "o-0040"]
    assert [row["tone"] for row in urgent] == ["bad", "bad", "bad", "", ""]
    assert urgent[1]["state"] == "Partly confirmed, to be captured"
    assert (urgent[1]["lines"], urgent[1]["amount"]) == ("2 of 3", "USD\u00a01,234.50")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, "USD", "USD\u00a01,234.50"), (5, "USD", "USD\u00a00.05"),
        (900, "JPY", "JPY\u00a0900"), (1_234_567, "KWD", "KWD\u00a01,234.567"),
        (12_345_678_901_234_567, "USD", "USD\u00a0123,456,789,012,345.67"),
        (-150, "EUR", "EUR\u00a0−1.50"), (0, "USD", "–"), (70, None, "70 minor units"),
        (70, "ZZZ", "70 minor units"),
    ],
)  # fmt: skip
def test_an_amount_is_exact_in_the_units_of_its_currency(
    minor: int, currency: str | None, text: str
) -> None:
    assert amount(minor, currency) == text


def test_currencies_are_never_added_up() -> None:
    facts = Facts(DS, groups=[group(hours_left=5), group(hours_left=6),
                              group(hours_left=5, currency="EUR"),
                              group(hours_left=5, currency=None)])  # fmt: skip
    (soon,) = [row for row in page(facts)["held"] if row["orders"] == "4"]
    assert soon["amounts"] == "1,000 minor units, EUR\u00a010.00, USD\u00a020.00"


def test_stuck_requests_are_grouped_by_what_is_to_be_done() -> None:
    stuck = page(busy_day())["stuck"]
    assert [(one["title"], one["requests"], one["more"]) for one in stuck] == [
        ("Rejected: captured_otherwise", "1", 0), ("Rejected: resource_missing", "1", 0),
        ("Unknown: lost", "30", 29), ("Planned", "2", 0),
    ]  # fmt: skip
    assert [one["tone"] for one in stuck] == ["bad", "bad", "", ""]
    assert [row["order"] for row in stuck[3]["rows"]] == ["o-0104", "o-0105"]
    assert stuck[3]["rows"][0] == {
        "order": "o-0104", "operation": "Cancel", "amount": "–", "attempts": "0",
        "next": "30 Jun 23:10",
    }  # fmt: skip


def test_what_was_done_and_needs_a_person_is_for_a_person() -> None:
    found_twice = requests("ACCEPTED", "found_twice", 1, needs_person=True)
    said = page(Facts(DS, request_groups=[found_twice]))
    assert said["todo"][0]["title"] == "1 request for a person"
    assert "cancel one of them" in said["stuck"][0]["advice"]


def test_refunds_due_are_added_up_and_the_largest_are_named() -> None:
    refunds = page(busy_day())["refunds"]
    assert (refunds["orders"], refunds["amounts"]) == (3, "JPY\u00a0880, USD\u00a077.77")
    assert [row["order"] for row in refunds["rows"]] == ["o-0201", "o-0202", "o-0203"]
    assert refunds["rows"][0]["seen"] == "30 Jun"


def test_payments_are_told_by_state_with_what_is_held_apart_by_what_follows() -> None:
    payments = {row["label"]: row["orders"] for row in page(busy_day())["payments"]}
    assert payments == {
        "Captured": "415", "Held, sellers confirm": "166", "Declined": "14", "Cancelled": "9",
        "The buyer has to authenticate": "5", "The hold has expired": "4",
        "Held, to be captured": "3",
    }  # fmt: skip


@pytest.mark.parametrize("state", [*PAYMENT_STATES, "held_by_others"])
@pytest.mark.parametrize("outcome", PAYMENT_OUTCOMES)
def test_every_state_of_a_payment_has_words(state: str, outcome: str) -> None:
    label = order_operations_page.payment_label({**group(state), "outcome": outcome, "reason": ""})
    assert label
    assert "_" not in label


def test_orders_by_outcome_are_told_in_the_order_in_which_they_go() -> None:
    outcomes = [(row["label"], row["orders"]) for row in page(busy_day())["outcomes"]]
    assert outcomes == [
        ("Payment failed", "14"), ("Requires action", "5"), ("Expired", "4"),
        ("Awaiting seller", "166"), ("Partly confirmed", "3"), ("Shipped", "412"),
        ("Cancelled", "9"), ("Refund due", "3"),
    ]  # fmt: skip


def test_follow_ups_are_counted_by_step_and_what_never_reached_the_outbox_is_told() -> None:
    said = page(busy_day())
    assert [row["label"] for row in said["follow_ups"]] == [
        "Remind the seller", "Ask for a review", "Tell the buyer of a declined payment",
    ]  # fmt: skip
    assert said["follow_ups"][0] == {
        "label": "Remind the seller", "due": "20", "sent": "15", "planned": "3", "stale": "0",
        "undeliverable": "1", "withdrawn": "0",
    }  # fmt: skip
    assert said["follow_ups"][2]["stale"] == "1,000"
    assert said["not_planned"] == 1 + 7


def test_every_step_and_every_state_of_a_notice_is_told() -> None:
    assert set(order_operations_page.FOLLOW_UPS) == set(STEPS)
    assert set(order_operations_page.NOTICE_STATES) == set(NOTICE_STATES)


def test_a_day_without_decisions_says_so_and_keeps_the_runbook() -> None:
    text = Tags(html_of(Facts(DS))).text
    assert "No orders are decided yet" in text
    assert "Run decide.orders for this day" in text
    assert "Held payments" not in text
    assert "When a job ends with a code" in text


def test_a_calm_day_says_that_nothing_waits() -> None:
    text = Tags(html_of(Facts(DS, groups=[group("paid", outcome="settled")]))).text
    assert "Nothing waits for a person" in text
    assert "To do now" not in text
    assert "None: every request was settled" in text


@pytest.mark.parametrize("hostile", [HOSTILE, "</title><script>alert(1)</script>", "{{ 7*7 }}"])
def test_texts_written_by_others_stay_text(hostile: str) -> None:
    facts = Facts(
        DS, groups=[group(hours_left=1, refunds=1, refund_due_minor=1, currency=hostile)],
        urgent=[hold(hostile, 60, currency=hostile)],
        request_groups=[requests("REJECTED", hostile, 1)],
        requests=[request(hostile, "REJECTED", hostile)],
        refunds=[refund(hostile, 5)],
    )  # fmt: skip
    found = Tags(html_of(facts))
    assert found.text.count(hostile) == 4
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "img"})


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    text = html_of(busy_day())
    assert "default-src 'none'" in text
    for tag, attributes in Tags(text).tags:
        assert tag not in ("script", "link", "iframe", "img")
        assert not {"src", "href", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text
    assert "@import" not in text


def test_on_a_narrow_screen_every_cell_has_its_label() -> None:
    rows = re.findall(r'<table class="stack">(.*?)</table>', html_of(busy_day()), re.DOTALL)
    assert len(rows) == 9
    for table in rows:
        cells = re.findall(r"<td[^>]*>", table)
        assert cells
        assert all("data-label=" in cell for cell in cells)


def test_buckets_meet_without_a_gap() -> None:
    assert all(one[1] == other[0] for one, other in pairwise(BUCKETS))


def test_every_job_has_a_line_for_each_exit_code() -> None:
    for lines in RUNBOOK.values():
        assert [code for code, _, _ in lines] == [0, 1, 2, 3, 4, 5]
        assert all(text.endswith(".") for _, *said in lines for text in said)
    text = Tags(html_of(Facts(DS))).text
    assert all(meaning in text and remedy in text
               for lines in RUNBOOK.values() for _, meaning, remedy in lines)  # fmt: skip


def test_the_runbook_document_has_the_same_lines() -> None:
    document = (PROJECT / "docs" / "runbook.md").read_text()
    for job, lines in RUNBOOK.items():
        (section,) = re.findall(rf"^### `{re.escape(job)}`\n(.*?)(?=^##)", document,
                                re.DOTALL | re.MULTILINE)  # fmt: skip
        told = [line for line in section.splitlines() if re.match(r"\| \d", line)]
        assert told == [f"| {code} | {meaning} | {remedy} |" for code, meaning, remedy in lines]


def gateway_codes() -> set[str]:
    """Codes that the gateway itself gives in a verdict, from its source."""
    folder = PROJECT / "jobs" / "gateway"
    text = "".join((folder / name).read_text() for name in ("judge.py", "sender.py", "steps.py"))
    found = re.findall(r'State\.REJECTED, "(\w+)"|error_code="(\w+)"|code="(\w+)"', text)
    return {code for groups in found for code in groups if code}


def test_codes_of_the_gateway_that_ask_for_a_person_have_a_sentence_of_their_own() -> None:
    policy_replans = {"never_arrived", "not_applied"}
    made_an_object = {"canceled"}
    known = {code for of_state in ADVICE.values() for code in of_state}
    codes = gateway_codes()
    assert {"captured_otherwise", "idempotency_error", "daily_cap"} <= codes
    assert codes - policy_replans - made_an_object <= known


@pytest.mark.parametrize("state", REQUEST_STATES)
def test_any_code_has_a_sentence(state: str) -> None:
    for code in (None, "", "daily_cap", "a_code_of_tomorrow"):
        assert advice(state, code).endswith(".")
