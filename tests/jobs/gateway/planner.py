"""A planner's table as the act job keeps it: rows by key, outcomes merged, states forward only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from jobs.gateway.entry import Outcome
from jobs.gateway.judge import NEEDS_PERSON
from jobs.gateway.request import Request, State
from tests.jobs.gateway.plans import planned

RANK = {State.PLANNED: 0, State.UNKNOWN: 1}
SETTLED = 2


class PlannersTable:
    def __init__(self) -> None:
        self.rows: dict[str, Request] = {}
        self.outcomes: dict[str, Outcome] = {}
        self._numbers: Counter[tuple[str, str, int]] = Counter()

    def of(self, order_id: str, payment_no: int, *operations: str) -> list[Request]:
        """The rows of a payment, in the order in which they were planned."""
        return [
            row for row in self.rows.values()
            if (row.order_id, row.payment_no) == (order_id, payment_no)
            and row.operation in operations
        ]  # fmt: skip

    def plan(self, operation: str, order_id: str, payment_no: int, **more: Any) -> None:
        """A row with the next request number."""
        place = (operation, order_id, payment_no)
        self._numbers[place] += 1
        number = self._numbers[place]
        row = planned(operation, order_id, payment_no=payment_no, request_no=number, **more)
        self.rows[row.key] = row

    def is_over(self, row: Request, intents: Mapping[str, Mapping[str, Any]]) -> bool:
        """Refused, withdrawn, or its intent was cancelled or expired, as events say."""
        outcome = self.outcomes.get(row.key)
        if outcome is None or not outcome.state.settled or outcome.error_code in NEEDS_PERSON:
            return False
        intent = intents.get(str(outcome.provider_id))
        return outcome.state is not State.ACCEPTED or (
            intent is not None and intent["status"] == "canceled"
        )

    def merge(self, outcomes: Iterable[Outcome]) -> None:
        """AssertionError where a state would move back, or something open has no due time."""
        for outcome in outcomes:
            row = self.rows[outcome.key]
            before, after = (RANK.get(state, SETTLED) for state in (row.state, outcome.state))
            assert after >= before, (row, outcome)
            assert not row.state.settled or outcome.state is row.state, (row, outcome)
            assert outcome.state.settled or outcome.next_attempt_at is not None, outcome
            self.rows[row.key] = replace(row, state=outcome.state, attempts=outcome.attempts)
            self.outcomes[row.key] = outcome
