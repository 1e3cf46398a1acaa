"""A world in which fraud is as common as it may be, collected once for all that looks at it."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.simulate import world
from jobs.simulate.plan import Plan

ZONE = "Europe/Berlin"
FRAUDULENT = Plan(
    seed=5, zone=ZONE, first=date(2026, 3, 10), last=date(2026, 4, 18), sellers=80,
    orders_per_day=150, fraud_rate=0.05,
)  # fmt: skip
WANTED = ("orders", "buyers", "logins", "disputes", "messages", "refunds", "returns", "reviews")


@pytest.fixture(scope="session")
def fraudulent(spark) -> dict[str, list[dict]]:
    """What happened, by entity, and the truth as `true_orders` and `true_disputes`."""
    with world.entities(spark, FRAUDULENT) as (frames, truth):
        found = {name: frames[name] for name in WANTED}
        found |= {f"true_{name}": truth[name] for name in ("orders", "disputes")}
        return {name: [row.asDict() for row in frame.collect()] for name, frame in found.items()}
