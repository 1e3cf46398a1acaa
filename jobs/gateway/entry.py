"""A request as the journal knows it, and what the caller is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from jobs.gateway.request import State


@dataclass(frozen=True)
class Entry:
    """One row of the journal; `_at` are UTC instants, `amount_minor` is in minor units.

    `first_attempt_at` and `last_attempt_at` bound the time in which the provider may have seen the
    key: an attempt that never came to its endpoint counts in `attempts` alone. `counted_on` is the
    UTC date on which the amount counts against the daily cap. `revision` rises with every change.
    """

    key: str
    body_sha256: str
    operation: str
    order_id: str
    payment_no: int
    request_no: int
    amount_minor: int
    currency: str
    planned_at: datetime
    job: str
    state: State
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    counted_on: str | None
    http_status: int | None
    error_code: str | None
    decline_code: str | None
    needs_person: bool
    provider_id: str | None
    answer: str | None
    revision: int
    reported: bool
    changed_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What the caller merges into its table by `key`; None where there is nothing to say.

    `state` is PLANNED (certainly not executed), UNKNOWN, ACCEPTED, REJECTED or WITHDRAWN; the first
    two always have a `next_attempt_at`. `answer` is a small JSON object of allow-listed fields.
    `needs_person`: nothing new may be planned for it before a person has looked.
    """

    key: str
    operation: str
    state: State
    attempts: int
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    http_status: int | None
    error_code: str | None
    decline_code: str | None
    needs_person: bool
    provider_id: str | None
    answer: str | None
    journal_id: str
    revision: int


COLUMNS = tuple(field.name for field in fields(Entry))
INSTANTS = {name for name in COLUMNS if name.endswith("_at")}


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the journal's file holds them: instants as text."""
    return {
        name: text_of(value) if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def entry_of(row: Sequence[Any]) -> Entry:
    """A row of the journal's file, in the order of `COLUMNS`."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in INSTANTS:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    for name in ("needs_person", "reported"):
        values[name] = bool(values[name])
    return Entry(**{**values, "state": State(values["state"])})


def text_of(instant: datetime) -> str:
    """An instant in UTC, of a fixed width: as text it sorts as in time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
