"""The parts of a segment's change add up, for sizes and for shares."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.seller_segments.flows import PER_UNIT, denominator, families, moves, parts
from tests.ml.seller_segments.conftest import ENDS
from tests.support.behaviours import as_behaviour

ABSENT, NEW = -1, 0
FAMILIES = ["shipping", "size", "history"]


def test_by_hand() -> None:
    counts = {
        (1, 1): (50, (0, 0, 0)), (1, 2): (10, (900, 100, 0)), (ABSENT, 1): (5, (0, 0, 0)),
        (2, ABSENT): (3, (0, 0, 0)), (NEW, 2): (4, (0, 0, 4)), (2, 2): (20, (0, 0, 0)),
    }  # fmt: skip
    found = parts(counts, {1: 60, 2: 24, NEW: 4}, FAMILIES)
    said = {(p.segment, p.part, p.family, p.other): p.sellers for p in found}
    assert said == {
        (1, "entered", "", None): 5, (2, "left", "", None): -3,
        (2, "moved_in", "shipping", 1): pytest.approx(9),
        (1, "moved_out", "shipping", 2): pytest.approx(-9),
        (2, "moved_in", "size", 1): pytest.approx(1),
        (1, "moved_out", "size", 2): pytest.approx(-1),
        (2, "moved_in", "history", 0): 4, (0, "moved_out", "history", 2): -4,
        (2, "model_changed", "", None): -1,
    }  # fmt: skip


SEGMENTS = st.sampled_from([ABSENT, NEW, 1, 2, 3])
MOVED = st.tuples(SEGMENTS, SEGMENTS).filter(lambda pair: pair != (ABSENT, ABSENT))
WEIGHTS = st.tuples(st.integers(1, 50), st.tuples(*[st.integers(0, 900)] * 3))


@given(
    st.dictionaries(MOVED, WEIGHTS, min_size=1),
    st.dictionaries(st.sampled_from([NEW, 1, 2, 3, 9]), st.integers(1, 99), min_size=1),
)
def test_the_parts_add_up(counts, published) -> None:
    now: Counter[int] = Counter()
    for (_, after), (sellers, _) in counts.items():
        if after != ABSENT:
            now[after] += sellers
    total, total_before = sum(now.values()), sum(published.values())
    found = parts(counts, published, FAMILIES)
    for segment in {*now, *published}:
        mine = [part.sellers for part in found if part.segment == segment]
        assert sum(mine) == pytest.approx(now[segment] - published.get(segment, 0))
        if total:
            share = sum(n / total for n in mine)
            if segment in published:
                share += denominator(published[segment], total_before, total)
            change = now[segment] / total - published.get(segment, 0) / total_before
            assert share == pytest.approx(change)


def test_a_seller_who_ships_late_from_now_on_moves_by_shipping(segments, segment_months) -> None:
    changed = segment_months.copy()
    last = changed["ds"] == ENDS[-1]
    before = moves(segments, as_behaviour(changed), ENDS[-2], ENDS[-1])
    slow = next(n for n, name in segments.names.items() if "late" in name.lower())
    stays = [n for n in segments.ids if n != slow]
    chosen = segment_months.loc[last, "seller_id"].to_numpy()[: len(before.now)][
        np.isin(before.now, stays) & (before.before == before.now)
    ][:20]  # fmt: skip
    # Two month-ends: once is not enough to move.
    mine = changed["ds"].isin(ENDS[-2:]) & changed["seller_id"].isin(chosen)
    for name, value in (("late_shipment_rate", 0.9), ("on_time_delivery_rate", 0.05),
                        ("valid_tracking_rate", 0.2), ("avg_handling_hours", 500.0)):  # fmt: skip
        changed.loc[mine, name] = value
    after = moves(segments, as_behaviour(changed), ENDS[-2], ENDS[-1])
    moved = (after.before != after.now) & (after.now == slow)
    assert moved.sum() >= 8
    by_family = dict(zip(families(segments), after.families[moved].sum(axis=0), strict=True))
    assert max(by_family, key=lambda name: by_family[name]) == "shipping"
    assert (after.families >= 0).all()
    went = (after.before != after.now) & (after.before != ABSENT) & (after.now != ABSENT)
    assert (after.families[went].sum(axis=1) == PER_UNIT).all()  # each mover is one seller
    assert not after.families[after.before == after.now].any()
