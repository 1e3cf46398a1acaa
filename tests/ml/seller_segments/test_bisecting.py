"""Bisecting k-means by Spark's rule: level by level, the larger first."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from ml.seller_segments.bisecting import centres, cheapest, inertia, labels
from ml.seller_segments.nearest import squared_distances


def blobs(sizes: list[int], places: list[list[float]], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([
        rng.normal(place, 0.3, (size, 2)) for size, place in zip(sizes, places, strict=True)
    ]) + 10  # fmt: skip


FOUR = blobs([400, 300, 200, 100], [[0, 0], [0, 3], [20, 0], [20, 3]])
TRUTH = np.repeat([0, 1, 2, 3], [400, 300, 200, 100])


def test_one_run_gives_every_k_and_of_three_the_larger_half_is_split() -> None:
    found = centres(FOUR, np.ones(1000), [2, 3, 4], 1, 10)
    assert {k: len(one) for k, one in found.items()} == {2: 2, 3: 3, 4: 4}
    assert adjusted_rand_score(TRUTH, labels(FOUR, found[4])) == 1
    of_three = labels(FOUR, found[3])
    assert len(set(of_three[TRUTH < 2])) == 2
    assert len(set(of_three[TRUTH >= 2])) == 1


def test_what_cannot_be_split_is_not() -> None:
    rows = np.repeat([[1.0, 1.0], [2.0, 2.0]], 50, axis=0)
    assert sorted(centres(rows, np.ones(100), [2, 3, 4], 1, 10)) == [2]


def test_a_row_counts_as_often_as_it_weighs() -> None:
    weight = np.where(TRUTH == 0, 0.0, 1.0)
    found = centres(FOUR, weight, [3], 1, 10)[3]
    plain = centres(FOUR[TRUTH > 0], np.ones(600), [3], 1, 10)[3]
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(plain, axis=0))


def test_the_cheapest_of_the_seeds_is_taken() -> None:
    rng = np.random.default_rng(3)
    rows, ones = rng.random((500, 4)) + 10, np.ones(500)
    each = [inertia(rows, ones, centres(rows, ones, [5], seed, 3)[5]) for seed in range(6)]
    best = cheapest(rows, ones, [5], range(6), 3)[5]
    assert inertia(rows, ones, best) == min(each) < max(each)


def test_distances_do_not_depend_on_how_many_rows_there_are() -> None:
    rng = np.random.default_rng(0)
    rows, found = rng.random((1_001, 16)), rng.random((5, 16))
    whole = squared_distances(rows, found)
    for part in (slice(0, 1), slice(7, 100), slice(500, 1_001)):
        np.testing.assert_array_equal(squared_distances(rows[part], found), whole[part])
