"""Idempotency keys as documented: the first answer of a request that began is given again.

Kept: what an endpoint answered once it had begun, also a 402, a 404, a 400 for the object's state,
and a 500. Not kept: what was refused before that: parameters that do not fit, a key in use (409),
too many requests (429). Keys are forgotten 24 hours after they were first used.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.errors import invalid, key_in_use, key_reused
from sandbox.forms import Pairs
from sandbox.store import Store

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Stored:
    status: int
    body: str
    request_id: str


class Keys:
    """`store` keeps answers; which requests are under way is known to this process alone, so that
    a killed one leaves no key in use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def in_use(self, key: str | None) -> Iterator[None]:
        """Refused (409) while another request with the key is under way."""
        if key is None:
            yield
            return
        if len(key) > LONGEST_KEY:
            raise invalid(f"Idempotency keys may have at most {LONGEST_KEY} characters.")
        with self._lock:
            if key in self._under_way:
                raise key_in_use(key)
            self._under_way.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(key)

    def stored(self, key: str, method: str, path: str, params: Pairs, now: float) -> Stored | None:
        """The first answer; Refused (400) when the key was used for something else."""
        self.prune(now)
        found = self._store.rows(
            "select method, path, params_sha256, status, body, request_id from answers "
            "where key = ?", (key,),
        )  # fmt: skip
        if not found:
            return None
        first_method, first_path, sha256, status, body, request_id = found[0]
        if (first_method, first_path) != (method, path):
            raise key_reused(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{first_path}' vs '{path}'). Try using a key other than '{key}' "
                "if you meant to execute a different request."
            )
        if sha256 != _digest(params):
            raise key_reused(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request."
            )
        return Stored(status, body, request_id)

    def keep(
        self, key: str, method: str, path: str, params: Pairs, now: float, answer: Stored
    ) -> None:
        """The first answer stays; a later one of the same key changes nothing."""
        self._store.write(
            "insert or ignore into answers values (?, ?, ?, ?, ?, ?, ?, ?)",
            (key, now, method, path, _digest(params), answer.status, answer.body,
             answer.request_id),
        )  # fmt: skip

    def prune(self, now: float) -> None:
        self._store.write("delete from answers where stored_at <= ?", (now - KEPT_SECONDS,))


def _digest(params: Pairs) -> str:
    return hashlib.sha256(json.dumps(sorted(params)).encode()).hexdigest()
