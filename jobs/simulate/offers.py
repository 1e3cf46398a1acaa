"""Listings: what is offered at what price, what is wrong with a few, and their truth.

Copies are made of sound listings only, put up earlier in the same market and category: an
original is found by a window over listings, so that it depends on no partition.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.simulate.causes import price_steps
from jobs.simulate.draws import (
    after,
    between,
    chance,
    draw,
    looked_up,
    luck,
    pick,
    unfolded,
    weighted,
    whole,
)
from jobs.simulate.plan import CATEGORIES, MARKETS, Plan, of_market
from jobs.simulate.wares import CODES, STYLES, texts

OWN_CATEGORY = 0.85
"""Of a seller's listings in his main category, besides those that come to lie there anyway."""
QUIRKS = {
    "policy": 0.03, "overpriced": 0.025, "miscategorised": 0.03, "duplicate": 0.03,
    "luxury": 0.03, "similar": 0.03, "none": 1.0,
}  # fmt: skip
"""Shares of the listings with each fault or near miss; a listing has one at most."""
TROUBLED, TROUBLED_POLICY = ("strained", "ring", "bust_out"), 0.10
"""Kinds of sellers in bad conduct, and the share of their listings that breaks a policy."""
FAULTS, NEAR_MISSES = ("policy", "overpriced", "miscategorised", "duplicate"), ("luxury", "similar")
COPIES = ("duplicate", "similar")
DEAR = (2.5, 6.0)  # times the usual price of the category: overpriced, or genuinely dear
SAME_PRICE, SIMILAR_PRICE = (0.972, 1.028), (0.85, 1.15)  # of a copy against its original
OWN_COPIES = 0.5  # of the copies are of the seller's own listing, if there is one
PRICE_SPREAD = 1.4  # of the log of prices in a category: from half to twice the usual

ORIGINAL = ("listing_id", "luck", "text_style", "price", "new_price", "changed_at")
"""What a copy takes from its original."""


def listings(plan: Plan, sellers: DataFrame) -> DataFrame:
    """Every listing: put up within its seller's first hours, repriced once or never.

    `price` and `new_price` are before the price steps of its category (`price_at`). `text_luck` is
    what its words are drawn with, `luck` what everything else is.
    """
    return _copied(plan, _priced(_put_up(plan, sellers))).select(
        "seller_no", "seller_id", "marketplace", "currency", "slot", "luck", "text_luck",
        "listing_id", "category", "price", "new_price", "created_at", "changed_at", "closed_at",
        "text_style", "true_category", "fair_price",
        F.when(F.col("quirk").isin(*FAULTS), F.col("quirk")).alias("fault"),
        F.when(F.col("quirk").isin(*NEAR_MISSES), F.col("quirk")).alias("near_miss"),
        F.when(F.col("quirk") == "policy", weighted(CODES, "policy code")).alias("policy_code"),
        F.when(F.col("quirk") == "duplicate", F.col("original.listing_id"))
        .alias("original_listing_id"),
        F.when(F.col("quirk") == "similar", F.col("original.listing_id"))
        .alias("similar_listing_id"),
    )  # fmt: skip


def listing_id(slot: Column) -> Column:
    """The id of a seller's listing, by its place among his."""
    return F.concat(F.lit("l"), F.substring("seller_id", 2, 99), F.lit("-"), slot)


def _put_up(plan: Plan, sellers: DataFrame) -> DataFrame:
    """What each is, where it is sorted in, and what is odd about it.

    Only what is sound may say almost nothing: what is odd can be told from the text.
    """
    slots = sellers.select(
        "seller_no", "seller_id", "marketplace", "currency", "kind", "registered_at", "closed_at",
        F.explode(F.sequence(F.lit(1), "listing_count")).alias("slot"),
        F.col("luck").alias("seller_luck"), "main_category",
    )  # fmt: skip
    lucky = slots.withColumn("luck", luck("listing", "seller_luck", "slot"))
    own = F.when(chance(OWN_CATEGORY, "own category"), F.col("main_category"))
    troubled = weighted(QUIRKS | {"policy": TROUBLED_POLICY}, "quirk")
    drawn = lucky.select(
        "*",
        F.coalesce(own, pick(tuple(CATEGORIES), "category")).alias("true_category"),
        F.when(F.col("kind").isin(*TROUBLED), troubled).otherwise(weighted(QUIRKS, "quirk"))
        .alias("quirk"),
        weighted(STYLES, "style").alias("style"),
        listing_id(F.col("slot")).alias("listing_id"),
        after(F.col("registered_at"), F.col("slot")).alias("created_at"),
    )  # fmt: skip
    mute = (F.col("style") == "almost_empty") & (F.col("quirk") != "none")
    elsewhere = F.when(F.col("quirk") == "miscategorised", _other_category())
    return drawn.select(
        "*",
        F.coalesce(elsewhere, "true_category").alias("category"),
        F.when(mute, "plain").otherwise(F.col("style")).alias("text_style"),
        after(F.col("created_at"), between(10, 500, "repriced") * 24).alias("changed_at"),
    )


def _other_category() -> Column:
    """One of the categories that are not the true one."""
    names = f"array({', '.join(map(repr, CATEGORIES))})"
    place = F.expr(f"cast(array_position({names}, true_category) as int)")
    return F.expr(names)[(place + whole(len(CATEGORIES) - 1, draw("other"))) % len(CATEGORIES)]


def _priced(listings: DataFrame) -> DataFrame:
    """A fair price, and the one that is asked: far above it where it is overpriced."""
    scale = of_market({code: market.minor_per_cent for code, market in MARKETS.items()})
    usual = looked_up(CATEGORIES, "true_category") * scale
    spread = F.exp(PRICE_SPREAD * (draw("price") - 0.5))
    dear = F.round(usual * between(*DEAR, "dear")).cast("long")
    priced = listings.select(
        "*",
        F.greatest(F.round(usual * spread).cast("long"), F.lit(1)).alias("ordinary"),
        between(0.85, 1.15, "new price").alias("repricing"),
        F.when(F.col("quirk").isin("overpriced", "luxury"), dear).alias("dear"),
    )
    return _repriced(priced.withColumn("price", F.coalesce("dear", "ordinary")))


def _repriced(listings: DataFrame) -> DataFrame:
    return listings.withColumn(
        "new_price", F.round(F.col("price") * F.col("repricing")).cast("long")
    )


def _copied(plan: Plan, listings: DataFrame) -> DataFrame:
    """Duplicates and what only looks like one get text and price of their original.

    Where there is nothing to copy yet, nothing is odd.
    """
    can_be_copied = (F.col("quirk") == "none") & (F.col("text_style") != "almost_empty")
    second = F.unix_seconds("created_at")
    sound = F.when(can_be_copied, F.struct(second.alias("second"), *ORIGINAL))
    together = Window.partitionBy("marketplace", "category")
    # A seller puts up one an hour: what is older than all his hours is somebody else's.
    older = -plan.listings_a_seller[1] * 3_600
    others = together.orderBy(second).rangeBetween(Window.unboundedPreceding, older)
    own = (
        Window.partitionBy("marketplace", "category", "seller_no").orderBy("slot")
        .rowsBetween(Window.unboundedPreceding, -1)
    )  # fmt: skip
    found = listings.select("*", F.max(sound).over(others).alias("others"),
                            F.max(sound).over(own).alias("own"))  # fmt: skip
    chosen = F.when(chance(OWN_COPIES, "own copy"), F.coalesce("own", "others")).otherwise(
        F.coalesce("others", "own")
    )
    copies = found.withColumn("original", F.when(F.col("quirk").isin(*COPIES), chosen))
    without = F.col("quirk").isin(*COPIES) & F.col("original").isNull()
    return _repriced(copies.select(
        *(name for name in listings.columns if name not in ("quirk", "price", "text_style")),
        "original",
        F.when(without, "none").otherwise(F.col("quirk")).alias("quirk"),
        F.coalesce(_copied_price(), "price").alias("price"),
        F.coalesce(F.when(F.col("quirk") == "overpriced", F.col("ordinary")), _copied_price(),
                   "price").alias("fair_price"),
        F.coalesce("original.text_style", "text_style").alias("text_style"),
        F.coalesce("original.luck", "luck").alias("text_luck"),
    ))  # fmt: skip


def _copied_price() -> Column:
    """A little beside the price that the original has as it is copied."""
    seen = F.expr("if(created_at < original.changed_at, original.price, original.new_price)")
    same = between(*SAME_PRICE, "copied price")
    near = F.when(F.col("quirk") == "duplicate", same).otherwise(
        between(*SIMILAR_PRICE, "copied price")
    )
    return F.greatest(F.round(seen * near).cast("long"), F.when(seen.isNotNull(), 1))


def price_at(plan: Plan, at: str) -> Column:
    """A listing's price at that time (a column): its base or changed price, times the price steps
    of its category that came before, in whole minor units."""
    steps = "".join(
        f" * if(category = {category!r} and {at} >= {instant}, {ratio!r}D, 1D)"
        for _, category, instant, ratio in price_steps(plan)
    )
    asked = f"if({at} < changed_at, price, new_price)"
    return F.expr(f"greatest(cast(round({asked}{steps}) as bigint), 1L)")


def listing_versions(plan: Plan, listings: DataFrame) -> DataFrame:
    """The listing as it was put up, after its change of price, after each price step of its
    category, and no longer active when its seller closes."""
    created, closed = F.col("created_at"), F.col("closed_at")
    steps = {
        quarter: F.when(F.col("category") == category, F.expr(instant))
        for quarter, category, instant, _ in price_steps(plan)
    }
    changes = {
        version: F.when((at > created) & (closed.isNull() | (at < closed)), at)
        for version, at in ({"2": F.col("changed_at")} | steps).items()
    }
    events = {"1": created} | changes | {"closed": F.when(closed > created, closed)}
    version = F.col("happening.event")
    each = texts(listings).select("*", unfolded(events)).withColumn(
        "occurred_at", F.col("happening.occurred_at")
    )  # fmt: skip
    return each.select(
        version.alias("version"),
        "occurred_at", "listing_id", "seller_id", "title", "description", "category",
        price_at(plan, "occurred_at").alias("price_minor"),
        "currency", "image_count",
        F.when(version == "closed", "inactive").otherwise("active").alias("status"),
    )  # fmt: skip


def truth(listings: DataFrame) -> DataFrame:
    """One row a listing: its fault or near miss, and what it is in truth.

    The fair price is the one that it would be put up for, before any later change or step.
    """
    return listings.select(
        "listing_id", "fault", "near_miss", "true_category", "policy_code",
        F.col("fair_price").alias("fair_price_minor"),
        "original_listing_id", "similar_listing_id", "text_style",
    )  # fmt: skip
