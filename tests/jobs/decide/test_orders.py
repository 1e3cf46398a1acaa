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
from jobs.lake.records import newest_gap, record_day
from jobs.window import Window
from tests.support import order_scenarios
from tests.support.order_scenarios import expected, instant, names

CHECK_POINTS = ("2026-06-01T12:00", "2026-06-01", "2026-06-02", "2026-06-07", "2026-06-20")
DECIDED = (
    "2026-05-31", *CHECK_POINTS[:3], "2026-06-05", "2026-06-06", *CHECK_POINTS[3:],
)  # fmt: skip
"""On which days something happens that is followed up on another."""
MOVED = ("moved_from", "moved_to")
"""Two orders, and a confirmation of the one that was corrected to be the other's."""
Found = dict[str, dict[str, dict[str, Any]]]
"""By check point and order."""


@pytest.fixture(scope="module")
def lake(make_shared_lake: Callable[[str], Lake]) -> Lake:
    lake = make_shared_lake("UTC")
    stage = order_scenarios.staged()
    for order_id in MOVED:
        placed = {"placed_at": "2026-06-01T10:00", "lines": [{"seller": "ada", "price": "1000"}]}
        held = {"status": "requires_capture", "at": "2026-06-01T10:01"}
        order_scenarios.tell(stage, order_id, {"order": placed, "provider": [held]})
    for order_id, known in zip(MOVED, ("2026-06-01T11:00", "2026-06-02T11:00"), strict=True):
        stage.put("order_events", instant("2026-06-01T11:00"), instant(known), order_id=order_id,
                  order_event_id="moved", event="confirmed", seller_id="ada",
                  actor="seller")  # fmt: skip
    stage.land(lake)
    return lake


@pytest.fixture(scope="module")
def found(lake: Lake, settings: Settings) -> Found:
    return {point: _decided(lake, settings, point) for point in DECIDED}


def _decided(lake: Lake, settings: Settings, point: str) -> dict[str, dict[str, Any]]:
    until = instant(point) if "T" in point else None
    for job in (orders, follow_ups):
        job.run(lake, settings, Window.day(date.fromisoformat(point[:10])), until=until)
    return _books(lake, point[:10])


def _books(lake: Lake, ds: str) -> dict[str, dict[str, Any]]:
    """What the tables hold of a day, by order."""
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
    for of_order in by_order.values():
        of_order["follow_ups"].sort()
    return by_order


@pytest.mark.parametrize("name", names())
def test_a_scenario_ends_as_it_says(found: Found, name: str) -> None:
    wanted = expected(name)
    assert wanted
    assert set(wanted) <= set(CHECK_POINTS)
    seen = {point: _seen(found[point].get(name), want) for point, want in wanted.items()}
    assert seen == {point: _normal(want) for point, want in wanted.items()}


def test_an_event_that_is_corrected_to_another_order_is_taken_from_the_one_it_was_of(
    found: Found,
) -> None:
    outcomes = {
        point: [found[point][order_id]["parts"]["ada"]["outcome"] for order_id in MOVED]
        for point in ("2026-06-01", "2026-06-02")
    }
    assert outcomes["2026-06-01"] == ["confirmed", "awaiting_seller"]
    assert outcomes["2026-06-02"] == ["awaiting_seller", "confirmed"]


def test_a_range_decides_its_last_days_again_with_the_same_rows(
    lake: Lake, settings: Settings, found: Found
) -> None:
    """As after days on which nothing ran; what was decided of later days changes nothing."""
    days = ("2026-06-01", "2026-06-02")
    for job in (orders, follow_ups):
        job.run(lake, settings, Window(*map(date.fromisoformat, days)), lately=True)
    for ds in days:
        again = _books(lake, ds)
        assert again.keys() == found[ds].keys()
        assert [name for name, books in again.items() if books != found[ds][name]] == []


def test_decisions_before_a_closed_day_that_was_left_out_are_not_counted(
    lake: Lake, found: Found
) -> None:
    del found
    gap = lambda first, last: newest_gap(lake, Window(first, last), "decide.orders")  # noqa: E731
    assert gap(date(2026, 6, 1), date(2026, 6, 7)) is None, "no day is closed"
    record_day(lake, date(2026, 6, 6), "closed", "refine")
    assert gap(date(2026, 6, 1), date(2026, 6, 7)) == date(2026, 6, 4)
    assert gap(date(2026, 6, 5), date(2026, 6, 7)) is None
    assert gap(date(2026, 3, 1), date(2026, 4, 30)) is None, "nothing had landed"


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
