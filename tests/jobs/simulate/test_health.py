"""Hidden lives of sellers: the same however they are asked for, and sensible as a marketplace."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date

import numpy as np
import pytest

from jobs.simulate import lives as module
from jobs.simulate.enforcement import ACTIONS, CAUSES, SUSPENSION
from jobs.simulate.health import BURST_DAYS
from jobs.simulate.kinds import BUST_OUT, NAMES, NEVER, RING
from jobs.simulate.lives import Lives, lives, picked
from jobs.simulate.rates import RATES
from jobs.simulate.risk import HORIZON, at_risk, risk_60d

FIRST, DAYS, SEED = date(2025, 3, 1), 420, 11
SELLERS = np.arange(2_000, dtype=np.int64)
KEPT = (120, 200, 280, 359)


@pytest.fixture(scope="module")
def world() -> Lives:
    return lives(SEED, SELLERS, FIRST, DAYS, keep=KEPT)


@pytest.fixture(scope="module")
def foreseen(world) -> dict[int, np.ndarray]:
    return {day: risk_60d(world, day, futures=4) for day in KEPT}


def same(one, other) -> None:
    """Equal to the last bit, array by array."""
    if is_dataclass(one):
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same(one[key], other[key])
    else:
        assert np.array_equal(one, other)


def daily(world: Lives) -> dict[str, np.ndarray]:
    names = ("health", "intensity", "hazard", "warned", "ads_known", "messaging")
    return {name: getattr(world, name) for name in names} | world.rates


def struck(world: Lives, day: int) -> np.ndarray:
    """Who is acted on within the horizon after the day."""
    soon = (world.actions.day > day) & (world.actions.day <= day + HORIZON)
    return np.bincount(world.actions.row[soon], minlength=len(world.traits.size)) > 0


def test_chunks_change_nothing(monkeypatch) -> None:
    whole = lives(SEED, SELLERS[:700], FIRST, 90, keep=(50,))
    monkeypatch.setattr(module, "CHUNK", 111)
    same(whole, lives(SEED, SELLERS[:700], FIRST, 90, keep=(50,)))


def test_company_and_order_change_nothing() -> None:
    rows = np.array([411, 3, 699, 40])
    whole = lives(SEED, SELLERS[:700], FIRST, 90)
    some = lives(SEED, SELLERS[rows], FIRST, 90)
    same(some.traits, picked(whole.traits, rows))
    same(daily(some), {name: array[rows] for name, array in daily(whole).items()})


def test_more_days_never_change_earlier_ones(world) -> None:
    shorter = lives(SEED, SELLERS, FIRST, 201, keep=KEPT)
    same(shorter.traits, world.traits)
    same(daily(shorter), {name: array[:, :201] for name, array in daily(world).items()})
    same(shorter.kept[200], world.kept[200])
    for name in ("actions", "papers"):
        longer = getattr(world, name)
        early = longer.day < 201
        for field in fields(longer):
            same(getattr(getattr(shorter, name), field.name), getattr(longer, field.name)[early])


def test_the_seed_decides() -> None:
    one, again, other = (lives(seed, SELLERS[:200], FIRST, 60) for seed in (1, 1, 2))
    same(one, again)
    assert not np.array_equal(one.health, other.health)
    assert not np.array_equal(one.traits.size, other.traits.size)


def test_arrays_are_whole_and_within_their_ranges(world) -> None:
    for name, array in daily(world).items():
        assert array.shape == (len(SELLERS), DAYS), name
        assert np.isfinite(array).all(), name
        assert array.min() >= 0, name
        hours = name in RATES and RATES[name].hours
        assert hours or name == "intensity" or array.max() <= 1, name
    assert world.health.dtype == world.rates["late"].dtype == np.float32
    assert world.traits.size.mean() == pytest.approx(1, abs=0.15)


def test_every_kind_cause_and_action_exists(world) -> None:
    assert set(world.traits.kind) == set(range(len(NAMES)))
    assert set(world.actions.action) == set(range(len(ACTIONS)))
    assert set(world.actions.cause) == set(range(len(CAUSES)))


def test_sellers_come_and_go(world) -> None:
    entry = world.traits.entry
    joined = [((start <= entry) & (entry < start + 100)).sum() for start in (0, 100, 200, 300)]
    assert min(joined) > 40
    assert (entry < -365).mean() > 0.2
    assert ((world.traits.leaves > 0) & (world.traits.leaves < DAYS)).sum() > 100
    before = np.arange(DAYS) < entry[:, None]
    after = np.arange(DAYS) >= world.traits.leaves[:, None]
    assert not world.intensity[before | after].any()
    assert not world.hazard[before | after].any()


def test_the_suspended_sell_nothing_until_reinstated(world) -> None:
    took, who = world.actions, world.traits
    back = 0
    for n in np.flatnonzero(took.action == SUSPENSION):
        row, until = took.row[n], took.until[n]
        assert not world.intensity[row, took.day[n] + 1 : until].any()
        assert not world.hazard[row, took.day[n] + 1 : until].any()
        if until < min(DAYS, who.leaves[row]) and who.kind[row] != BUST_OUT:
            back += 1
            assert world.intensity[row, until] > 0
    assert back > 20
    assert (took.until[took.action != SUSPENSION] < NEVER).all()
    assert (took.until > took.day).all()


def test_bust_outs_burst_and_vanish(world) -> None:
    burst = world.kept[KEPT[-1]].burst
    rows = np.flatnonzero((burst > 60) & (burst + BURST_DAYS < DAYS))
    assert len(rows)
    assert (world.traits.kind[rows] == BUST_OUT).all()
    for row in rows:
        vanished = burst[row] + int(BURST_DAYS)
        assert not world.intensity[row, vanished:].any()
        sold = world.intensity[row, burst[row] + 20 : vanished]
        before = world.intensity[row, burst[row] - 30 : burst[row]]
        if sold.all() and before.all():  # neither suspended nor new
            assert sold.mean() > 1.5 * before.mean()


def test_a_ring_shares_its_id_and_is_found_out_as_one(world) -> None:
    ring, caught = world.traits.ring, world.kept[KEPT[-1]].caught
    assert ((ring >= 0) == (world.traits.kind == RING)).all()
    members = [caught[ring == number] for number in np.unique(ring[ring >= 0])]
    assert max(map(len, members)) > 1
    assert all(len(set(days)) == 1 for days in members)
    assert (caught < NEVER).any()


def test_health_shows_in_many_metrics_and_in_none_alone(world) -> None:
    joined = world.intensity[:, 300] > 0
    health = world.health[joined, 300]
    for name, array in world.rates.items():
        tie = np.corrcoef(np.log(array[joined, 300]), np.log(1 / health - 1))[0, 1]
        tie = -tie if name == "buy_box" else tie
        assert 0.25 < tie < 0.95, name


def test_data_is_missing_at_the_new_more_often(world) -> None:
    here = world.intensity > 0
    new = here & (np.arange(DAYS) - world.traits.entry[:, None] < 90)
    assert 0.09 < 1 - world.ads_known[here].mean() < 0.15
    assert 0.02 < 1 - world.messaging[here].mean() < 0.06
    for known, less in ((world.ads_known, 0.05), (world.messaging, 0.03)):
        assert known[new].mean() < known[here & ~new].mean() - less


def test_advertising_is_unknown_for_the_30_days_that_end_with_a_month(world) -> None:
    for month_end in (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)):
        last = (month_end - FIRST).days
        unknown = ~world.ads_known[:, last - 14]
        assert 0.05 < unknown.mean() < 0.2
        assert not world.ads_known[unknown, last - 29 : last + 1].any()
        assert (unknown == ~world.ads_known[:, last - 20]).all()  # from month to month, not by day
        assert (unknown == world.ads_known[:, last + 14]).any()


def test_actions_are_as_rare_as_they_should_be(world) -> None:
    shares = [struck(world, day)[at_risk(world, day)].mean() for day in KEPT]
    assert 0.05 < np.mean(shares) < 0.11


def test_risk_is_a_chance_and_tells_how_many_are_struck(world, foreseen) -> None:
    rows = {day: at_risk(world, day) for day in KEPT}
    for day in KEPT:
        assert foreseen[day].min() >= 0
        assert foreseen[day].max() <= 1
        assert not foreseen[day][~rows[day]].any()
    risk = np.concatenate([foreseen[day][rows[day]] for day in KEPT])
    real = np.concatenate([struck(world, day)[rows[day]] for day in KEPT])
    assert risk.mean() == pytest.approx(real.mean(), abs=0.015)
    for low, high, band in ((0, 0.05, 0.01), (0.05, 0.3, 0.07), (0.3, 0.7, 0.15), (0.7, 1, 0.12)):
        within = (risk >= low) & (risk < high)
        assert within.sum() > 30
        assert risk[within].mean() == pytest.approx(real[within].mean(), abs=band)


def test_risk_rises_as_health_falls(world, foreseen) -> None:
    rows = at_risk(world, 280)
    health, risk = world.health[rows, 280], foreseen[280][rows]
    edges = np.quantile(health, (0.1, 0.3, 0.6))
    means = [risk[np.searchsorted(edges, health) == n].mean() for n in range(4)]
    assert means == sorted(means, reverse=True)
    assert means[0] > 5 * means[-1]


def test_risk_does_not_look_ahead() -> None:
    """The world that ends on the day, and the one that goes on, see the same chances."""
    ended = lives(SEED, SELLERS[:300], FIRST, 121, keep=(120,))
    went_on = lives(SEED, SELLERS[:300], FIRST, 200)  # has not kept the day: runs up to it again
    assert np.array_equal(risk_60d(ended, 120, 2), risk_60d(went_on, 120, 2))
