"""Which notices went out, kept beside the outbox; and one sender at a time.

The outbox learns of a batch in one commit, when it ends. Between a mail and that commit the
process may die; this small database, written after every mail, then knows what was sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.sender_lock import only_sender

KEPT = timedelta(days=60)
TABLE = """
create table if not exists sent (
  key text primary key,       -- of the notice
  mail_key text not null,     -- of the mail it went in
  sent_us integer not null    -- microseconds since 1970, UTC
) strict, without rowid;
create index if not exists sent_by_mail on sent (mail_key);
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Journal:
    """What was sent from a folder. Holds the folder until it is closed.

    AnotherSender when another process has it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = only_sender(
            folder / "sender.lock",
            f"another run is sending the notices of {folder}; when it ends, run the same command "
            "again",
        )
        self._books = sqlite3.connect(folder / "sent.sqlite", isolation_level=None)
        self._books.execute("pragma journal_mode = wal")
        self._books.execute("pragma synchronous = full")
        self._books.executescript(TABLE)

    def sent_at(self, keys: Sequence[str]) -> Mapping[str, datetime]:
        """When each of the notices went out; those that did not are absent."""
        found: dict[str, datetime] = {}
        for begin in range(0, len(keys), 500):
            some = keys[begin : begin + 500]
            marks = ", ".join("?" * len(some))
            rows = self._books.execute(
                f"select key, sent_us from sent where key in ({marks})", tuple(some)
            )
            found |= {key: EPOCH + timedelta(microseconds=us) for key, us in rows}
        return found

    def has_mail(self, mail_key: str) -> bool:
        """True when a mail with this key went out."""
        query = "select 1 from sent where mail_key = ? limit 1"
        return self._books.execute(query, (mail_key,)).fetchone() is not None

    def note(self, mail_key: str, keys: Iterable[str], at: datetime) -> None:
        """Durable when it returns."""
        us = (at - EPOCH) // timedelta(microseconds=1)
        self._books.execute("begin immediate")
        self._books.executemany(
            "insert or ignore into sent values (?, ?, ?)", [(key, mail_key, us) for key in keys]
        )
        self._books.execute("commit")

    def forget(self, now: datetime) -> None:
        """Removes what is older than any notice that can still come."""
        us = (now - KEPT - EPOCH) // timedelta(microseconds=1)
        self._books.execute("delete from sent where sent_us < ?", (us,))

    def close(self) -> None:
        self._books.close()
        self._lock.close()  # and with it the lock
