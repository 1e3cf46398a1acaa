"""From a request to an answer: admitted, matched with a fault, recognised, run, kept.

One request is one transaction: its objects, events, kept answer and count are written together.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox import intents, timers
from sandbox.clock import Clock
from sandbox.context import API_VERSION, Context, public
from sandbox.errors import Declined, Refused, broken, unauthorized, unknown_url
from sandbox.expand import check_expand, expanded
from sandbox.faults import Plan, Rule
from sandbox.forms import Pairs, nested
from sandbox.idempotency import Keys, Stored
from sandbox.ids import new_id
from sandbox.limits import Limits
from sandbox.routes import Route, route_of, template_of
from sandbox.store import Doc, Store, dumps
from sandbox.webhooks import Deliveries

TIMERS = {"expire": intents.expire, "settle": intents.settle}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A request under /v1/. `key`: its idempotency key (POST only)."""

    method: str
    path: str
    params: Pairs
    authorization: str
    key: str | None = None
    account: str | None = None
    request_id: str = field(default_factory=lambda: new_id("request"))


@dataclass(frozen=True)
class Answer:
    """`wire`: what the server does to the connection instead of answering as it should."""

    status: int
    body: str
    headers: Mapping[str, str]
    wire: Rule | None = None


class Api:
    def __init__(
        self, store: Store, clock: Clock, limits: Limits | None, plan: Plan, deliveries: Deliveries
    ) -> None:
        self.store, self.clock, self.plan, self.deliveries = store, clock, plan, deliveries
        self.keys = Keys(store)
        self._limits = limits

    def answer(self, call: Call) -> Answer:
        """Never raises: what goes wrong here is a 500, and the log has its trace."""
        template, _ = template_of(call.path)
        try:
            self._admit(call, template)
            rule = self.plan.for_call(call.method, call.path, call.key, call.params)
            return self._faulted(call, rule) if rule else self._tried(call)
        except Refused as refused:
            return self._refusal(call, refused)
        except Exception:
            log.exception("%s %s (%s) broke", call.method, template or "?", call.request_id)
            return self._answer(call, 500, dumps({"error": broken().body}))

    def run_timers(self) -> int:
        """What has fallen due by the clock; how many."""
        with self.store.transaction():
            return timers.run_due(self.context(), TIMERS)

    def context(self, call: Call | None = None) -> Context:
        """What endpoints work with; without a call: what happens by itself."""
        return Context(
            self.store, self.clock.second(), self.deliveries.queue,
            call.request_id if call else None, call.key if call else None,
        )  # fmt: skip

    def _admit(self, call: Call, template: str) -> None:
        key = call.authorization.removeprefix("Bearer ").strip()
        if not key or key == call.authorization:
            raise unauthorized(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY')."
            )
        if not key.startswith(("sk_test_", "rk_test_")):
            raise unauthorized("Invalid API Key provided. The sandbox takes sk_test_ and rk_test_.")
        if call.account:
            raise Refused(403, "invalid_request_error", "The sandbox has no connected accounts.",
                          code="account_invalid")  # fmt: skip
        if self._limits:
            self._limits.admit(f"{call.method} {template or 'unknown'}")

    def _tried(self, call: Call, instead: Stored | None = None, pause_seconds: float = 0) -> Answer:
        """Served, or refused before it began."""
        try:
            return self._served(call, instead, pause_seconds)
        except Refused as refused:
            return self._refusal(call, refused)

    def _refusal(self, call: Call, refused: Refused) -> Answer:
        self._count(call, f"refused_{refused.status}")
        answer = self._answer(call, refused.status, dumps({"error": refused.body}))
        return replace(answer, headers={**answer.headers, **refused.headers})

    def _served(self, call: Call, instead: Stored | None, pause_seconds: float) -> Answer:
        """Runs the request, or gives its first answer again. `instead`: what is kept and answered
        in place of the result."""
        template, id_ = template_of(call.path)
        route = route_of(call.method, template)
        if route is None:
            raise unknown_url(call.method, call.path)
        with self.keys.in_use(call.key):
            if pause_seconds:
                time.sleep(pause_seconds)
            with self.store.transaction():
                timers.run_due(self.context(), TIMERS)
                first = self._first(call)
                if first:
                    self.store.count(call.method, template, "replayed")
                    return self._replayed(call, first)
                params = route.form.read(nested(call.params))
                check_expand(params.get("expand", ()), route.kind, route.lists)
                made = self._run(call, route, id_, params)
                kept = instead or made
                if call.key:
                    self._keep(call, kept)
                self.store.count(call.method, template, _outcome(made.status))
        return self._answer(call, kept.status, kept.body)

    def _run(self, call: Call, route: Route, id_: str, params: Doc) -> Stored:
        """Its own transaction within: a refusal undoes what the endpoint wrote, a decline not."""
        context = self.context(call)
        declined: Declined | None = None
        try:
            with self.store.transaction():
                try:
                    doc = public(route.run(context, id_, params))
                except Declined as no:
                    declined = no
        except Refused as refused:
            return Stored(refused.status, dumps({"error": refused.body}), call.request_id)
        if declined:
            return Stored(declined.status, dumps({"error": declined.body}), call.request_id)
        doc = expanded(context, doc, params.get("expand", ()))
        return Stored(200, dumps(doc), call.request_id)

    def _faulted(self, call: Call, rule: Rule) -> Answer:
        """What the plan says: nothing done, or all done and the answer lost."""
        if rule.do == "delay" and rule.when == "before":
            return self._tried(call, pause_seconds=rule.delay_seconds)
        said = Stored(rule.status, dumps({"error": rule.error_body()}), call.request_id)
        if rule.when == "before":
            if call.key and rule.keeps:
                with self.store.transaction():
                    self._keep(call, said)
            answer = self._answer(call, said.status, said.body)
        else:
            answer = self._tried(call, said if rule.keeps else None)
            if rule.do == "status":
                answer = self._answer(call, said.status, said.body)
        self._count(call, f"fault_{rule.do}")
        time.sleep(rule.delay_seconds)
        return replace(answer, wire=rule)

    def _first(self, call: Call) -> Stored | None:
        if not call.key:
            return None
        return self.keys.stored(call.key, call.method, call.path, call.params, self.clock.now())

    def _keep(self, call: Call, answer: Stored) -> None:
        self.keys.keep(
            call.key or "", call.method, call.path, call.params, self.clock.now(), answer
        )

    def _replayed(self, call: Call, first: Stored) -> Answer:
        again = {"Idempotent-Replayed": "true", "Original-Request": first.request_id}
        answer = self._answer(call, first.status, first.body)
        return replace(answer, headers={**answer.headers, **again})

    def _answer(self, call: Call, status: int, body: str) -> Answer:
        headers = {"Request-Id": call.request_id, "Stripe-Version": API_VERSION}
        if call.key:
            headers["Idempotency-Key"] = call.key
        if status >= 400:
            headers["Stripe-Should-Retry"] = "true" if status in (409, 429, 503) else "false"
        return Answer(status, body, headers)

    def _count(self, call: Call, outcome: str) -> None:
        with self.store.transaction():
            template, _ = template_of(call.path)
            self.store.count(call.method, template or "unknown", outcome)


def _outcome(status: int) -> str:
    return "done" if status < 400 else f"answered_{status}"
