"""A sandbox without its server and its housekeeping: only what is asked happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sandbox.api import Answer, Api, Call
from sandbox.clock import FROZEN, Clock, Setting
from sandbox.faults import Plan
from sandbox.store import Store
from sandbox.webhooks import Deliveries

KEY = "Bearer sk_test_x"


class World:
    """Every post has a key of its own."""

    def __init__(self, plan: Sequence[dict[str, Any]] = ()) -> None:
        self.clock = Clock(Setting(FROZEN, 1_782_820_800.0, 0.0))
        faults, self.store = Plan(plan), Store(":memory:")
        deliveries = Deliveries(self.store, self.clock, faults, None, "")
        self.api = Api(self.store, self.clock, None, faults, deliveries)
        self.sent: list[Call] = []

    def documents(self) -> list[str]:
        kinds = ("payment_intent", "charge", "refund", "event")
        return [json.dumps(doc) for kind in kinds for doc in self.store.all(kind)]

    def post(self, path: str, params: dict[str, str]) -> Answer:
        pairs = sorted(params.items())
        key = f"K-{len(self.sent)}"
        self.sent.append(Call("POST", f"/v1/{path}", pairs, KEY, key))
        return self.api.answer(self.sent[-1])
