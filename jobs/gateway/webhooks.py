"""The provider's events as they came: their signature, their rows, and the receiver's inbox.

An event comes as a signed webhook, which the receiver keeps as one line of a file in the inbox, or
it is listed. Both may bring it again, late and in any order; `first_of_each` leaves one row an id.
A signature is judged by the time of receipt that stands in the line, never by a clock: the same
inbox gives the same rows on any day.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn, TypedDict

MAX_BODY_BYTES = 1024 * 1024
MAX_SIGNATURE_CHARACTERS = 8 * 1024
MAX_LINE_BYTES = 6 * (MAX_BODY_BYTES + MAX_SIGNATURE_CHARACTERS) + 200
"""A kept body at its worst: each byte a NUL, written as six characters."""
TOLERANCE_SECONDS = 300
"""Between the time in the signature and the receipt, either way; the SDK's own for the past."""
INBOX_FOLDER = "stripe_events"

_TIMESTAMP = re.compile(r"[0-9]{1,10}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"[A-Za-z]+_[A-Za-z0-9_]{1,250}", re.ASCII)
_TYPE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", re.ASCII)
_DAY_FOLDER = re.compile(r"ds=(\d{4}-\d\d-\d\d)", re.ASCII)
_LAST_SECOND = 9_000_000_000  # in the year 2255: a nanosecond clock still holds it


class Refusal(Enum):
    """Why a delivery is refused: `code` is stored and counted, the value is its sentence."""

    SIGNATURE_MISSING = "There is no Stripe-Signature header with a timestamp and a v1 signature"
    SIGNATURE_WRONG = "No signature fits the body, the timestamp and one of our secrets"
    TIMESTAMP_TOO_OLD = "It was signed longer before its receipt than the tolerance"
    TIMESTAMP_IN_FUTURE = "It is signed, or the event created, later than its receipt and tolerance"
    BODY_NOT_UTF8 = "The body is not UTF-8"
    BODY_NOT_JSON = "The body is not one JSON object, or an object in it names a key twice"
    NOT_AN_EVENT = "The object is not an event with an id, a type, a creation time and data"
    LINE_NOT_OURS = "The line of the inbox is not one that the receiver writes"

    @property
    def code(self) -> str:
        return self.name.lower()


class EventRow(TypedDict):
    """A row of bronze/stripe_events before ingest adds where it stands: head and payload."""

    event_id: str
    occurred_at: datetime
    known_at: datetime
    retracted: bool
    stripe_event_id: str
    type: str
    payload: str
    signature: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery in the inbox: body and header as they came, the receipt (UTC), and its place.

    `file` counts from the inbox; `line` counts from 1.
    """

    body: str
    signature: str | None
    received_at: datetime
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A line of the inbox, or a listed object, that gives no row: why, what was found, how it
    begins, and its place (`file` is the path of a listing)."""

    refusal: Refusal
    detail: str
    raw: str
    file: str
    line: int


def signature_fault(
    body: bytes,
    header: str | None,
    received_at: datetime,
    secrets: Sequence[str],
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> Refusal | None:
    """What is wrong with a delivery's signature; None when one of the secrets made it in time.

    Two secrets are valid while one replaces the other, and a header then bears a signature of
    each. Raises ValueError without a secret, because an empty one would let everybody sign.
    """
    if not secrets or not all(secret.strip() for secret in secrets):
        raise ValueError("a webhook signature cannot be checked without a secret that is not empty")
    if header is None:
        return Refusal.SIGNATURE_MISSING
    if len(header) > MAX_SIGNATURE_CHARACTERS or not (header.isascii() and header.isprintable()):
        return Refusal.SIGNATURE_WRONG
    stamps, signatures = _parts(header, "t"), _parts(header, "v1")
    if not stamps or not signatures:
        return Refusal.SIGNATURE_MISSING
    if len(stamps) > 1 or not _TIMESTAMP.fullmatch(stamps[0]):
        return Refusal.SIGNATURE_WRONG
    signed = stamps[0].encode() + b"." + body
    expected = [hmac.new(s.encode(), signed, hashlib.sha256).hexdigest() for s in secrets]
    given = [signature for signature in signatures if _SIGNATURE.fullmatch(signature)]
    # Every pair is compared, so that the time taken does not tell which secret came near.
    if not sum(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given):
        return Refusal.SIGNATURE_WRONG
    signed_at = datetime.fromtimestamp(int(stamps[0]), UTC)
    tolerance = timedelta(seconds=tolerance_seconds)
    if signed_at < received_at - tolerance:
        return Refusal.TIMESTAMP_TOO_OLD
    return Refusal.TIMESTAMP_IN_FUTURE if signed_at > received_at + tolerance else None


def webhook_row(
    kept: Kept, secrets: Sequence[str], tolerance_seconds: int = TOLERANCE_SECONDS
) -> EventRow | Refusal:
    """The row of a kept delivery, or why it is none; the signature is checked first."""
    body = kept.body.encode()
    fault = signature_fault(body, kept.signature, kept.received_at, secrets, tolerance_seconds)
    if fault:
        return fault
    try:
        event = _object(kept.body)
    except (ValueError, RecursionError):
        return Refusal.BODY_NOT_JSON
    row = event_row(event, kept.body, kept.received_at, "webhook", kept.signature)
    latest = kept.received_at + timedelta(seconds=tolerance_seconds)
    if not isinstance(row, Refusal) and row["occurred_at"] > latest:
        return Refusal.TIMESTAMP_IN_FUTURE
    return row


def listed_row(event: Mapping[str, Any], listed_at: datetime) -> EventRow | Refusal:
    """The row of an event that the provider listed at `listed_at` (UTC). Its payload is canonical
    JSON, since a listing has no raw body."""
    return event_row(event, canonical(event), listed_at, "listed", None)


def event_row(
    event: Mapping[str, Any], payload: str, received_at: datetime, source: str,
    signature: str | None,
) -> EventRow | Refusal:  # fmt: skip
    """The row of an event whose text is `payload`; NOT_AN_EVENT when a part is absent or odd."""
    data = event.get("data")
    if event.get("object") != "event" or not isinstance(data, Mapping) or "object" not in data:
        return Refusal.NOT_AN_EVENT
    return object_row(event, event.get("type"), payload, received_at, source, signature)


def object_row(
    thing: Mapping[str, Any], type_: object, payload: str, received_at: datetime, source: str,
    signature: str | None,
) -> EventRow | Refusal:  # fmt: skip
    """The row of any object of the provider: it needs an id, and a creation in whole seconds.

    `known_at` is the receipt, but never before `occurred_at`: two clocks differ by seconds.
    """
    id_, created = thing.get("id"), thing.get("created")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        return Refusal.NOT_AN_EVENT
    if not isinstance(type_, str) or not _TYPE.fullmatch(type_):
        return Refusal.NOT_AN_EVENT
    if type(created) is not int or not 0 <= created <= _LAST_SECOND:
        return Refusal.NOT_AN_EVENT
    occurred_at = datetime.fromtimestamp(created, UTC)
    return EventRow(
        event_id=id_, occurred_at=occurred_at, known_at=max(received_at, occurred_at),
        retracted=False, stripe_event_id=id_, type=type_, payload=payload, signature=signature,
        source=source,
    )  # fmt: skip


def first_of_each(rows: Iterable[EventRow]) -> list[EventRow]:
    """One row an id: the one known first, however often and in whatever order they come.

    Of rows known at the same instant the webhook wins, then the lesser text, so that the result
    depends on the set of rows alone. Ordered as versions are: known_at, occurred_at, event_id.
    """
    first: dict[str, EventRow] = {}
    for row in rows:
        known = first.setdefault(row["stripe_event_id"], row)
        if _rank(row) < _rank(known):
            first[row["stripe_event_id"]] = row
    return sorted(first.values(), key=lambda r: (r["known_at"], r["occurred_at"], r["event_id"]))


def _rank(row: EventRow) -> tuple[datetime, bool, str, str]:
    return row["known_at"], row["source"] != "webhook", row["payload"], row["signature"] or ""


def kept_line(body: str, signature: str | None, received_at: datetime) -> bytes:
    """A delivery as the inbox keeps it: ASCII, one line, whatever the body holds."""
    parts = {"received_at": received_at.isoformat(), "signature": signature, "body": body}
    return json.dumps(parts, separators=(",", ":")).encode("ascii") + b"\n"


def read_inbox(inbox: Path, first_ds: date, last_ds: date) -> Iterator[Kept | Refused]:
    """The deliveries that were received on these days (UTC, both included), one file at a time.

    A last line without its end is being written, or was when the receiver died; nobody was told
    that it is kept, so it is left out until it is whole. A row may be known a tolerance later than
    its receipt: who wants the rows known on a day reads from the day before.
    """
    for folder in sorted((inbox / INBOX_FOLDER).glob("ds=*")):
        day = _DAY_FOLDER.fullmatch(folder.name)
        if day and str(first_ds) <= day.group(1) <= str(last_ds):
            for path in sorted(folder.glob("*.jsonl")):
                yield from _deliveries(path, str(path.relative_to(inbox)))


def _deliveries(path: Path, name: str) -> Iterator[Kept | Refused]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            if line.endswith(b"\n"):
                yield _delivery(line, name, number)
            elif len(line) == MAX_LINE_BYTES:
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)
                yield _not_ours(b"", name, number, f"more than {MAX_LINE_BYTES:,} bytes")


def _delivery(line: bytes, file: str, number: int) -> Kept | Refused:
    try:
        parts = _object(line.decode("ascii"))
        body, signature = parts.pop("body"), parts.pop("signature")
        received_at = datetime.fromisoformat(parts.pop("received_at"))
        if parts or received_at.utcoffset() != timedelta(0):
            raise ValueError("another key, or a receipt that is not in UTC")
        if not isinstance(body, str) or not isinstance(signature, str | None):
            raise ValueError("the body or the signature is not text")
        body.encode()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return _not_ours(line, file, number, f"{type(error).__name__}: {error}"[:200])
    return Kept(body, signature, received_at, file, number)


def _not_ours(line: bytes, file: str, number: int, detail: str) -> Refused:
    raw = line[:1000].decode(errors="backslashreplace").rstrip("\r\n")
    return Refused(Refusal.LINE_NOT_OURS, detail, raw.replace("\0", r"\x00"), file, number)


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys, no spaces and in ASCII: equal objects are equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _parts(header: str, name: str) -> list[str]:
    pairs = (part.strip().partition("=") for part in header.split(","))
    return [value for key, _, value in pairs if key == name]


def _object(text: str) -> dict[str, Any]:
    """One JSON object, strictly: readers differ on doubled keys, and NaN is no JSON."""
    found = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
