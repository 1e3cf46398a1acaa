"""State in SQLite: objects as JSON documents, with the columns that lists filter by.

WAL with synchronous=NORMAL: a commit is in the operating system's hands before it is answered, so
that kill -9 of this process loses nothing. Only a crash of the machine may lose the last commits
(never consistency), which a sandbox can bear and which saves an fsync per call. All access goes
through one connection under one lock: a request is one transaction, as short as a few documents.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Doc = dict[str, Any]

SCHEMA_VERSION = 1
LOOKUPS = ("customer", "payment_intent", "charge", "transfer_group", "type", "source")
_SCHEMA = """
create table if not exists objects (
  seq integer primary key autoincrement, id text not null unique, object text not null,
  created integer not null, customer text, payment_intent text, charge text,
  transfer_group text, type text, source text, document text not null);
create index if not exists objects_in_order on objects (object, created, seq);
create index if not exists objects_by_customer on objects (customer, object) where customer is not null;
create index if not exists objects_by_intent on objects (payment_intent) where payment_intent is not null;
create index if not exists objects_by_charge on objects (charge) where charge is not null;
create index if not exists objects_by_group on objects (transfer_group, object)
  where transfer_group is not null;
create table if not exists timers (id text primary key, due_at integer not null, what text not null);
create index if not exists timers_in_order on timers (due_at);
create table if not exists answers (
  key text primary key, stored_at real not null, method text not null, path text not null,
  params_sha256 text not null, status integer not null, body text not null, request_id text not null);
create index if not exists answers_in_order on answers (stored_at);
create table if not exists counts (
  method text, path text, outcome text, calls integer not null,
  primary key (method, path, outcome)) without rowid;
create table if not exists deliveries (
  id integer primary key autoincrement, event text not null, due_at real not null,
  attempts integer not null default 0, first_at real not null, waits_for integer,
  state text not null default 'pending', last_status integer);
create index if not exists deliveries_of_event on deliveries (event) where state = 'pending';
create index if not exists deliveries_in_order on deliveries (due_at, id) where state = 'pending';
create table if not exists notes (name text primary key, content text not null);
"""  # noqa: E501


class Store:
    def __init__(self, path: Path | str) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma locking_mode = exclusive")  # one sandbox a file
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"made by another sandbox (schema {version})")
        self._db.executescript(f"{_SCHEMA} pragma user_version = {SCHEMA_VERSION};")

    def close(self) -> None:
        with self.lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one: all or nothing of this part."""
        with self.lock:
            inner = self._db.in_transaction
            self._db.execute("savepoint part" if inner else "begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback to part" if inner else "rollback")
                if inner:
                    self._db.execute("release part")
                raise
            self._db.execute("release part" if inner else "commit")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._db.execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """How many rows it changed."""
        with self.lock:
            return self._db.execute(sql, values).rowcount

    def insert(self, doc: Doc) -> Doc:
        keys = [_lookup(doc, name) for name in LOOKUPS]
        self.write(
            f"insert into objects (id, object, created, {', '.join(LOOKUPS)}, document) "
            f"values (?, ?, ?, {', '.join('?' * len(LOOKUPS))}, ?)",
            [doc["id"], doc["object"], doc["created"], *keys, dumps(doc)],
        )
        return doc

    def save(self, doc: Doc) -> Doc:
        keys = [_lookup(doc, name) for name in LOOKUPS]
        sets = ", ".join(f"{name} = ?" for name in LOOKUPS)
        self.write(
            f"update objects set {sets}, document = ? where id = ?", [*keys, dumps(doc), doc["id"]]
        )
        return doc

    def get(self, id_: str, kind: str) -> Doc | None:
        found = self.rows("select document from objects where id = ? and object = ?", (id_, kind))
        return json.loads(found[0][0]) if found else None

    def all(self, kind: str, where: str = "", values: Sequence[Any] = ()) -> Iterator[Doc]:
        """Oldest first."""
        condition = f" and {where}" if where else ""
        sql = f"select document from objects where object = ?{condition} order by seq"
        return (json.loads(text) for (text,) in self.rows(sql, [kind, *values]))

    def count(self, method: str, path: str, outcome: str) -> None:
        self.write(
            "insert into counts values (?, ?, ?, 1) "
            "on conflict (method, path, outcome) do update set calls = calls + 1",
            (method, path, outcome),
        )

    def note(self, name: str, content: Any) -> None:
        self.write("insert or replace into notes values (?, ?)", (name, json.dumps(content)))

    def noted(self, name: str) -> Any:
        found = self.rows("select content from notes where name = ?", (name,))
        return json.loads(found[0][0]) if found else None

    def clear(self) -> None:
        """Forgets everything but the clock."""
        with self.transaction():
            for table in ("objects", "timers", "answers", "counts", "deliveries"):
                self.write(f"delete from {table}")


def dumps(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


def _lookup(doc: Doc, name: str) -> str | None:
    value = doc.get(name)
    return value if isinstance(value, str) else None
