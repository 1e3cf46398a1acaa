"""Keyed draws in NumPy: even, independent, and of nothing but seed, purpose, id and day."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.simulate import keyed
from jobs.simulate.keyed import Chances, luck

IDS = np.arange(40_000, dtype=np.int64)
LUCK = luck(7, "test", IDS)
KNOWN = ["0x97e59ef2af9ca479", "0x3d6b4b234ba73b6d"]


def correlation(one, other) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_a_known_draw_stays_what_it_is() -> None:
    """Another hash would be another world, on every machine."""
    assert luck(7, "test", np.array([0, 1, 2**40]))[1] == LUCK[1]
    assert [hex(int(bits)) for bits in luck(7, "test", np.array([0, 1]))] == KNOWN


def test_uniforms_are_even_over_ids_and_over_days() -> None:
    by_id = keyed.uniform(LUCK, 739_000)
    by_day = keyed.uniform(LUCK[:1], np.arange(40_000))
    for drawn in (by_id, by_day):
        counts, _ = np.histogram(drawn, bins=50, range=(0, 1))
        chi_square = ((counts - 800) ** 2 / 800).sum()
        assert 0 <= drawn.min() < drawn.max() < 1
        assert 20 < chi_square < 95  # 49 degrees of freedom: 1 in 10,000 lies outside


def test_neighbours_in_id_day_seed_and_purpose_are_independent() -> None:
    drawn = keyed.uniform(LUCK, 100)
    others = [
        keyed.uniform(LUCK, 101),
        np.roll(drawn, 1),
        keyed.uniform(luck(8, "test", IDS), 100),
        keyed.uniform(luck(7, "tests", IDS), 100),
    ]
    assert max(abs(correlation(drawn, other)) for other in others) < 0.025


def test_normals_are_normal_and_come_in_independent_pairs() -> None:
    one, two = keyed.normals(LUCK, 5)
    for drawn in (one, two):
        assert drawn.dtype == np.float32
        assert abs(drawn.mean()) < 0.02
        assert drawn.std() == pytest.approx(1, abs=0.015)
        assert (np.abs(drawn) < 1.96).mean() == pytest.approx(0.95, abs=0.005)
    assert abs(correlation(one, two)) < 0.02
    assert abs(correlation(one**2, two**2)) < 0.02


def test_waiting_times_and_counts_have_their_mean_and_spread() -> None:
    assert keyed.exponential(LUCK).mean() == pytest.approx(1, abs=0.02)
    for mean in (0.05, 2.0, 30.0):
        counts = keyed.poisson(np.full(len(IDS), mean), LUCK, 3)
        assert counts.mean() == pytest.approx(mean, rel=0.08 if mean < 1 else 0.02)
        assert counts.var() == pytest.approx(mean, rel=0.1 if mean < 1 else 0.04)
    with pytest.raises(ValueError, match="means up to"):
        keyed.poisson(np.array([500.0]), LUCK[:1])


def test_a_draw_depends_on_no_other_row() -> None:
    some = np.array([3, 39_999, 17], np.int64)
    for draw in (keyed.uniform, keyed.normal, keyed.exponential):
        assert np.array_equal(draw(luck(7, "test", some), 12), draw(LUCK, 12)[some])
    days = np.array([11, 12, 13])
    assert np.array_equal(keyed.uniform(LUCK[:, None], days)[:, 1], keyed.uniform(LUCK, 12))


def test_another_world_has_draws_of_its_own_under_the_same_purpose() -> None:
    here, future = Chances(7, IDS), Chances(7, IDS, ("future 1 ",))
    assert np.array_equal(here.uniform("x", 4), Chances(7, IDS).uniform("x", 4))
    assert abs(correlation(here.uniform("x", 4), future.uniform("x", 4))) < 0.025
