"""What the provider lists comes once, oldest first and in bounded memory, whatever its number."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import getfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe.params import WebhookEndpointCreateParams

from conf.settings import load_gateway_policy
from jobs.gateway import listing
from jobs.gateway.access import Access
from jobs.gateway.listing import (
    EVENT_TYPES,
    MAX_EVENT_TYPES,
    EventsNoLongerKept,
    listed_balance_transactions,
    listed_events,
)
from jobs.gateway.provider import StripeProvider
from jobs.gateway.redaction import Secret
from jobs.gateway.webhooks import EventRow, Refused, first_of_each
from tests.jobs.gateway import test_receiver as receiving
from tests.jobs.gateway.test_webhooks import SECRET
from tests.support.sandbox import Sandbox, sandbox_process

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Lists:
    """A provider that lists as documented, newest first, and counts what it hands out."""

    objects: list[dict[str, Any]]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    handed_out: int = 0
    held: int = 0
    most_held: int = 0

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        self.asked.append((path, params))
        begin, end = params["created"]["gte"], params["created"]["lt"]
        assert begin < end
        wanted = params.get("types") or [params["type"]]
        for one in sorted(self.objects, key=lambda thing: thing["created"], reverse=True):
            if begin <= one["created"] < end and one["type"] in wanted:
                yield Handed(self, one)


class Handed(dict[str, Any]):
    """An object that the provider's lists know to be held by somebody."""

    def __init__(self, lists: Lists, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.lists = lists
        lists.handed_out += 1
        lists.held += 1
        lists.most_held = max(lists.most_held, lists.held)

    def __del__(self) -> None:
        self.lists.held -= 1


def event(number: int, at: datetime, type_: str = "charge.captured") -> dict[str, Any]:
    return {
        "id": f"evt_{number}", "object": "event", "type": type_, "created": int(at.timestamp()),
        "data": {"object": {"id": f"ch_{number}"}},
    }  # fmt: skip


def events(
    lists: Lists, since: datetime = NOW - HOUR, until: datetime = NOW, **more: Any
) -> list[EventRow]:
    found = list(listed_events(lists, since, until, **{"listed_at": NOW, **more}))
    assert not [one for one in found if isinstance(one, Refused)]
    return [one for one in found if not isinstance(one, Refused)]


def ids(rows: Sequence[EventRow]) -> list[str]:
    return [row["stripe_event_id"] for row in rows]


def test_events_come_oldest_first_and_say_when_they_were_listed() -> None:
    lists = Lists([event(number, NOW - timedelta(minutes=10 * number)) for number in (2, 3, 1)])
    rows = events(lists)
    assert ids(rows) == ["evt_3", "evt_2", "evt_1"]
    assert {row["known_at"] for row in rows} == {NOW}
    assert {row["source"] for row in rows} == {"listed"}
    assert {row["signature"] for row in rows} == {None}
    assert json.loads(rows[0]["payload"]) == event(3, NOW - timedelta(minutes=30))


def test_the_span_begins_earlier_by_the_overlap_and_ends_before_its_end() -> None:
    since = NOW - HOUR
    second, begin = timedelta(seconds=1), since - listing.OVERLAP
    places = [begin - second, begin, since - second, since, NOW - second, NOW]
    lists = Lists([event(number, at) for number, at in enumerate(places, 1)])
    assert ids(events(lists)) == ["evt_2", "evt_3", "evt_4", "evt_5"]
    assert ids(events(lists, overlap=timedelta(0))) == ["evt_4", "evt_5"]


def test_an_event_that_appears_late_with_an_earlier_second_is_found_the_next_time() -> None:
    lists = Lists([event(1, NOW - timedelta(minutes=20))])
    first = events(lists, NOW - HOUR, NOW - timedelta(minutes=15))
    lists.objects.append(event(2, NOW - timedelta(minutes=16)))
    second = events(lists, NOW - timedelta(minutes=15), NOW)
    assert ids(first_of_each([*first, *second])) == ["evt_1", "evt_2"]


def test_parts_of_a_second_at_either_end_lose_nothing() -> None:
    lists = Lists([event(1, NOW - timedelta(seconds=2)), event(2, NOW)])
    part = timedelta(milliseconds=500)
    rows = events(
        lists, NOW - timedelta(seconds=2) + part, NOW + part, overlap=timedelta(0),
        listed_at=NOW + HOUR,
    )  # fmt: skip
    assert ids(rows) == ["evt_1", "evt_2"]


def test_only_the_types_asked_for() -> None:
    lists = Lists([event(1, NOW - HOUR / 2), event(2, NOW - HOUR / 2, "payout.paid")])
    assert ids(events(lists)) == ["evt_1"]
    assert ids(events(lists, types=("payout.paid",))) == ["evt_2"]
    assert lists.asked[0][1]["types"] == list(EVENT_TYPES)


def test_the_types_of_the_payment_half_exist_and_fit_in_a_request() -> None:
    known = Path(getfile(WebhookEndpointCreateParams)).read_text()
    assert not [type_ for type_ in EVENT_TYPES if f'"{type_}"' not in known]
    assert len(set(EVENT_TYPES)) == len(EVENT_TYPES) <= MAX_EVENT_TYPES
    assert {type_.partition(".")[0] for type_ in EVENT_TYPES} == {
        "payment_intent", "charge", "refund",
    }  # fmt: skip


@pytest.mark.parametrize("types", [(), tuple(f"a.{number}" for number in range(21))])
def test_more_types_than_a_request_can_name_are_refused(types: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 20 types"):
        events(Lists([]), types=types)


def test_what_the_provider_has_deleted_is_said_before_anything_is_asked() -> None:
    lists = Lists([])
    with pytest.raises(EventsNoLongerKept) as raised:
        listed_events(lists, NOW - timedelta(days=31), NOW, listed_at=NOW)
    assert "from 2026-05-30T12:00:00Z to 2026-05-31T12:00:00Z cannot be listed" in str(raised.value)
    assert "List from 2026-05-31T12:00:00Z on" in str(raised.value)
    assert raised.value.exit_code == 2
    assert not lists.asked


def test_exactly_30_days_are_listed_without_their_overlap() -> None:
    lists = Lists([event(1, NOW - timedelta(days=30)), event(2, NOW - timedelta(days=30, hours=1))])
    assert ids(events(lists, NOW - timedelta(days=30), overlap=2 * HOUR)) == ["evt_1"]


@pytest.mark.parametrize("asked", [listed_events, listed_balance_transactions])
def test_a_span_that_is_not_over_is_refused(asked: Any) -> None:
    with pytest.raises(ValueError, match="before the span ends: 2026-06-30T12:00:01Z"):
        asked(Lists([]), NOW - HOUR, NOW + timedelta(seconds=1), listed_at=NOW)


def test_an_object_that_is_no_event_costs_no_neighbour() -> None:
    odd = {**event(2, NOW - HOUR / 3), "data": None}
    lists = Lists([event(1, NOW - HOUR / 2), odd, event(3, NOW - HOUR / 4)])
    first, refused, last = listed_events(lists, NOW - HOUR, NOW, listed_at=NOW)
    assert not isinstance(first, Refused)
    assert not isinstance(last, Refused)
    assert isinstance(refused, Refused)
    assert (refused.refusal.code, refused.detail, refused.file) == (
        "not_an_event", "id 'evt_2'", "/v1/events",
    )  # fmt: skip


# many


@settings(deadline=None)
@given(
    seconds=st.lists(st.integers(-3700, -1) | st.sampled_from([-900, -899]), max_size=80),
    window_objects=st.integers(1, 12),
    first_window=st.integers(1, 5000),
)
def test_windows_of_any_size_give_each_event_once_in_order(
    seconds: list[int], window_objects: int, first_window: int
) -> None:
    lists = Lists([event(n, NOW + timedelta(seconds=at)) for n, at in enumerate(seconds)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(listing, "WINDOW_OBJECTS", window_objects)
        patched.setattr(listing, "FIRST_WINDOW_SECONDS", first_window)
        rows = events(lists)
    assert sorted(ids(rows)) == sorted(one["id"] for one in lists.objects)
    happened = [row["occurred_at"] for row in rows]
    assert happened == sorted(happened)


def test_no_more_is_held_than_a_window_and_not_much_is_read_twice() -> None:
    """A month with a rush: 20,000 events in ten minutes, and one now and then before and after."""
    rush = [event(n, NOW - timedelta(days=9, seconds=n % 600)) for n in range(20_000)]
    calm = [event(30_000 + n, NOW - timedelta(hours=7 * n, seconds=1)) for n in range(100)]
    lists = Lists(rush + calm)
    number = sum(1 for _ in listed_events(lists, NOW - timedelta(days=29.5), NOW, listed_at=NOW))
    assert number == 20_100
    assert lists.most_held <= listing.WINDOW_OBJECTS + 2
    assert lists.handed_out <= 2 * number
    assert len(lists.asked) < 150


def test_a_second_that_holds_more_than_a_window_is_read_whole() -> None:
    number = listing.WINDOW_OBJECTS + 500
    lists = Lists([event(n, NOW - timedelta(minutes=7)) for n in range(number)])
    assert len(set(ids(events(lists)))) == number


def test_a_quiet_month_takes_few_requests() -> None:
    lists = Lists([])
    assert events(lists, NOW - timedelta(days=30)) == []
    assert len(lists.asked) <= 11


def test_a_quarter_hour_takes_one_request() -> None:
    lists = Lists([event(n, NOW - timedelta(seconds=n + 1)) for n in range(300)])
    assert len(events(lists, NOW - timedelta(minutes=15))) == 300
    assert len(lists.asked) == 1


# balance transactions


def balance(number: int, at: datetime, type_: str) -> dict[str, Any]:
    return {
        "id": f"txn_{number}", "object": "balance_transaction", "type": type_, "amount": 1000,
        "fee": 59, "net": 941, "currency": "usd", "source": f"ch_{number}",
        "created": int(at.timestamp()),
    }  # fmt: skip


def test_balance_transactions_come_as_rows_of_their_own_type() -> None:
    at = [NOW - timedelta(minutes=minutes) for minutes in (30, 20, 10, 5)]
    lists = Lists([
        balance(1, at[1], "charge"), balance(2, at[2], "refund"), balance(3, at[0], "payment"),
        balance(4, at[3], "payout"),
    ])  # fmt: skip
    rows = listed_balance_transactions(lists, NOW - HOUR, NOW, listed_at=NOW)
    found = [row for row in rows if not isinstance(row, Refused)]
    assert ids(found) == ["txn_3", "txn_1", "txn_2"]
    assert {row["type"] for row in found} == {"balance_transaction"}
    assert [json.loads(row["payload"])["net"] for row in found] == [941] * 3
    assert [row["occurred_at"] for row in found] == at[:3]


def test_balance_transactions_have_no_30_days() -> None:
    lists = Lists([balance(1, NOW - timedelta(days=200), "charge")])
    (row,) = listed_balance_transactions(lists, NOW - timedelta(days=201), NOW, listed_at=NOW)
    assert not isinstance(row, Refused)


# against the local Stripe


def provider(sandbox: Sandbox) -> StripeProvider:
    return StripeProvider(
        Access("sandbox", sandbox.url, Secret("sk_test_x")), load_gateway_policy()
    )


def hold_and_settle(provider: StripeProvider, number: int) -> None:
    """A held payment that is captured, and in part refunded; every third one is cancelled."""
    held = provider.post("/v1/payment_intents", {
        "amount": 1000 + number, "currency": "usd", "confirm": True, "capture_method": "manual",
        "payment_method": "pm_card_visa", "payment_method_types": ["card"],
        "transfer_group": f"o{number}",
    }, f"hold-{number}")  # fmt: skip
    assert held.ok, held
    path = f"/v1/payment_intents/{(held.body or {})['id']}"
    if number % 3 == 0:
        assert provider.post(f"{path}/cancel", {}, f"cancel-{number}").ok
        return
    captured = provider.post(f"{path}/capture", {}, f"capture-{number}")
    assert captured.ok, captured
    refund = {"payment_intent": (held.body or {})["id"], "amount": 100}
    assert provider.post("/v1/refunds", refund, f"refund-{number}").ok


def facts(row: EventRow) -> tuple[object, ...]:
    """Of an event, what does not depend on how and when it came."""
    payload = json.loads(row["payload"])
    del payload["pending_webhooks"]
    return (
        row["stripe_event_id"],
        row["type"],
        row["occurred_at"],
        json.dumps(payload, sort_keys=True),
    )


def awaited(inbox: Path, number: int) -> list[EventRow]:
    """The events of the payment half that were delivered, once there are so many."""
    until = time.monotonic() + receiving.PATIENCE_SECONDS
    while time.monotonic() < until:
        arrived = first_of_each(receiving.rows(inbox))
        found = [row for row in arrived if row["type"] in EVENT_TYPES]
        if len(found) >= number:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(found)} events of {number} arrived")


def started(receiver: receiving.Running, folder: Path) -> AbstractContextManager[Sandbox]:
    """A sandbox that delivers to the receiver, by the same clock."""
    return sandbox_process(
        folder, "--no-limits", "--now", receiving.NOW.isoformat(),
        "--webhook", f"http://127.0.0.1:{receiver.port}/webhooks", "--webhook-secret", SECRET,
    )  # fmt: skip


def listed_of(stripe: StripeProvider) -> list[EventRow]:
    until = receiving.NOW + timedelta(minutes=5)
    found = list(listed_events(stripe, receiving.NOW, until, listed_at=until))
    assert not [one for one in found if isinstance(one, Refused)]
    return [one for one in found if not isinstance(one, Refused)]


def test_what_is_delivered_and_what_is_listed_are_the_same_events(tmp_path: Path) -> None:
    with receiving.receiving(tmp_path) as receiver, started(receiver, tmp_path) as sandbox:
        stripe = provider(sandbox)
        for number in range(12):
            hold_and_settle(stripe, number)
        listed = listed_of(stripe)
        delivered = awaited(receiver.inbox, len(listed))
        until = receiving.NOW + timedelta(minutes=5)
        fees = listed_balance_transactions(stripe, receiving.NOW, until, listed_at=until)
        money = [json.loads(row["payload"]) for row in fees if not isinstance(row, Refused)]
    assert len(listed) >= 12 * 3
    assert {facts(row) for row in delivered} == {facts(row) for row in listed}
    both = first_of_each([*listed, *delivered])
    assert both == first_of_each([*delivered, *listed])
    assert len(both) == len(listed)
    assert sorted(one["type"] for one in money) == ["charge"] * 8 + ["refund"] * 8
    assert all(one["net"] == one["amount"] - one["fee"] for one in money)


def test_repeats_disorder_losses_and_a_killed_receiver_leave_the_same_events(
    tmp_path: Path,
) -> None:
    with receiving.receiving(tmp_path) as receiver, started(receiver, tmp_path) as sandbox:
        stripe = provider(sandbox)
        sandbox.faults(
            {"event": "charge.captured", "do": "drop"},
            {"event": "charge.succeeded", "do": "after", "count": 2},
            {"event": "payment_intent.*", "do": "repeat", "count": 2},
        )
        for number in range(4):
            hold_and_settle(stripe, number)
        receiver.process.kill()
        receiver.process.wait()
        for number in range(4, 8):
            hold_and_settle(stripe, number)
        with receiving.receiving(tmp_path, "--port", str(receiver.port)):
            listed = listed_of(stripe)
            lost = {row["stripe_event_id"] for row in listed if row["type"] == "charge.captured"}
            sandbox.advance(10)  # what met no receiver is sent again
            awaited(receiver.inbox, len(listed) - len(lost))
    everything = receiving.rows(receiver.inbox)
    delivered = {facts(row) for row in everything if row["type"] in EVENT_TYPES}
    assert len(everything) > len(first_of_each(everything))
    assert len(lost) == 5
    assert delivered == {facts(row) for row in listed if row["stripe_event_id"] not in lost}
    assert ids(first_of_each([*everything, *listed])) == ids(first_of_each([*listed, *everything]))
    assert set(ids(listed)) <= set(ids(first_of_each([*everything, *listed])))
