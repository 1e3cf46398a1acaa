"""Which calls a rule of the fault plan meets."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import BadPlan, Plan

CREATE = "/v1/payment_intents"


def fired(plan: Plan, calls: int, **changed: Any) -> list[int]:
    """Which of so many equal calls met a fault."""
    call = {"method": "POST", "path": CREATE, "key": "K", "params": [("metadata[a]", "1")]}
    return [n for n in range(1, calls + 1) if plan.for_call(**{**call, **changed})]


@pytest.mark.parametrize(
    ("rule", "turns"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, [3]),
        ({"every": 2}, [2, 4, 6]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 2}, [2, 4]),
        ({"probability": 0.0}, []),
        ({"probability": 1.0}, [1, 2, 3, 4, 5, 6]),
        ({"method": "GET"}, []),
        ({"path": "/v1/*"}, [1, 2, 3, 4, 5, 6]),
        ({"path": "/v1/*/capture"}, []),
        ({"path": "/v1/payment"}, []),
        ({"key": "K"}, [1, 2, 3, 4, 5, 6]),
        ({"key": "L"}, []),
        ({"metadata": {"a": "1"}}, [1, 2, 3, 4, 5, 6]),
        ({"metadata": {"a": "2"}}, []),
        ({"event": "charge.*", "do": "drop"}, []),
    ],
)
def test_a_rule_has_its_turns(rule: dict[str, Any], turns: list[int]) -> None:
    assert fired(Plan([{"do": "reset", **rule}]), 6) == turns


def test_chance_is_drawn_by_seed() -> None:
    def drawn(seed: int) -> list[int]:
        return fired(Plan([{"do": "reset", "probability": 0.2, "seed": seed}]), 1_000)

    assert drawn(1) == drawn(1) != drawn(2)
    assert 140 < len(drawn(1)) < 260


def test_one_star_is_one_part_of_a_path() -> None:
    path = {"path": "/v1/payment_intents/pi_1/capture"}

    assert fired(Plan([{"do": "reset", "path": "/v1/payment_intents/*/capture"}]), 1, **path)
    assert not fired(Plan([{"do": "reset", "path": "/v1/*"}]), 1, **path)
    assert fired(Plan([{"do": "reset", "path": "/v1/**"}]), 1, **path)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"do": "explode"}, "known here: delay, reset"),
        ({}, "`do` is ''"),
        ({"do": "drop"}, "known here: delay, reset"),
        ({"do": "reset", "event": "charge.*"}, "known here: drop, repeat"),
        ({"do": "reset", "colour": 1}, "rule 1: unknown colour"),
        ({"do": "reset", "when": "later"}, "before or after"),
        ({"do": "status", "status": 418}, "known: "),
        ("reset", "a rule is an object"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: Any, said: str) -> None:
    with pytest.raises(BadPlan, match=said):
        Plan([rule])
