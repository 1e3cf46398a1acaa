"""What the provider lists: events and balance transactions of a span of time, oldest first.

A webhook is a hint that may never come, so the same events are listed too. The provider lists the
newest first; what is wanted is the oldest first, in bounded memory. So the span is cut into
windows, read one after the other: one that holds more than `WINDOW_OBJECTS` is cut and read
again, and after one that holds few the next is twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from jobs.errors import UsageError
from jobs.gateway.webhooks import EventRow, Refusal, Refused, canonical, listed_row, object_row

EVENT_TYPES = (
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.pending",
    "charge.succeeded",
    "charge.failed",
    "charge.captured",
    "charge.updated",
    "charge.expired",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
"""What the product reads of payments; the endpoint of the webhooks subscribes to the same."""
MAX_EVENT_TYPES = 20
BALANCE_TRANSACTION_TYPES = ("charge", "payment", "refund", "payment_refund")
"""Money in and back; `payment` and `payment_refund` are those of methods other than cards."""
EVENTS, BALANCE_TRANSACTIONS = "/v1/events", "/v1/balance_transactions"
BALANCE_TRANSACTION = "balance_transaction"

EVENTS_KEPT = timedelta(days=30)
OVERLAP = timedelta(minutes=15)
"""Listed again before `since`: an event may appear after later ones, with an earlier second."""
PAGE_OBJECTS = 100
WINDOW_OBJECTS = 1_000
FIRST_WINDOW_SECONDS = 3_600


class Provider(Protocol):
    """The part of the gateway's client that lists."""

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Every object of a list, newest first; the next page is fetched when it is needed."""
        ...


class EventsNoLongerKept(UsageError):
    """Events are asked for that the provider has deleted: no run can list them any more."""


def listed_events(
    provider: Provider,
    since: datetime,
    until: datetime,
    types: tuple[str, ...] = EVENT_TYPES,
    *,
    listed_at: datetime,
    overlap: timedelta = OVERLAP,
) -> Iterator[EventRow | Refused]:
    """Rows of the events created in [since - overlap, until), oldest first.

    `listed_at` is the moment of asking, from the caller's clock, and the rows' `known_at`. Raises
    EventsNoLongerKept when `since` is more than 30 days before it, and ValueError for more types
    than one request can name, or an `until` after it: what is created in between would be missed.
    An object that is no event comes as what it is refused for.
    """
    _over(until, listed_at)
    if not 0 < len(types) <= MAX_EVENT_TYPES:
        raise ValueError(f"1 to {MAX_EVENT_TYPES} types fit in a request, not {len(types)}")
    kept_since = listed_at - EVENTS_KEPT
    if since < kept_since:
        raise EventsNoLongerKept(
            f"events from {_shown(since)} to {_shown(kept_since)} cannot be listed: the provider "
            f"keeps them 30 days. List from {_shown(kept_since)} on, and read the payment intents "
            "and charges that were open in the gap one by one"
        )
    begin = max(since - overlap, kept_since)
    found = _windows(provider, EVENTS, [{"types": list(types)}], begin, until)
    return (_placed(listed_row(event, listed_at), event, EVENTS) for event in found)


def listed_balance_transactions(
    provider: Provider,
    since: datetime,
    until: datetime,
    *,
    listed_at: datetime,
    overlap: timedelta = OVERLAP,
) -> Iterator[EventRow | Refused]:
    """Rows of type `balance_transaction`, with amount, fee and net of charges and refunds, for
    those created in [since - overlap, until), oldest first. The provider keeps them for good.
    Raises ValueError for an `until` after `listed_at`."""
    _over(until, listed_at)
    filters = [{"type": type_} for type_ in BALANCE_TRANSACTION_TYPES]
    found = _windows(provider, BALANCE_TRANSACTIONS, filters, since - overlap, until)
    rows = ((_balance_row(thing, listed_at), thing) for thing in found)
    return (_placed(row, thing, BALANCE_TRANSACTIONS) for row, thing in rows)


def _over(until: datetime, listed_at: datetime) -> None:
    if until > listed_at:
        raise ValueError(f"listed at {_shown(listed_at)}, before the span ends: {_shown(until)}")


def _balance_row(thing: Mapping[str, Any], listed_at: datetime) -> EventRow | Refusal:
    if thing.get("object") != BALANCE_TRANSACTION:
        return Refusal.NOT_AN_EVENT
    return object_row(thing, BALANCE_TRANSACTION, canonical(thing), listed_at, "listed", None)


def _windows(
    provider: Provider,
    path: str,
    filters: Iterable[Mapping[str, Any]],
    since: datetime,
    until: datetime,
) -> Iterator[dict[str, Any]]:
    """Objects created in [since, until) that pass one of the filters, oldest first."""
    at, end = math.floor(since.timestamp()), math.ceil(until.timestamp())
    seconds = FIRST_WINDOW_SECONDS
    while at < end:
        upto = min(at + seconds, end)
        created = {"gte": at, "lt": upto}
        found: list[dict[str, Any]] = []
        for part in filters:
            params = {**part, "created": created, "limit": PAGE_OBJECTS}
            # A second cannot be cut: it is read whole, however much it holds.
            room = WINDOW_OBJECTS + 1 - len(found) if upto - at > 1 else None
            found += islice(provider.pages(path, params), room)
        if len(found) > WINDOW_OBJECTS and upto - at > 1:
            seconds = max((upto - at) // 4, 1)
            continue
        found.reverse()  # of one second, too, the newest came first
        yield from sorted(found, key=_created)
        at = upto
        if len(found) < WINDOW_OBJECTS // 4:
            seconds *= 2


def _created(thing: Mapping[str, Any]) -> int:
    created = thing.get("created")
    return created if isinstance(created, int) else 0


def _placed(row: EventRow | Refusal, thing: Mapping[str, Any], path: str) -> EventRow | Refused:
    if isinstance(row, Refusal):
        return Refused(row, f"id {str(thing.get('id'))[:80]!r}", canonical(thing)[:1000], path, 0)
    return row


def _shown(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
