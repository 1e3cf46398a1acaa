"""Sellers: who trades, before any order."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
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
from jobs.simulate.plan import MARKETS, Plan, of_market

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
