"""Taking planned requests into the journal: what has certainly not been sent, and what may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.gateway.entry import Entry
from jobs.gateway.journal import KEPT_FOR, Journal
from jobs.gateway.operations import checked_body
from jobs.gateway.request import Body, Request, State, broken


def checked(
    requests: Sequence[Request], known: Mapping[str, Entry], environment: str
) -> dict[str, Body]:
    """The bodies by key; ContractBroken naming the first request that is not what was frozen."""
    bodies: dict[str, Body] = {}
    hashes = {key: entry.body_sha256 for key, entry in known.items()}
    for request in requests:
        bodies[request.key] = checked_body(request, environment)
        if hashes.setdefault(request.key, request.body_sha256) != request.body_sha256:
            raise broken(request, "its key was used with another body")
    return bodies


def take_in(journal: Journal, requests: Sequence[Request], job: str, now: datetime) -> None:
    """Adds what the journal does not know, and doubts what the table knows better."""
    known = journal.entries(request.key for request in requests)
    new = {r.key: r for r in requests if r.key not in known and not r.state.settled}
    rows = []
    for request in new.values():
        doubtful = _may_have_been_sent(request, journal.id, now)
        rows.append((request, _in_doubt(request, now) if doubtful else _planned(now)))
    journal.take_in(rows, job)
    for request in requests:
        entry = known.get(request.key)
        if entry and entry.state is State.PLANNED and _table_is_ahead(request, entry):
            given = _in_doubt(request, now)
            journal.change(request.key, **given)


def _may_have_been_sent(request: Request, journal_id: str, now: datetime) -> bool:
    """Unless it was planned beside this journal, and neither the table has heard of an attempt nor
    the journal can have forgotten it, another journal may have sent it."""
    return (
        request.journal_id != journal_id
        or request.state is not State.PLANNED
        or request.attempts > 0
        or now - request.planned_at >= KEPT_FOR
    )


def _table_is_ahead(request: Request, entry: Entry) -> bool:
    """Of a journal that was put back from a copy."""
    heard = request.state in (State.SENDING, State.UNKNOWN)
    return heard or request.attempts > entry.attempts


def _planned(now: datetime) -> dict[str, Any]:
    return {
        "state": State.PLANNED, "first_attempt_at": None, "last_attempt_at": None,
        "next_attempt_at": now,
    }  # fmt: skip


def _in_doubt(request: Request, now: datetime) -> dict[str, Any]:
    """Sent at the earliest when it was planned, at the latest now."""
    return {
        "state": State.UNKNOWN, "first_attempt_at": min(request.planned_at, now),
        "last_attempt_at": now, "next_attempt_at": now,
    }  # fmt: skip
