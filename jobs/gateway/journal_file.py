"""The journal's file: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from jobs.errors import JobError

SCHEMA = """
create table if not exists journal (name text primary key, value text not null);
create table if not exists requests (
  key text primary key, body_sha256 text not null, operation text not null,
  order_id text not null, payment_no integer not null, request_no integer not null,
  amount_minor integer not null, currency text not null, planned_at text not null,
  job text not null, state text not null, attempts integer not null,
  first_attempt_at text, last_attempt_at text, next_attempt_at text, counted_on text,
  http_status integer, error_code text, decline_code text,
  needs_person integer not null default 0, provider_id text, answer text,
  revision integer not null default 1, reported integer not null default 0,
  changed_at text not null
) without rowid;
create index if not exists unreported on requests (reported) where reported = 0;
create index if not exists counted on requests (counted_on, job);
"""


def known_journal_id(path: Path) -> str | None:
    """The id of the journal at `path`, without opening it for sending; None when there is none."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        row = db.execute("select value from journal where name = 'id'").fetchone()
    return str(row[0]) if row else None


def opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    try:
        path.chmod(0o600)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.executescript(SCHEMA)
    except sqlite3.DatabaseError as error:
        db.close()
        raise JobError(
            f"the journal {path} cannot be read ({error}). Move it away: every open request is "
            "then taken in as UNKNOWN and asked for at the provider before anything is sent"
        ) from error
    return db
