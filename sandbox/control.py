"""The control endpoint, /_control/: the clock, the books, the fault plan. JSON; loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.api import Api
from sandbox.attempts import complete_action
from sandbox.books import books
from sandbox.clock import MODES, instant
from sandbox.context import public
from sandbox.errors import Declined, Refused
from sandbox.faults import BadPlan

Content = Any
CLOCK_NOTE = "clock"
FARTHEST_SECONDS = 100 * 365 * 86_400


class Control:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: Mapping[tuple[str, str], Callable[[Content], Content]] = {
            ("GET", "clock"): lambda _: api.clock.shown(),
            ("POST", "clock"): self._set_clock,
            ("POST", "advance"): self._advance,
            ("GET", "books"): lambda _: books(api.store),
            ("GET", "faults"): lambda _: api.plan.shown(),
            ("POST", "faults"): self._set_faults,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        """(status, JSON). 400 says what was wrong with the request, 404 what is known."""
        name = path.removeprefix("/_control/")
        try:
            content = json.loads(body) if body else {}
            if method == "POST" and name.startswith("payment_intents/"):
                return 200, json.dumps(self._complete_action(name, content))
            if (method, name) not in self._known:
                known = ", ".join(" ".join(one) for one in self._known)
                return 404, _error(f"no {method} {path}; known below /_control/: {known}")
            return 200, json.dumps(self._known[method, name](content))
        except Refused as refused:
            return refused.status, json.dumps({"error": refused.body})
        except (BadPlan, ValueError, TypeError, KeyError, AttributeError) as error:
            return 400, _error(f"{method} {path}: {type(error).__name__}: {error}")

    def _set_clock(self, content: Content) -> Content:
        """{"mode": "real" | "running" | "frozen", "at": ISO instant, or else as it is}."""
        if content["mode"] not in MODES:
            raise ValueError(f"mode is {content['mode']!r}; known: {', '.join(MODES)}")
        at = instant(content["at"]) if "at" in content else None
        return self._moved(lambda: self._api.clock.set(content["mode"], at))

    def _advance(self, content: Content) -> Content:
        """{"seconds": how far forward}."""
        seconds = float(content["seconds"])
        if not 0 <= seconds <= FARTHEST_SECONDS:
            raise ValueError(f"seconds is {seconds:g}; it is between 0 and {FARTHEST_SECONDS}")
        return self._moved(lambda: self._api.clock.advance(seconds))

    def _moved(self, move: Callable[[], None]) -> Content:
        """Moves the clock, does what has fallen due, and waits for due webhooks."""
        api = self._api
        with api.store.transaction():
            move()
            api.store.note(CLOCK_NOTE, vars(api.clock.setting))
        due = api.run_timers()
        api.deliveries.drain()
        return {**api.clock.shown(), "fallen_due": due}

    def _set_faults(self, content: Content) -> Content:
        """A list of rules, in place of those there were."""
        self._api.plan.set(content)
        return self._api.plan.shown()

    def _complete_action(self, name: str, content: Content) -> Content:
        """payment_intents/ID/complete_action with {"outcome": "succeed" | "fail"}."""
        _, id_, act = name.split("/")
        outcome = content["outcome"]
        if act != "complete_action" or outcome not in ("succeed", "fail"):
            raise ValueError("it is payment_intents/ID/complete_action, outcome succeed or fail")
        with self._api.store.transaction():
            context = self._api.context()
            intent = context.need("payment_intent", id_)
            try:
                return public(complete_action(context, intent, outcome == "succeed"))
            except Declined:
                return public(context.need("payment_intent", id_))

    def _reset(self, _: Content) -> Content:
        """Forgets objects, keys, counts and deliveries; clock and fault plan stay."""
        self._api.store.clear()
        return {}


def _error(message: str) -> str:
    return json.dumps({"error": {"type": "control", "message": message}})
