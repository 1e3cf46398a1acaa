"""Whether a refit found the same segments."""

from __future__ import annotations

import numpy as np
import pytest

from conf.model_settings import Identity
from ml.seller_segments.identity import best_jaccards, jaccard, matched

RULES = Identity(ari_least=0.8, jaccard_least=0.6)
OLD = np.repeat([4, 5, 6], [50, 30, 20])


def test_other_numbers_for_the_same_groups_are_the_same_segments() -> None:
    new = np.select([OLD == 4, OLD == 5], [2, 3], 1)
    match = matched(OLD, new, [4, 5, 6], [1, 2, 3])
    assert match.pairs == {4: 2, 5: 3, 6: 1}
    assert match.ari == 1
    assert set(match.jaccards.values()) == {1.0}
    assert match.holds(RULES)


def test_the_overlap_decides_and_not_the_nearest_name() -> None:
    new = np.concatenate([np.full(45, 1), np.full(35, 2), np.full(20, 3)])
    match = matched(OLD, new, [4, 5, 6], [1, 2, 3])
    assert match.pairs == {4: 1, 5: 2, 6: 3}
    assert match.jaccards[4] == pytest.approx(45 / 50)
    assert match.overlap.tolist() == [[45, 5, 0], [0, 30, 0], [0, 0, 20]]


@pytest.mark.parametrize("change", ["another number", "one that is lost", "mixed up"])
def test_what_is_not_the_same_gets_another_identity(change: str) -> None:
    new, ids = OLD - 3, [1, 2, 3]
    if change == "another number":
        new, ids = np.where(np.arange(100) < 25, 4, new), [1, 2, 3, 4]
    elif change == "one that is lost":
        new = np.where((new == 3) & (np.arange(100) % 2 == 0), 1, new)
    else:
        new = np.random.default_rng(0).permutation(new)
    assert not matched(OLD, new, [4, 5, 6], ids).holds(RULES)


def test_a_segment_is_found_again_as_the_best_of_the_other_ones() -> None:
    other = np.repeat([0, 1, 2, 3], [40, 10, 30, 20])
    assert best_jaccards(np.repeat([0, 1, 2], [50, 30, 20]), other, 3) == pytest.approx([0.8, 1, 1])


def test_nobody_has_no_jaccard() -> None:
    nobody = np.zeros(3, bool)
    assert jaccard(nobody, nobody) == 0
