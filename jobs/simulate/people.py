"""Sellers and buyers: who trades, before any order."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate import latent
from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    between,
    chance,
    draw,
    pick,
    token,
    unfolded,
    weighted,
    whole,
)
from jobs.simulate.plan import MARKETS, Plan, of_market, partitions_of

LEGAL_FORMS = {
    "private_company": 0.55, "sole_proprietor": 0.25, "individual": 0.14, "public_company": 0.03,
    "charity": 0.02, "state_owned": 0.01,
}  # fmt: skip
REGIONS = ("north", "south", "east", "west")


def sellers(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every seller with his traits: what he is (`latent.traits`), and how he trades.

    He registers two days before he begins to sell; `closed_at` and `messaging_at` may never come.
    """
    fewest, most = plan.listings_a_seller
    numbered = latent.traits(spark, plan).withColumn("luck", plan.luck("seller", "seller_no"))
    placed = numbered.select(
        "*",
        F.format_string("s-%05d", "seller_no").alias("seller_id"),
        (whole(most - fewest + 1, draw("listings")) + fewest).alias("listing_count"),
        at_habitual_hour(plan.day_of(F.col("entry") - 2), "joins", plan.zone)
        .alias("registered_at"),
        at_habitual_hour(plan.day_of(F.col("leaves")), "leaves", plan.zone).alias("closed_at"),
        F.greatest(
            at_habitual_hour(plan.day_of(F.col("messaging_from")), "messaging", plan.zone),
            at_habitual_hour(plan.day_of(F.col("entry") - 2), "joins", plan.zone),
        ).alias("messaging_at"),
        plan.luck("ring", "if(ring < 0, seller_no, -1 - ring)").alias("household_luck"),
    )  # fmt: skip
    return placed.select(
        "*",
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
