"""The page of segments: what it says as plain values, and what no text can make of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from conf.model_settings import Owner
from jobs.report import html, segments_page
from jobs.report.segments_page import Segment
from ml.evaluation import wilson
from ml.seller_segments.profile import Rule, Sheet

HOSTILE = '<img src=x onerror="alert(1)">'
OWNER = Owner(owner="Shipping operations", action="Agree on times", watch="late_shipment_rate")
SHEET = Sheet((Rule(("late_shipment_rate > 0.2",), 4, 0.25, 0.9), Rule((), 7, 0.75, 0.8)), 0.83)
HEALTH = [
    {"metric": "share_psi", "about": "", "value": 0.3, "bound": 0.25, "tripped": True, "note": "n"},
    {"metric": "feature_psi", "about": "asp", "value": 0.9, "bound": 0.25, "tripped": True,
     "note": f"in marketplace {HOSTILE}"},
    {"metric": "feature_psi", "about": "gmv_30d", "value": 0.1, "bound": 0.25, "tripped": False,
     "note": ""},
    {"metric": "kept", "about": "", "value": None, "bound": None, "tripped": False, "note": ""},
]  # fmt: skip
FLOWS = [
    (4, "entered", "", "", 12.0, 0.012), (4, "moved_in", "shipping", "7", 30.0, 0.03),
    (4, "moved_in", "size", "7", 10.0, 0.01), (4, "denominator", "", "", 0.0, -0.002),
    (7, "moved_out", "shipping", "4", -30.0, -0.03), (7, "moved_out", "size", "4", -10.0, -0.01),
]  # fmt: skip


def segment(number: int, name: str, sellers: int, **more: Any) -> Segment:
    given = {
        "gmv": [("USD", 1_234_567, 0.5), ("JPY", 9_000, 0.1)],
        "effects": [("late_shipment_rate", 1.6), ("orders_30d", -0.7)],
        "risk": (wilson(30, 100), 100), "risk_ds": date(2026, 4, 30), "owner": OWNER,
        "watch_value": 2_010.4, **more,
    }  # fmt: skip
    return Segment(number, name, sellers, sellers / 1_000, **given)


@pytest.fixture
def page() -> dict[str, Any]:
    segments = [
        segment(4, f"Ships late {HOSTILE}", 300), segment(7, "Large", 200),
        segment(0, "new or low history", 500, effects=[], risk=None),
    ]  # fmt: skip
    counts = {(7, 4): 40, (4, 4): 250, (-1, 4): 12, (7, 7): 200}
    return segments_page.page(segments, FLOWS, counts, SHEET, HEALTH, date(2026, 6, 30), "3")


def test_the_headline_names_the_largest_segment_that_behaviour_made(page) -> None:
    assert page["headline"].startswith("1,000 sellers in 3 segments; the largest is “Ships late")


def test_a_change_is_told_in_parts_that_name_family_and_segment(page) -> None:
    first = page["segments"][0]
    assert first["change"] == "+52 sellers, +5.0 points"
    assert first["parts"] == [
        "+40 moved in from “Large” (shipping +30, size +10)", "+12 new here",
    ]  # fmt: skip
    assert page["segments"][-1]["name"] == "new or low history"


def test_money_is_in_major_units_of_its_currency(page) -> None:
    assert page["segments"][0]["gmv"] == ["USD\u00a012,346 (50%)", "JPY\u00a09,000 (10%)"]


def test_only_what_is_above_its_bound_is_listed_of_the_features(page) -> None:
    labels = [figure["label"] for figure in page["triggers"]]
    assert labels == ["Shares of the segments", "Feature asp"]
    assert page["drifted"] == 1
    assert page["stability"][0]["value"] == "nothing to measure"


def test_of_many_parts_the_largest_are_told(page) -> None:
    flows = [(4, "moved_in", "size", str(n), float(n), 0.0) for n in range(10, 20)]
    told = segments_page._parts(flows, {})
    assert len(told) == segments_page.SHOWN_PARTS + 1
    assert told[0] == "+19 moved in from “19” (size +19)"
    assert told[-1] == "+60 in 5 smaller moves"


def test_migration_has_a_row_for_each_segment_and_for_those_without_a_row_before(page) -> None:
    head, *rows = page["migration"]
    assert head["cells"][-1] == "no row now"
    assert [row["name"] for row in rows][-1] == "no row before"
    assert rows[1] == {"name": "Large", "cells": ["40", "200", "", ""]}


def test_no_text_becomes_markup(page) -> None:
    rendered = html.rendered("segments", page=page)
    assert HOSTILE not in rendered
    assert rendered.count("&lt;img src=x") >= 4
    assert "2,010 (median)" in rendered
    assert "83%" in rendered
