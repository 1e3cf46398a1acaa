"""Listings and their prices: what is planted shows, and an order's price is its listing's."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date
from difflib import SequenceMatcher

import pytest
from pyspark.sql import functions as F

from jobs.simulate import causes, days, offers, orders, parcels, people, wares
from jobs.simulate.plan import CATEGORIES, MARKETS, Plan
from jobs.window import Window, end_of, start_of

pytestmark = pytest.mark.spark

ZONE = "Europe/Berlin"
WINDOW = Window(date(2026, 5, 15), date(2026, 6, 17))  # promotion, price shock and outage inside
PLAN = Plan(7, ZONE, WINDOW.first, WINDOW.last, sellers=120, orders_per_day=120)
MANY = Plan(7, ZONE, WINDOW.first, WINDOW.last, sellers=3_000, orders_per_day=1)
QUIRKS = (*offers.FAULTS, *offers.NEAR_MISSES)


def collected(frame) -> list[dict]:
    return [row.asDict() for row in frame.collect()]


def only(kind: str) -> causes.Cause:
    (found,) = [cause for cause in causes.planned(PLAN.seed, WINDOW) if cause.kind == kind]
    return found


@pytest.fixture(scope="module")
def world(spark) -> dict[str, list[dict]]:
    """Of PLAN: listings with their versions, the lines that were ordered, the last snapshots."""
    sellers = people.sellers(spark, PLAN).persist()
    listings = offers.listings(PLAN, sellers).persist()
    seller_days = days.seller_days(spark, PLAN, sellers)
    sent = parcels.parcels(orders.placed(PLAN, seller_days))
    lines = orders.lines(PLAN, sent, listings).withColumn("placed", F.unix_micros("placed_at"))
    versions = offers.listing_versions(PLAN, listings)
    snapshots = days.listing_snapshots(seller_days, PLAN, listings)
    try:
        return {
            "listings": collected(listings.withColumn("closed", F.unix_micros("closed_at"))),
            "truth": collected(offers.truth(listings)),
            "causes": collected(causes.truth(spark, PLAN)),
            "versions": collected(versions.withColumn("at", F.unix_micros("occurred_at"))),
            "lines": collected(lines.select(
                "order_id", "placed", "coupon", "listing_id", "category", "unit_price_minor",
                F.to_date(F.from_utc_timestamp("placed_at", ZONE)).alias("day"),
            )),
            "gone": collected(snapshots.where("not active")),
        }  # fmt: skip
    finally:
        listings.unpersist()
        sellers.unpersist()


@pytest.fixture(scope="module")
def many(spark) -> dict[str, dict]:
    """Of MANY: every listing as it was put up, with its truth."""
    sellers = people.sellers(spark, MANY)
    listings = offers.listings(MANY, sellers)
    kinds = sellers.select("seller_id", "kind", "main_category")
    rows = collected(wares.texts(listings).join(F.broadcast(kinds), "seller_id"))
    return {row["listing_id"]: row for row in rows}


def test_a_longer_window_changes_no_earlier_version(spark, world) -> None:
    """Not even one that reaches into the next quarter, which has a price step of its own."""
    longer = replace(PLAN, last=date(2026, 9, 20))
    listings = offers.listings(longer, people.sellers(spark, longer))
    versions = offers.listing_versions(longer, listings)
    rows = collected(versions.withColumn("at", F.unix_micros("occurred_at")))
    assert "2026q3" in {row["version"] for row in rows}
    end = end_of(WINDOW.last, ZONE).timestamp() * 1e6
    shared = [[row for row in some if row["at"] < end] for some in (rows, world["versions"])]
    known = [{(row["listing_id"], row["version"]): row for row in some} for some in shared]
    assert known[0] == known[1]


def test_a_takedown_names_a_listing_that_breaks_a_policy_where_there_is_one(spark, many) -> None:
    sellers = people.sellers(spark, MANY)
    events = days.policy_events(
        days.seller_days(spark, MANY, sellers), MANY, offers.listings(MANY, sellers)
    )
    taken = collected(events.where("event = 'listing_takedown'"))
    breaching = {row["seller_id"] for row in many.values() if row["fault"] == "policy"}
    named = [many[row["listing_id"]] for row in taken]
    assert any(row["seller_id"] in breaching for row in taken)
    for row, listing in zip(taken, named, strict=True):
        assert listing["seller_id"] == row["seller_id"]
        if row["seller_id"] in breaching:
            assert listing["fault"] == "policy"
            assert listing["policy_code"] == row["policy_code"]


def versions_of(world) -> dict[str, list[dict]]:
    found = defaultdict(list)
    for row in sorted(world["versions"], key=lambda row: row["at"]):
        found[row["listing_id"]].append(row)
    return found


def test_an_order_costs_what_its_listing_said_at_that_time(world) -> None:
    versions = versions_of(world)
    assert len(world["lines"]) > 3_000
    for line in world["lines"]:
        newest = [v for v in versions[line["listing_id"]] if v["at"] <= line["placed"]][-1]
        assert newest["price_minor"] == line["unit_price_minor"]
        assert newest["category"] == line["category"]
        assert newest["status"] == "active"


def test_a_price_step_shows_in_every_listing_of_its_category(world) -> None:
    shock, stepped = only("price_shock"), 0
    begin = start_of(shock.first_day, ZONE).timestamp() * 1e6
    for rows in versions_of(world).values():
        before = None
        for row in rows:
            if row["version"] == "2026q2":
                stepped += 1
                assert row["category"] == shock.category
                assert row["at"] == begin
                step = before["price_minor"] * shock.size_ratio
                assert row["price_minor"] == pytest.approx(step, abs=1)
            before = row
    open_ = [
        row for row in world["listings"]
        if row["category"] == shock.category and row["created_at"].date() < shock.first_day
        and (row["closed_at"] is None or row["closed_at"].date() > shock.first_day)
    ]  # fmt: skip
    assert stepped == len(open_) > 5
    ordered = [line for line in world["lines"] if line["category"] == shock.category]
    assert {line["placed"] < begin for line in ordered} == {True, False}


def test_nothing_is_ordered_in_an_outage(world) -> None:
    (told,) = [row for row in world["causes"] if row["kind"] == "outage"]
    begin, end = (told[name].replace(tzinfo=UTC).timestamp() * 1e6
                  for name in ("from_at", "until_at"))  # fmt: skip
    placed = [line["placed"] for line in world["lines"] if line["day"] == told["first_day"]]
    assert not [at for at in placed if begin <= at < end]
    assert {at < begin for at in placed} == {True, False}
    hours = only("outage").hours
    assert (end - begin) / 3.6e9 == hours[1] - hours[0]
    other_days = [line for line in world["lines"] if line["day"] != told["first_day"]]
    inside = [line for line in other_days if begin <= _same_clock(line, told) < end]
    expected = float(told["size_ratio"]) * len({line["order_id"] for line in other_days})
    count = len({line["order_id"] for line in inside})
    assert abs(count - expected) < 4 * math.sqrt(expected)


def _same_clock(line: dict, told: dict) -> float:
    """The line's time of day, on the day of the outage: no clock changes in between."""
    return line["placed"] + (told["first_day"] - line["day"]).days * 86_400e6


def test_a_promotion_brings_coupons(world) -> None:
    promotion, coupons, placed = only("promotion"), Counter(), Counter()
    for order in {line["order_id"]: line for line in world["lines"]}.values():
        promoted = promotion.first_day <= order["day"] <= promotion.last_day
        placed[promoted] += 1
        coupons[promoted] += order["coupon"]
    for promoted, share in ((True, causes.PROMOTION_COUPONS), (False, causes.COUPONS)):
        within(coupons[promoted], placed[promoted], share)


def test_the_truth_tells_every_listing_and_every_cause(world) -> None:
    told = [row["listing_id"] for row in world["truth"]]
    assert len(set(told)) == len(told)
    assert set(told) == {row["listing_id"] for row in world["versions"]}
    assert {row["cause_id"]: float(row["size_ratio"]) for row in world["causes"]} == {
        cause.cause_id: cause.size_ratio for cause in causes.planned(PLAN.seed, WINDOW)
    }


def test_a_closed_seller_lists_nothing(world) -> None:
    closed = {row["listing_id"]: row["closed"] for row in world["listings"] if row["closed"]}
    last = {name: rows[-1] for name, rows in versions_of(world).items()}
    inactive = {name: row["at"] for name, row in last.items() if row["status"] == "inactive"}
    assert inactive == closed
    assert {row["listing_id"] for row in world["gone"]} == set(closed)
    assert not [row for row in world["gone"] if row["in_stock"]]


def test_faults_and_near_misses_have_their_shares(many) -> None:
    quirks = Counter((row["kind"] in offers.TROUBLED, quirk_of(row)) for row in many.values())
    listings = Counter(row["kind"] in offers.TROUBLED for row in many.values())
    for troubled, total in listings.items():
        for name, share in offers.QUIRKS.items():
            if name in ("none", *offers.COPIES):
                continue
            planted = offers.TROUBLED_POLICY if troubled and name == "policy" else share
            within(quirks[troubled, name], total, planted)
    for name in offers.COPIES:  # a few find nothing to copy
        found = quirks[True, name] + quirks[False, name]
        assert found / len(many) == pytest.approx(offers.QUIRKS[name], rel=0.25)
    faulty = sum(row["fault"] is not None for row in many.values())
    assert 0.10 < faulty / len(many) < 0.14


def test_prices_are_as_odd_as_they_are_said_to_be(many) -> None:
    for row in many.values():
        usual = CATEGORIES[row["true_category"]] * MARKETS[row["marketplace"]].minor_per_cent
        if row["fault"] == "overpriced" or row["near_miss"] == "luxury":
            assert 2.49 < row["price"] / usual < 6.01
        if row["fault"] == "overpriced":
            assert row["fair_price"] / usual < 2.1
            assert row["price"] > 1.2 * row["fair_price"]
        else:
            assert row["price"] == row["fair_price"]
        assert (row["category"] != row["true_category"]) == (row["fault"] == "miscategorised")
        assert (row["policy_code"] is not None) == (row["fault"] == "policy")


def test_a_duplicate_resembles_its_original_and_something_similar_less(many) -> None:
    own, likeness = Counter(), defaultdict(list)
    for row in many.values():
        original = many.get(row["original_listing_id"] or row["similar_listing_id"])
        assert (original is not None) == (quirk_of(row) in offers.COPIES)
        if original is None:
            continue
        assert quirk_of(original) == "none"
        assert original["created_at"] < row["created_at"]
        for name in ("marketplace", "category", "currency", "image_count"):
            assert original[name] == row[name]
        repriced = original["changed_at"] <= row["created_at"]
        shown = original["new_price"] if repriced else original["price"]
        duplicate = row["fault"] == "duplicate"
        assert row["price"] == pytest.approx(shown, rel=0.03 if duplicate else 0.16)
        own[original["seller_id"] == row["seller_id"]] += duplicate
        likeness[duplicate].append(alike(original, row))
        if not duplicate:
            assert original["colour"] != row["colour"]
    assert min(likeness[True]) > 0.8
    assert min(own.values()) > 50
    strangers = list(many.values())[:200]
    unlike = [alike(*pair) for pair in zip(strangers[::2], strangers[1::2], strict=True)]
    assert sum(unlike) / len(unlike) < 0.6


def test_texts_are_varied_sloppy_and_hostile(many) -> None:
    rows = list(many.values())
    assert {row["text_style"] for row in rows} == set(wares.STYLES)
    assert {row["image_count"] for row in rows} == set(range(9))
    plain = [row for row in rows if row["text_style"] == "plain" and row["fault"] != "duplicate"]
    assert {len(row["title"].split()) for row in plain} == set(range(4, 10))
    assert len({row["title"] for row in plain}) > 0.85 * len(plain)
    assert not [row for row in plain if "%" in row["description"] or "null" in row["description"]]
    bad = [row for row in plain if row["fault"] == "policy"]
    for code, phrases in wares.BREACHES.items():
        said = [row["description"] for row in bad if row["policy_code"] == code]
        endings = {text.rsplit(" ", 1)[-1] for text in said}
        assert len(endings) > 3, code
        assert len(phrases) == 7
    formulas = [row["title"] for row in rows if row["text_style"] == "formula"]
    assert {title[0] for title in formulas} <= set("=+-@tTn")
    own_words = [row for row in rows if any("぀" <= c <= "鿿" for c in row["description"] or "")]
    assert {row["marketplace"] for row in own_words} == {"JP"}


def test_the_vocabulary_is_as_regular_as_it_is_drawn_from() -> None:
    assert list(wares.WARES) == list(CATEGORIES)
    for sort in ("nouns", "materials", "precious", "brands", "sizes", "uses"):
        words = [getattr(ware, sort) for ware in wares.WARES.values()]
        assert len({len(some) for some in words}) == 1, sort
    for table in (wares.COLOURS, wares.CONDITIONS, wares.OPENINGS, wares.STATES, wares.PURPOSES,
                  wares.CLOSINGS):  # fmt: skip
        assert len({len(words) for words in table.values()}) == 1
    single = [word for ware in wares.WARES.values() for word in (*ware.materials, *ware.sizes)]
    assert not [word for word in single if " " in word]


def quirk_of(row: dict) -> str:
    return row["fault"] or row["near_miss"] or "none"


def alike(one: dict, other: dict) -> float:
    """Likeness of two texts from 0 to 1, by their longest common parts."""
    texts = [f"{row['title']} {row['description'] or ''}".lower()[:600] for row in (one, other)]
    return SequenceMatcher(None, *texts, autojunk=False).ratio()


def within(count: int, total: int, share: float) -> None:
    """Binomial, 4 standard deviations."""
    spread = math.sqrt(total * share * (1 - share))
    assert abs(count - total * share) < 4 * spread, (count, total, share)
