"""One request at a time: send it or find out what became of it, and write that down."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from conf.settings import GatewayPolicy
from jobs.clock import Clock
from jobs.gateway.answer import Answer
from jobs.gateway.caps import DailyCap
from jobs.gateway.entry import Entry
from jobs.gateway.journal import Journal
from jobs.gateway.judge import Verdict, judged
from jobs.gateway.operations import OPERATIONS
from jobs.gateway.pacing import backoff_seconds
from jobs.gateway.provider import ProviderFailed
from jobs.gateway.request import Body, Request, State
from jobs.gateway.steps import Step, after_not_found, next_step
from jobs.gateway.wire import Halted, Wire

log = logging.getLogger("jobs.gateway")

BOUNDS = ("first_attempt_at", "last_attempt_at")


class Sender:
    """Works on the open requests of one batch; safe to use from many threads, each with a key of
    its own."""

    def __init__(
        self, journal: Journal, wire: Wire, policy: GatewayPolicy, clock: Clock, job: str,
        requests: Mapping[str, Request], bodies: Mapping[str, Body],
    ) -> None:  # fmt: skip
        self._journal, self._wire, self._policy, self._clock = journal, wire, policy, clock
        self._switches = wire.switches
        self._cap = DailyCap(policy, journal, clock, job)
        self._requests, self._bodies = requests, bodies
        self._tries: Counter[str] = Counter()
        self._stopped: set[str] = set()
        self._turn = threading.Lock()

    def work(self, key: str) -> datetime | None:
        """One step for the request; the instant at which this run goes on with it, or None."""
        if (reason := self._switches.reason()) is not None:
            self._left(reason)
            return None
        if (wait := self._wire.breaker.wait_seconds()) > 0:
            if wait > self._switches.seconds_left():
                self._left(self._wire.breaker.reason or "the payment provider fails")
                return None
            return self._clock.now() + timedelta(seconds=wait)
        try:
            entry = self._step(self._requests[key], self._journal.entry(key))
        except Halted as halted:
            self._left(str(halted))
            return None
        with self._turn:
            self._tries[key] += 1
            more = self._tries[key] < self._policy.attempts_per_run
        return entry.next_attempt_at if more else None

    def unavailable(self, planned: Sequence[Entry]) -> str | None:
        """Why something did not go out; None when all that could go out did."""
        reasons = sorted(self._stopped)
        for said, times in sorted(self._cap.withheld.items()):
            reasons.append(f"{said} ({times} requests wait)")
        if self._wire.breaker.reason and self._wire.breaker.reason not in reasons:
            reasons.append(self._wire.breaker.reason)
        if planned and not reasons:
            first = min(entry.next_attempt_at for entry in planned if entry.next_attempt_at)
            reasons.append(f"{len(planned)} requests wait for their next attempt, at {first}")
        return "; ".join(reasons) or None

    def _step(self, request: Request, entry: Entry) -> Entry:
        step = next_step(entry, OPERATIONS[request.operation].creates, self._clock.now())
        if step is Step.SEND:
            return self._send(request, entry)
        return self._look_up(request, entry)

    def _look_up(self, request: Request, entry: Entry) -> Entry:
        operation = OPERATIONS[request.operation]
        try:
            found = operation.look_up(self._wire, request, entry)
        except ProviderFailed as failed:
            log.warning("request %s cannot be looked up: %s", request.key, failed)
            return self._open(request, State.UNKNOWN, entry.error_code, entry.http_status)
        if found is not None:
            return self._settled(request, found, entry.http_status)
        now = self._clock.now()
        then = after_not_found(entry, operation.creates, now)
        if isinstance(then, Verdict):
            return self._settled(request, then, entry.http_status)
        if isinstance(then, Step):
            return self._send(request, entry)
        again = now + timedelta(seconds=self._policy.longest_delay_seconds)
        return self._journal.change(
            request.key, State.UNKNOWN, next_attempt_at=min(max(then, now), again)
        )

    def _send(self, request: Request, entry: Entry) -> Entry:
        operation, body = OPERATIONS[request.operation], self._bodies[request.key]
        counted_on = entry.counted_on
        if operation.counts and counted_on is None:
            counted_on = self._cap.take(request)
            if counted_on is None:
                return self._withheld(request, entry)
        try:
            self._wire.turn("POST", body.path)
        except Halted:
            if entry.counted_on is None:
                self._cap.give_back(request, counted_on)
            raise
        sent = self._journal.sending(request.key, counted_on)
        answer = self._wire.post(body.path, body.params, request.key)
        return self._recorded(request, entry, sent, answer)

    def _recorded(self, request: Request, before: Entry, sent: Entry, answer: Answer) -> Entry:
        """Writes down what the answer means; `before` and `sent` are the request's entry before
        and after it was noted that bytes go out."""
        verdict = judged(request, answer)
        if verdict.ends_run:
            self._switches.ended_by = verdict.ends_run
        if verdict.look_first:
            return self._checked(request, sent, answer, verdict)
        if verdict.state.settled:
            return self._settled(request, verdict, answer.status)
        refused = verdict.state is State.PLANNED and sent.state is State.SENDING
        if refused:
            self._cap.give_back(request, sent.counted_on)
        values: dict[str, Any] = {"counted_on": None} if refused else {}
        if verdict.untouched:
            values |= {name: getattr(before, name) for name in BOUNDS}
        state = State.PLANNED if refused else State.UNKNOWN
        return self._open(
            request, state, verdict.code, answer.status, verdict.wait_seconds, **values
        )

    def _checked(self, request: Request, sent: Entry, answer: Answer, verdict: Verdict) -> Entry:
        """A refusal, which is believed when no object says otherwise."""
        entry = self._open(request, State.UNKNOWN, verdict.code, answer.status)
        operation = OPERATIONS[request.operation]
        try:
            found = operation.look_up(self._wire, request, entry)
        except ProviderFailed as failed:
            log.warning("the refusal of request %s cannot be checked: %s", request.key, failed)
            return entry
        in_doubt = operation.creates and sent.state is State.UNKNOWN and not answer.replayed
        if found is None and in_doubt:
            return entry
        return self._settled(request, found or verdict, answer.status)

    def _settled(self, request: Request, verdict: Verdict, http_status: int | None) -> Entry:
        if verdict.state is State.REJECTED:
            self._cap.give_back(request, self._journal.entry(request.key).counted_on)
        kept = json.dumps(verdict.answer, sort_keys=True) if verdict.answer else None
        return self._journal.change(
            request.key, verdict.state, http_status=http_status, error_code=verdict.code,
            decline_code=verdict.decline_code, needs_person=verdict.needs_person,
            provider_id=verdict.provider_id, answer=kept, next_attempt_at=None,
        )  # fmt: skip

    def _open(
        self, request: Request, state: State, code: str | None, http_status: int | None,
        wait_seconds: float = 0.0, **values: Any,
    ) -> Entry:  # fmt: skip
        """Not settled: due again after backing off, or as long as the provider asked for."""
        attempts = self._journal.entry(request.key).attempts + self._tries[request.key]
        wait = max(backoff_seconds(self._policy, request.key, attempts), wait_seconds)
        return self._journal.change(
            request.key, state, http_status=http_status, error_code=code,
            next_attempt_at=self._clock.now() + timedelta(seconds=wait), **values,
        )  # fmt: skip

    def _withheld(self, request: Request, entry: Entry) -> Entry:
        return self._journal.change(
            request.key, entry.state, error_code="daily_cap", next_attempt_at=self._cap.opens_at()
        )

    def _left(self, reason: str) -> None:
        with self._turn:
            self._stopped.add(reason)
