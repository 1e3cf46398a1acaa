"""Sellers, buyers and listings: who trades what, before any order."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    between,
    chance,
    draw,
    looked_up,
    luck,
    pick,
    skewed,
    token,
    unfolded,
    weighted,
    whole,
)
from jobs.simulate.plan import MARKETS, Plan, of_market, partitions_of

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
    """Every seller with his traits. `care` (0 to 1) stands behind all that goes well with him.

    Seller 0 sells most. One in eight joins within a year after the window opens.
    """
    joins = F.when(chance(0.12, "newcomer"), whole(365, draw("joins")) + 1).otherwise(
        -20 - whole(1_500, skewed("tenure"))
    )
    numbered = spark.range(0, plan.sellers, 1, partitions_of(spark)).select(
        F.col("id").cast("int").alias("seller_no"),
        plan.luck("seller", "id").alias("luck"),
    )
    placed = numbered.select(
        "*",
        F.format_string("s-%04d", "seller_no").alias("seller_id"),
        weighted({code: m.share for code, m in MARKETS.items()}, "market").alias("marketplace"),
        draw("care").alias("care"),
        (whole(LISTINGS_AT_MOST - 1, draw("listings")) + 2).alias("listing_count"),
        at_habitual_hour(F.date_add(F.lit(plan.first), joins), "joins", plan.zone)
        .alias("registered_at"),
    )  # fmt: skip
    return placed.select(
        "*",
        of_market({code: m.currency for code, m in MARKETS.items()}).alias("currency"),
        after(F.col("registered_at"), between(30, 700, "changes") * 24).alias("changed_at"),
    )


def seller_versions(sellers: DataFrame) -> DataFrame:
    """Registration, and for one seller in three a later change of region and payout schedule."""
    changed = F.col("version") == 2
    moved = F.when(changed, pick(REGIONS, "moved")).otherwise(pick(REGIONS, "region"))
    name = F.concat_ws(" ", pick(("Blue", "Old", "Bright", "North", "Little"), "first name"),
                       pick(("Harbour", "Oak", "Lantern", "Fox", "Mill"), "last name"),
                       "seller_id")  # fmt: skip
    return _versions(sellers, "registered_at", chance(0.33, "change")).select(
        "version", "occurred_at", "seller_id",
        name.alias("name"),
        F.concat("seller_id", F.lit("@sellers.example")).alias("email"),
        "marketplace",
        weighted(LEGAL_FORMS, "form").alias("business_type"),
        "registered_at",
        F.lit("active").alias("status"),
        "currency",
        moved.alias("region"),
        F.when(changed, "weekly").otherwise("daily").alias("payout_schedule"),
        F.col("marketplace").alias("tax_country"),
        chance(0.95, "tax id").alias("tax_id_verified"),
        chance(0.95, "messaging").alias("messaging_enabled"),
        token("bank").alias("bank_account_hash"),
        token("device").alias("device_hash"),
        token("address").alias("address_hash"),
    )  # fmt: skip


def buyers(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every buyer: a pool in each market, and newcomers day by day (registered the day before)."""
    pools = [_pool(spark, plan, market) for market in MARKETS]
    numbered = reduce(DataFrame.union, pools).withColumn(
        "luck", plan.luck("buyer", "country", "buyer_no")
    )
    days = F.when(F.col("joins") > 0, F.col("joins") - 1).otherwise(
        -1 - whole(1_200, draw("tenure"))
    )
    return numbered.select(
        at_habitual_hour(F.date_add(F.lit(plan.first), days), "joins", plan.zone)
        .alias("registered_at"),
        buyer_id(F.col("country"), F.col("buyer_no")).alias("buyer_id"),
        "country",
        "luck",
    )  # fmt: skip


def _pool(spark: SparkSession, plan: Plan, market: str) -> DataFrame:
    opening, daily = plan.pool(market)
    count = opening + daily * plan.days  # also those who join the day after the last
    joins = F.ceil((F.col("id") - opening + 1) / daily).cast("int")
    return spark.range(0, count, 1, partitions_of(spark)).select(
        F.lit(market).alias("country"), F.col("id").alias("buyer_no"), joins.alias("joins")
    )


def buyer_id(market: Column, number: Column) -> Column:
    return F.format_string("b-%s-%07d", F.lower(market), number)


def buyer_versions(buyers: DataFrame) -> DataFrame:
    return buyers.select(
        F.col("registered_at").alias("occurred_at"),
        "buyer_id", "registered_at", "country",
        pick(REGIONS, "region").alias("region"),
        F.concat("buyer_id", F.lit("@buyers.example")).alias("email"),
        token("address").alias("address_hash"),
    )  # fmt: skip


def listings(sellers: DataFrame) -> DataFrame:
    """Every listing: 2 to 6 a seller, put up within his first hours, repriced once or never."""
    slots = sellers.select(
        "seller_no", "seller_id", "marketplace", "currency", "registered_at",
        F.explode(F.sequence(F.lit(1), "listing_count")).alias("slot"),
        F.col("luck").alias("seller_luck"),
    )  # fmt: skip
    lucky = slots.withColumn("luck", luck("listing", "seller_luck", "slot"))
    sorted_in = lucky.withColumn("category", pick(tuple(CATEGORIES), "category"))
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
