"""Sellers and listings: who trades what, before any order."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate import latent
from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    between,
    chance,
    draw,
    looked_up,
    luck,
    pick,
    token,
    unfolded,
    weighted,
    whole,
)
from jobs.simulate.plan import MARKETS, Plan, of_market

LISTINGS_AT_MOST = 6
CATEGORIES = {
    "books": 1_400, "toys": 2_200, "beauty": 2_600, "garden": 4_500, "apparel": 3_800,
    "kitchen": 5_200, "sports": 6_000, "electronics": 14_000,
}  # fmt: skip
"""Each category with its usual price in US cents."""
LEGAL_FORMS = {
    "private_company": 0.55, "sole_proprietor": 0.25, "individual": 0.14, "public_company": 0.03,
    "charity": 0.02, "state_owned": 0.01,
}  # fmt: skip
REGIONS = ("north", "south", "east", "west")


def sellers(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every seller with his traits: what he is (`latent.traits`), and where and how he trades.

    He registers two days before he begins to sell; `closed_at` and `messaging_at` may never come.
    """
    numbered = latent.traits(spark, plan).withColumn("luck", plan.luck("seller", "seller_no"))
    placed = numbered.select(
        "*",
        F.format_string("s-%05d", "seller_no").alias("seller_id"),
        weighted({code: m.share for code, m in MARKETS.items()}, "market").alias("marketplace"),
        (whole(LISTINGS_AT_MOST - 1, draw("listings")) + 2).alias("listing_count"),
        pick(tuple(CATEGORIES), "category").alias("main_category"),
        at_habitual_hour(plan.day_of(F.col("entry") - 2), "joins", plan.zone)
        .alias("registered_at"),
        at_habitual_hour(plan.day_of(F.col("leaves")), "leaves", plan.zone).alias("closed_at"),
        plan.luck("ring", "if(ring < 0, seller_no, -1 - ring)").alias("household_luck"),
    )  # fmt: skip
    enabled = at_habitual_hour(plan.day_of(F.col("messaging_from")), "messaging", plan.zone)
    return placed.select(
        "*",
        # `greatest` skips what never comes.
        F.when(enabled.isNotNull(), F.greatest(enabled, "registered_at")).alias("messaging_at"),
        of_market({code: m.currency for code, m in MARKETS.items()}).alias("currency"),
        after(F.col("registered_at"), between(30, 700, "changes") * 24).alias("changed_at"),
    )


def seller_versions(sellers: DataFrame) -> DataFrame:
    """Registration; for one seller in three a change of region and payout schedule; the day from
    which buyers can write to him; the day on which he closes. Rings share what is theirs."""
    at = F.col("happening.occurred_at")
    later = {
        "2": F.when(chance(0.33, "change"), F.col("changed_at")),
        "3": F.when(F.col("messaging_at") > F.col("registered_at"), F.col("messaging_at")),
        "4": F.col("closed_at"),
    }
    open_ = F.col("closed_at").isNull()
    events = {"1": F.col("registered_at")} | {
        version: F.when(open_ | (when <= F.col("closed_at")), when)
        for version, when in later.items()
    }
    changed = chance(0.33, "change") & (at >= F.col("changed_at"))
    name = F.concat_ws(" ", pick(("Blue", "Old", "Bright", "North", "Little"), "first name"),
                       pick(("Harbour", "Oak", "Lantern", "Fox", "Mill"), "last name"),
                       "seller_id")  # fmt: skip
    return sellers.select("*", unfolded(events)).select(
        F.col("happening.event").alias("version"),
        at.alias("occurred_at"),
        "seller_id",
        name.alias("name"),
        F.concat("seller_id", F.lit("@sellers.example")).alias("email"),
        "marketplace",
        weighted(LEGAL_FORMS, "form").alias("business_type"),
        "registered_at",
        F.when(at >= F.col("closed_at"), "closed").otherwise("active").alias("status"),
        "currency",
        F.when(changed, pick(REGIONS, "moved")).otherwise(pick(REGIONS, "region")).alias("region"),
        F.when(changed, "weekly").otherwise("daily").alias("payout_schedule"),
        F.col("marketplace").alias("tax_country"),
        chance(0.95, "tax id").alias("tax_id_verified"),
        F.coalesce(at >= F.col("messaging_at"), F.lit(False)).alias("messaging_enabled"),
        token("bank", "household_luck").alias("bank_account_hash"),
        token("device", "household_luck").alias("device_hash"),
        token("address", "household_luck").alias("address_hash"),
    )  # fmt: skip


def listings(sellers: DataFrame) -> DataFrame:
    """Every listing: 2 to 6 a seller, put up within his first hours, repriced once or never."""
    slots = sellers.select(
        "seller_no", "seller_id", "marketplace", "currency", "registered_at",
        F.explode(F.sequence(F.lit(1), "listing_count")).alias("slot"),
        F.col("luck").alias("seller_luck"), "main_category",
    )  # fmt: skip
    lucky = slots.withColumn("luck", luck("listing", "seller_luck", "slot"))
    own = F.when(chance(0.75, "own category"), F.col("main_category"))
    sorted_in = lucky.withColumn("category", F.coalesce(own, pick(tuple(CATEGORIES), "category")))
    cents = looked_up(CATEGORIES, "category") * F.exp(1.4 * (draw("price") - 0.5))
    scale = of_market({code: market.minor_per_cent for code, market in MARKETS.items()})
    price = F.greatest(F.round(cents * scale).cast("long"), F.lit(1))
    created = after(F.col("registered_at"), F.col("slot"))
    return sorted_in.select(
        "seller_no", "seller_id", "currency", "slot", "luck", "category",
        F.concat(F.lit("l"), F.substring("seller_id", 2, 99), F.lit("-"), "slot")
        .alias("listing_id"),
        price.alias("price"),
        F.round(price * between(0.85, 1.15, "new price")).cast("long").alias("new_price"),
        created.alias("created_at"),
        after(created, between(10, 500, "repriced") * 24).alias("changed_at"),
    )  # fmt: skip


def price_at(at: Column) -> Column:
    """A listing's price at that time."""
    return F.when(at < F.col("changed_at"), F.col("price")).otherwise(F.col("new_price"))


def listing_versions(listings: DataFrame) -> DataFrame:
    """The listing as it was put up, and as it was after its change of price."""
    return _versions(listings, "created_at", F.lit(True)).select(
        "version", "occurred_at", "listing_id", "seller_id",
        F.concat_ws(" ", pick(("Fine", "Plain", "Large", "Handy"), "title"), "category")
        .alias("title"),
        F.concat_ws(" ", F.lit("For everybody who likes"), "category").alias("description"),
        "category",
        price_at(F.col("occurred_at")).alias("price_minor"),
        "currency",
        (whole(7, draw("images")) + 1).alias("image_count"),
        F.lit("active").alias("status"),
    )  # fmt: skip


def _versions(frame: DataFrame, began: str, changes: Column) -> DataFrame:
    """Version 1 at the beginning and version 2 at `changed_at`, for rows that change."""
    times = {"1": F.col(began), "2": F.when(changes, F.col("changed_at"))}
    return frame.select("*", unfolded(times)).select(
        "*", F.col("happening.event").cast("int").alias("version"), "happening.occurred_at"
    )
