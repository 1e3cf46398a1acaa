"""Take in what the payment provider tells: signed webhooks from the receiver's inbox, and listings.

A webhook counts if its signature fits; what is refused is kept with its reason. Webhooks are hints:
--list asks the provider for the events since the newest that is known, and for its books.

examples:
  ./spark-submit.sh ingest.stripe_events --ds 2026-06-30 --inbox inbox
  ./spark-submit.sh ingest.stripe_events --ds 2026-06-30 --list
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import functions as F

from conf.settings import Settings, load_gateway_policy
from conf.tables import bronze
from jobs.arguments import UNTIL, Argument
from jobs.errors import OutsideUnavailable, UsageError
from jobs.gateway import listing
from jobs.gateway.webhooks import EventRow, Kept, Refused, first_of_each, read_inbox, webhook_row
from jobs.ingest import judge
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.lake.records import newest_day
from jobs.window import DAY, Window, end_of, start_of

READS = ()
WRITES = (bronze.STRIPE_EVENTS, bronze.rejected(bronze.STRIPE_EVENTS))
ARGUMENTS = (
    Argument("--inbox", "folder of the webhook receiver"),
    Argument("--list", "ask the provider for its events and books", action="store_true",
             default=False),
    UNTIL,
)  # fmt: skip
LEASE = False
TURN_PATIENCE_SECONDS = 600

KNOWN_IDS = timedelta(days=35)
"""The provider keeps events for 30 days."""
AT_ONCE = 20_000
"""Rows of one commit."""
LISTED = "listing"

log = logging.getLogger(__name__)
Place = tuple[str, int, str]


def run(
    lake: Lake, settings: Settings, window: Window, *, inbox: str | None = None,
    list: bool = False, until: datetime | None = None,
) -> None:  # fmt: skip
    if not inbox and not list:
        raise UsageError("ingest.stripe_events needs --inbox FOLDER, --list, or both")
    if inbox:
        for chunk in _chunks(_received(lake, settings, Path(inbox), window, until)):
            _publish(lake, chunk)
    if list:
        for chunk in _chunks(_listed(lake, settings, window)):
            _publish(lake, chunk)


def _received(
    lake: Lake, settings: Settings, inbox: Path, window: Window, until: datetime | None
) -> Iterator[tuple[EventRow | Refused, Place]]:
    """What the inbox holds of the window, with its place."""
    from jobs.gateway.access import webhook_secrets

    secrets = [secret.reveal() for secret in webhook_secrets(settings)]
    if not secrets:
        names = " or ".join(settings.stripe.webhook_secrets)
        raise UsageError(f"webhooks cannot be checked without a secret: set {names}")
    if not inbox.is_dir():
        raise UsageError(f"there is no inbox {inbox}; start the receiver, or give its folder")
    first, end = start_of(window.first, lake.zone), end_of(window.last, lake.zone)
    for kept in read_inbox(inbox, window.first - DAY, window.last + DAY):
        if isinstance(kept, Refused):
            yield kept, (kept.file, kept.line, _sha(kept.raw))
            continue
        if not first <= kept.received_at < min(end, until or end):
            continue
        yield _judged(kept, secrets), (kept.file, kept.line, _sha(kept.body))


def _judged(kept: Kept, secrets: Sequence[str]) -> EventRow | Refused:
    row = webhook_row(kept, secrets)
    if isinstance(row, dict):
        return row
    return Refused(row, row.value, kept.body[:1000], kept.file, kept.line)


def _listed(
    lake: Lake, settings: Settings, window: Window
) -> Iterator[tuple[EventRow | Refused, Place]]:
    """What the provider lists since the newest event that was listed before."""
    from jobs.clock import clock_for
    from jobs.gateway.access import access_for
    from jobs.gateway.provider import ProviderFailed, StripeProvider

    access = access_for(settings, "events")
    clock, provider = clock_for(access.mode), StripeProvider(access, load_gateway_policy())
    now = clock.now()
    begin = start_of(window.first, lake.zone)
    since = _listed_until(lake, window, books=False) or begin
    if since < now - listing.EVENTS_KEPT:
        log.warning("events from %s to %s are lost: the provider keeps them for %d days", since,
                    now - listing.EVENTS_KEPT, listing.EVENTS_KEPT.days)  # fmt: skip
        since = now - listing.EVENTS_KEPT
    log.info("listing the provider's events since %s", since)
    try:
        for n, row in enumerate(listing.listed_events(provider, since, now, listed_at=now)):
            yield row, (f"{LISTED}/events", n, _sha(_text(row)))
        booked_since = min(_listed_until(lake, window, books=True) or begin, now)
        books = listing.listed_balance_transactions(provider, booked_since, now, listed_at=now)
        for n, row in enumerate(books):
            yield row, (f"{LISTED}/balance_transactions", n, _sha(_text(row)))
    except ProviderFailed as error:
        raise OutsideUnavailable(f"the provider does not list its events: {error}") from error


def _listed_until(lake: Lake, window: Window, *, books: bool) -> datetime | None:
    """Up to when the provider's events, or its books, were listed the last time, as far as they
    tell: a listing of one may have been cut where the other was not."""
    known = lake.read(bronze.STRIPE_EVENTS).where(
        (F.col("ds") >= F.lit(window.first - KNOWN_IDS))
        & (F.col("source") == "listed")
        & ((F.col("type") == listing.BALANCE_TRANSACTION) == F.lit(books))
    )
    row = known.agg(F.max("occurred_at").alias("at")).first()
    return row["at"].replace(tzinfo=UTC) if row and row["at"] else None


def _publish(lake: Lake, found: Sequence[tuple[EventRow | Refused, Place]]) -> None:
    """One commit of the rows that are new, and one of what is refused."""
    rows = {r["stripe_event_id"]: (r, place) for r, place in reversed(found) if isinstance(r, dict)}
    refused = [(r, place) for r, place in found if isinstance(r, Refused)]
    first = first_of_each(r for r, _ in found if isinstance(r, dict))
    with lake.turn():
        closed = newest_day(lake, "closed")
        values = [_row(row, rows[row["stripe_event_id"]][1], lake.zone) for row in first]
        open_ones = [value for value in values if closed is None or value["ds"] > closed]
        if len(open_ones) < len(values):
            log.warning(
                "%d events were received on a day that is closed; --list brings them as known now",
                len(values) - len(open_ones),
            )
        _append(lake, open_ones, len(found))
        _append_refused(lake, refused, closed)


def _append(lake: Lake, values: Sequence[dict[str, Any]], found: int) -> None:
    table = bronze.STRIPE_EVENTS
    if not values:
        return
    schema = struct_of(table)
    given = lake.spark.createDataFrame(
        [tuple(value.get(name) for name in table.column_names) for value in values], schema
    )
    since = min(value["ds"] for value in values) - KNOWN_IDS
    known = lake.read(table).where(F.col("ds") >= F.lit(since)).select("stripe_event_id")
    new = lake.settle(given.join(known, "stripe_event_id", "left_anti"))
    ids = [row["stripe_event_id"] for row in new.select("stripe_event_id").toLocalIterator()]
    lake.tally.count(table, **{"in": found}, duplicate=len(values) - len(ids))
    if ids:
        rows = judge.with_content(new, table, lake.zone).select(*table.column_names)
        lake.append_once(table, rows, _sha(" ".join(sorted(ids))))


def _append_refused(
    lake: Lake, refused: Sequence[tuple[Refused, Place]], closed: date | None
) -> None:
    if not refused:
        return
    table = bronze.rejected(bronze.STRIPE_EVENTS)
    days = lake.read(table).select("source_file", "source_line")
    ds = (closed + DAY) if closed else date(1970, 1, 1)
    values = [
        (None, [r.refusal.code], r.detail, r.raw[:10_000], file, line, sha, _ds_of(file, ds))
        for r, (file, line, sha) in refused
    ]
    given = lake.spark.createDataFrame(values, struct_of(table))
    new = lake.settle(given.join(days, ["source_file", "source_line"], "left_anti"))
    count = new.count()
    if count:
        log.warning("%d deliveries are refused; the reasons are in %s", count, table.path)
        lake.tally.count(bronze.STRIPE_EVENTS, rejected=count)
        places = sorted(f"{file}:{line}" for _, (file, line, _) in refused)
        lake.append_once(table, new.select(*table.column_names), _sha(" ".join(places)))


def _row(row: EventRow, place: Place, zone: str) -> dict[str, Any]:
    file, line, sha = place
    ds = row["known_at"].astimezone(ZoneInfo(zone)).date()
    where = {"source_file": file, "source_line": line, "source_sha256": sha, "ds": ds}
    return {**row, **where, "extra": {}, "content_hash": 0}


def _ds_of(file: str, default: date) -> date:
    """The day in a file's folder, ds=YYYY-MM-DD."""
    for part in Path(file).parts:
        if part.startswith("ds="):
            return date.fromisoformat(part.removeprefix("ds="))
    return default


def _chunks(
    rows: Iterable[tuple[EventRow | Refused, Place]],
) -> Iterator[list[tuple[EventRow | Refused, Place]]]:
    rest = iter(rows)
    while chunk := [*islice(rest, AT_ONCE)]:
        yield chunk


def _text(row: EventRow | Refused) -> str:
    return row.raw if isinstance(row, Refused) else row["payload"]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
