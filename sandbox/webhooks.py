"""Webhooks: every event signed and delivered to one URL, again until it is answered with 2xx.

Deliveries stand in the database, so that a restart goes on with them. They fall due by the
sandbox's clock. Stripe documents attempts for up to three days with growing pauses; the steps here
are the sandbox's own.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.faults import Plan
from sandbox.store import Doc, Store

PAUSES_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 43_200)
GIVEN_UP_AFTER_SECONDS = 3 * 86_400
ANSWERED_WITHIN_SECONDS = 10.0
HELD_BACK_AT_MOST_SECONDS = 60.0
LOOKED_AGAIN_SECONDS = 0.2

log = logging.getLogger(__name__)


def signature(secret: str, second: int, body: bytes) -> str:
    """The Stripe-Signature header."""
    signed = hmac.new(secret.encode(), b"%d." % second + body, hashlib.sha256).hexdigest()
    return f"t={second},v1={signed}"


class Deliveries:
    """One at a time, in a thread of its own. Without a URL nothing is queued."""

    def __init__(
        self, store: Store, clock: Clock, plan: Plan, url: str | None, secret: str
    ) -> None:
        self._store, self._clock, self._plan = store, clock, plan
        self._url, self._secret = url, secret
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        if self._url:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(ANSWERED_WITHIN_SECONDS + 1)

    def queue(self, event: Doc, now: int) -> None:
        """Within the transaction that writes the event."""
        if not self._url:
            return
        rule = self._plan.for_event(event["type"])
        do = rule.do if rule else None
        if rule is None or do != "drop":
            due_at = now + (rule.late_seconds if rule and do == "late" else 0)
            waits_for = rule.count if rule and do == "after" else None
            for _ in range(1 + (rule.count if rule and do == "repeat" else 0)):
                self._store.write(
                    "insert into deliveries (event, due_at, first_at, waits_for) "
                    "values (?, ?, ?, ?)",
                    (event["id"], due_at, now, waits_for),
                )
        self._wake.set()

    def drain(self, patience_seconds: float = 10.0) -> None:
        """Waits until nothing is due at the clock's time."""
        until = time.monotonic() + patience_seconds
        self._wake.set()
        while self._url and self._next() and time.monotonic() < until:
            time.sleep(0.005)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            while not self._stop.is_set() and (due := self._next()):
                try:
                    self._attempt(*due)
                except Exception:
                    log.exception("a delivery broke")
                    self._stop.wait(1.0)
            self._wake.wait(LOOKED_AGAIN_SECONDS)

    def _next(self) -> tuple[int, str, int, float] | None:
        """(delivery, event, attempts so far, first due) of what is due first."""
        now = self._clock.now()
        found = self._store.rows(
            "select id, event, attempts, first_at from deliveries d "
            "where state = 'pending' and due_at <= ? and (waits_for is null or attempts > 0 "
            "or first_at <= ? or (select count(*) from deliveries later where later.id > d.id "
            "and later.attempts > 0) >= waits_for) order by due_at, id limit 1",
            (now, now - HELD_BACK_AT_MOST_SECONDS),
        )
        return found[0] if found else None

    def _attempt(self, id_: int, event_id: str, attempts: int, first_at: float) -> None:
        event = self._store.get(event_id, "event")
        if event is None:
            self._store.write("update deliveries set state = 'failed' where id = ?", (id_,))
            return
        status = self._post(json.dumps({**event, "pending_webhooks": 1}, indent=2).encode())
        now = self._clock.now()
        pause = PAUSES_SECONDS[min(attempts, len(PAUSES_SECONDS) - 1)]
        if status is not None and 200 <= status < 300:
            state = "delivered"
        else:
            state = "failed" if now + pause > first_at + GIVEN_UP_AFTER_SECONDS else "pending"
        self._store.write(
            "update deliveries set state = ?, attempts = attempts + 1, last_status = ?, due_at = ? "
            "where id = ?", (state, status, now + pause if state == "pending" else now, id_),
        )  # fmt: skip

    def _post(self, body: bytes) -> int | None:
        """The receiver's status; None when there was no answer."""
        place = urlsplit(self._url or "")
        kind = (
            http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(place.hostname or "", place.port, timeout=ANSWERED_WITHIN_SECONDS)
        headers = {
            "Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (sandbox)",
            "Stripe-Signature": signature(self._secret, self._clock.second(), body),
        }  # fmt: skip
        path = (place.path or "/") + (f"?{place.query}" if place.query else "")
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
