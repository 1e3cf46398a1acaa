"""Orders as scenarios tell them: facts in; states, payments and follow-ups out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from conf.settings import Settings
from conf.tables import decisions
from jobs.decide import follow_ups, orders
from jobs.lake.io import Lake
from jobs.window import Window
from tests.support import lakes, order_scenarios
from tests.support.order_scenarios import expected, instant, names

CHECK_POINTS = ("2026-06-01T12:00", "2026-06-01", "2026-06-02", "2026-06-07", "2026-06-20")
DECIDED = (
    "2026-05-31", *CHECK_POINTS[:3], "2026-06-05", "2026-06-06", *CHECK_POINTS[3:],
)  # fmt: skip
"""On which days something happens that is followed up on another."""
Found = dict[str, dict[str, dict[str, Any]]]
"""By check point and order."""


@pytest.fixture(scope="module")
def lake(make_shared_lake: Callable[[str], Lake]) -> Lake:
    lake = make_shared_lake("UTC")
    lakes.land(lake, order_scenarios.staged())
    return lake


@pytest.fixture(scope="module")
def found(lake: Lake, settings: Settings) -> Found:
    return {point: _decided(lake, settings, point) for point in DECIDED}


def _decided(lake: Lake, settings: Settings, point: str) -> dict[str, dict[str, Any]]:
    ds = date.fromisoformat(point[:10])
    until = instant(point) if "T" in point else None
    for job in (orders, follow_ups):
        job.run(lake, settings, Window.day(ds), until=until)
    by_order: dict[str, dict[str, Any]] = {}
    for row in lake.read(decisions.ORDERS).where(f"ds = '{ds}'").collect():
        of_order = by_order.setdefault(row["order_id"], {"parts": {}, "follow_ups": []})
        of_order["parts"][row["seller_id"]] = row
    for row in lake.read(decisions.PAYMENTS).where(f"ds = '{ds}'").collect():
        by_order[row["order_id"]]["payment"] = row
    for row in lake.read(decisions.FOLLOW_UPS).where(f"ds = '{ds}'").collect():
        step = f"{row['step']} {row['seller_id']}".strip()
        by_order.setdefault(row["order_id"], {"parts": {}, "follow_ups": []})
        by_order[row["order_id"]]["follow_ups"].append(step)
    return by_order


@pytest.mark.parametrize("name", names())
def test_a_scenario_ends_as_it_says(found: Found, name: str) -> None:
    wanted = expected(name)
    assert wanted
    assert set(wanted) <= set(CHECK_POINTS)
    seen = {point: _seen(found[point].get(name), want) for point, want in wanted.items()}
    assert seen == {point: _normal(want) for point, want in wanted.items()}


def test_deciding_an_earlier_day_again_gives_the_same_rows(
    lake: Lake, settings: Settings, found: Found
) -> None:
    assert _decided(lake, settings, "2026-06-02") == found["2026-06-02"]


def _normal(want: dict[str, Any]) -> dict[str, Any]:
    normal = dict(want)
    if "why" in want:
        normal["why"] = sorted(want["why"])
    if "follow_ups" in want:
        normal["follow_ups"] = sorted(want["follow_ups"] or [])
    return normal


def _seen(got: dict[str, Any] | None, want: dict[str, Any]) -> dict[str, Any]:
    """What was decided, in the words of the expectation and no more of them."""
    if "absent" in want:
        return {"absent": "true" if not got or not got["parts"] else "false"}
    parts = got["parts"] if got else {}
    seen: dict[str, Any] = {}
    if "parts" in want:
        seen["parts"] = {seller: row["outcome"] for seller, row in parts.items()}
    if "order" in want:
        seen["order"] = " ".join(sorted({row["order_outcome"] for row in parts.values()}))
    if "why" in want:
        codes = {code for row in parts.values() for code in row["reason_codes"]}
        seen["why"] = sorted(codes & set(want["why"]))
    if "payment" in want and got:
        row = got["payment"]
        amount = {"amount": str(row["amount_minor"])} if "amount" in want["payment"] else {}
        seen["payment"] = {"outcome": row["outcome"], **amount}
    for name in ("captured", "refund_due"):
        if name in want:
            seen[name] = {
                seller: str(parts[seller][f"{name}_minor"]) for seller in want[name]
                if seller in parts
            }  # fmt: skip
    if "follow_ups" in want:
        seen["follow_ups"] = sorted(got["follow_ups"] if got else [])
    return seen
