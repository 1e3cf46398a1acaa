"""What moves orders and prices from outside: the same for every window, as large as planted."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from jobs.simulate import causes, latent
from jobs.simulate.causes import SIZE_OF, Cause, demand, planned
from jobs.simulate.draws import HOUR_WEIGHTS
from jobs.simulate.lives import Lives, lives
from jobs.simulate.plan import CATEGORIES, MARKETS, Plan
from jobs.window import Window

QUARTER = Window(date(2026, 4, 1), date(2026, 6, 30))
LONG = Window(date(2024, 11, 20), date(2026, 8, 15))
SEEDS = range(20)
OF_A_QUARTER = {"outage", "promotion", "price_shock", "category_collapse"}
PLAN = Plan(7, "UTC", QUARTER.first, QUARTER.last, sellers=1_200, orders_per_day=2_000)


@pytest.fixture(scope="module")
def world() -> Lives:
    return lives(PLAN.seed, np.arange(PLAN.sellers, dtype=np.int64), PLAN.first, PLAN.days)


def last_day(cause: Cause) -> date:
    return cause.last_day or cause.first_day


def cells(cause: Cause) -> tuple[np.ndarray, np.ndarray]:
    """Of PLAN: the sellers that a cause of demand is about, and its days."""
    market, category = latent.homes(PLAN.seed, np.arange(PLAN.sellers, dtype=np.int64))
    sellers = np.full(PLAN.sellers, True)
    if cause.marketplace:
        sellers &= market == list(MARKETS).index(cause.marketplace)
    if cause.category:
        sellers &= category == list(CATEGORIES).index(cause.category)
    days = [cause.first_day <= day <= last_day(cause) for day in QUARTER]
    return np.flatnonzero(sellers), np.flatnonzero(days)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quarter_has_one_of_each_away_from_its_ends(seed) -> None:
    found = [cause for cause in planned(seed, QUARTER) if cause.kind in OF_A_QUARTER]
    assert Counter(cause.kind for cause in found) == dict.fromkeys(OF_A_QUARTER, 1)
    for cause in found:
        assert cause.first_day >= QUARTER.first + timedelta(10)
        assert last_day(cause) <= QUARTER.last - timedelta(10)
    of = {cause.kind: cause for cause in found}
    assert 1.4 <= of["promotion"].size_ratio <= 1.8
    assert (of["promotion"].last_day - of["promotion"].first_day).days == 2
    collapse, shock = of["category_collapse"], of["price_shock"]
    assert 0.25 <= collapse.size_ratio <= 0.5
    assert 10 <= (collapse.last_day - collapse.first_day).days + 1 <= 25
    assert 1.15 <= shock.size_ratio <= 1.4 or 0.75 <= shock.size_ratio <= 0.9
    assert collapse.category != shock.category
    begin, end = of["outage"].hours
    lost = sum(HOUR_WEIGHTS[begin:end]) / sum(HOUR_WEIGHTS)
    assert of["outage"].size_ratio == pytest.approx(lost, abs=1e-4)


def test_windows_that_share_days_agree_about_them() -> None:
    touching = [
        cause for cause in planned(7, LONG)
        if cause.first_day <= QUARTER.last and last_day(cause) >= QUARTER.first
    ]  # fmt: skip
    assert planned(7, QUARTER) == touching
    begin = (QUARTER.first - LONG.first).days
    shared = demand(7, LONG.first, len(LONG))[:, :, begin : begin + len(QUARTER)]
    assert np.array_equal(demand(7, QUARTER.first, len(QUARTER)), shared)


def test_the_seed_decides_but_for_holidays() -> None:
    one, other = (planned(seed, LONG) for seed in (1, 2))
    assert [c for c in one if c.kind == "holiday"] == [c for c in other if c.kind == "holiday"]
    assert not {c for c in one if c.kind != "holiday"} & {c for c in other if c.kind != "holiday"}
    assert len({cause.cause_id for cause in one}) == len(one)


def test_holidays_lie_where_calendars_say() -> None:
    found = {
        (cause.marketplace, cause.sentence.split(":")[0]): (cause.first_day, cause.last_day)
        for cause in planned(7, Window(date(2026, 1, 1), date(2026, 12, 31)))
        if cause.kind == "holiday"
    }
    single = {
        ("US", "Easter Sunday"): date(2026, 4, 5), ("DE", "Karfreitag"): date(2026, 4, 3),
        ("US", "Memorial Day"): date(2026, 5, 25), ("US", "Labor Day"): date(2026, 9, 7),
        ("US", "Thanksgiving"): date(2026, 11, 26), ("GB", "Black Friday"): date(2026, 11, 27),
        ("US", "Cyber Monday"): date(2026, 11, 30),
        ("GB", "Early May bank holiday"): date(2026, 5, 4),
        ("GB", "Summer bank holiday"): date(2026, 8, 31),
    }  # fmt: skip
    assert {name: found[name] for name in single} == {
        name: (day, day) for name, day in single.items()
    }
    assert found["JP", "Golden Week"] == (date(2026, 4, 29), date(2026, 5, 5))
    assert {market for market, _ in found} == set(MARKETS)


def test_planted_sizes_show_in_the_drawn_counts(world) -> None:
    """Within 4 standard deviations of a Poisson sum; and larger ones could not be overlooked."""
    scale = PLAN.orders_per_day / (PLAN.sellers * latent.SELLING)
    mean = (scale * world.traits.size[:, None] * world.intensity).astype(np.float64)
    moving = [cause for cause in planned(PLAN.seed, QUARTER) if SIZE_OF[cause.kind] == "orders"]
    for cause in moving:
        mean[np.ix_(*cells(cause))] *= cause.size_ratio
    counts = latent.order_counts(PLAN, world)
    assert mean.max() < latent.MOST_ORDERS
    assert abs(counts.sum() - mean.sum()) < 4 * np.sqrt(mean.sum())
    for cause in moving:
        here = np.ix_(*cells(cause))
        drawn, expected = counts[here].sum(), mean[here].sum()
        assert abs(drawn - expected) < 4 * np.sqrt(expected), cause
        if cause.kind in OF_A_QUARTER:
            assert abs(drawn - expected / cause.size_ratio) > 4 * np.sqrt(expected), cause


def test_homes_have_their_shares() -> None:
    sellers = np.arange(20_000, dtype=np.int64)
    market, category = latent.homes(3, sellers)
    shares = [place.share for place in MARKETS.values()]
    for found, wanted in (
        (np.bincount(market), shares),
        (np.bincount(category), [1 / len(CATEGORIES)] * len(CATEGORIES)),
    ):
        for count, share in zip(found, wanted, strict=True):
            spread = np.sqrt(share * (1 - share) * len(sellers))
            assert abs(count - share * len(sellers)) < 4 * spread


def test_every_market_has_holidays() -> None:
    assert set(causes.HOLIDAYS) == set(MARKETS)
