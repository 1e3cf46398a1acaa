"""What happens day by day, order or no order: figures, logins, rates, rules and their breach."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate import latent
from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    at_local,
    between,
    business_date,
    chance,
    draw,
    luck,
    pick,
    token,
    unfolded,
    waiting,
    whole,
)
from jobs.simulate.offers import listing_id
from jobs.simulate.plan import MARKETS, Plan, of_market

STOCK_DAYS = 3
"""What is out of stock stays so for about as long."""
FX = {market.currency: 1 / market.per_dollar for market in MARKETS.values()}


def seller_days(spark: SparkSession, plan: Plan, sellers: DataFrame) -> DataFrame:
    """Every seller on every day from his entry on: his traits, and what that day is like."""
    who = sellers.select(
        "seller_no", "seller_id", "marketplace", "currency", "listing_count", "registered_at",
        "platform_share", "advertises", "kind", "main_category", F.col("luck").alias("own_luck"),
    )  # fmt: skip
    return (
        latent.days(spark, plan)
        .join(F.broadcast(who), "seller_no")
        .withColumn("luck", luck("day", "own_luck", "day"))
    )


def listing_snapshots(days: DataFrame, plan: Plan, listings: DataFrame) -> DataFrame:
    """Taken an hour before midnight; what is out of stock stays so for about three days.

    The last one is of the day on which a seller closes: no longer listed.
    """
    taken = at_local(F.col("day"), 23 * 3_600, plan.zone)
    offers = listings.select("seller_no", "listing_id", F.col("luck").alias("listing_luck"))
    stocked = draw("stock", "listing_luck", f"index div {STOCK_DAYS}") >= F.col("stockout")
    listed = days.join(F.broadcast(offers), "seller_no").select(
        taken.alias("occurred_at"),
        "listing_id", "seller_id",
        F.col("day").alias("snapshot_date"),
        F.lit(True).alias("active"),
        stocked.alias("in_stock"),
    )  # fmt: skip
    closing = listings.where("closed_at is not null").withColumn(
        "day", business_date(F.col("closed_at"), plan.zone)
    )
    gone = closing.select(
        F.greatest(taken, F.col("closed_at")).alias("occurred_at"),
        "listing_id", "seller_id",
        F.col("day").alias("snapshot_date"),
        F.lit(False).alias("active"),
        F.lit(False).alias("in_stock"),
    )  # fmt: skip
    return listed.unionByName(gone)


def ad_spend(days: DataFrame, plan: Plan) -> DataFrame:
    """Who advertises does so on most days; of some months and sellers nothing is known."""
    dollars = F.when(chance(0.7, "spends"), waiting(30, "spend")).otherwise(0)
    scale = of_market({code: 100 * market.minor_per_cent for code, market in MARKETS.items()})
    told = F.when(F.col("advertises"), dollars).otherwise(0)
    return days.where("ads_known").withColumn("dollars", told).select(
        at_local(F.col("day"), 23 * 3_600, plan.zone).alias("occurred_at"),
        "seller_id",
        F.col("day").alias("date"),
        F.round(F.col("dollars") * scale).cast("long").alias("spend_minor"),
        F.round(F.col("dollars") * scale * between(1, 6, "yield")).cast("long")
        .alias("attributed_gmv_minor"),
        "currency",
    )  # fmt: skip


def buy_box(days: DataFrame, plan: Plan) -> DataFrame:
    views = F.floor(20 + waiting(200, "views"))
    share = F.least(F.col("buy_box") * (0.9 + 0.2 * draw("featured")), F.lit(1.0))
    return days.select(
        at_local(F.col("day"), 23 * 3_600, plan.zone).alias("occurred_at"),
        "seller_id",
        F.col("day").alias("date"),
        views.alias("views"),
        F.floor(views * share).alias("featured_views"),
    )


def policy_events(days: DataFrame, plan: Plan, listings: DataFrame) -> DataFrame:
    """A breach that is found ends in a warning, or in the takedown of a listing: of one that breaks
    a policy, where the seller has one, else of any."""
    breaching = (
        listings.where("fault = 'policy'")
        .groupBy("seller_id")
        .agg(F.min(F.struct("slot", "listing_id", "policy_code")).alias("breaching"))
    )
    takedown = chance(0.3, "takedown")
    slot = whole(F.col("listing_count"), draw("which")) + 1
    code = pick(("counterfeit", "late_shipment", "restricted_goods"), "code")
    struck = days.where("warned").join(F.broadcast(breaching), "seller_id", "left")
    return struck.select(
        at_habitual_hour(F.col("day"), "breach", plan.zone).alias("occurred_at"),
        F.concat_ws("-", F.lit("policy"), "seller_id", "index").alias("policy_event_id"),
        "seller_id",
        F.when(takedown, F.coalesce("breaching.listing_id", listing_id(slot))).alias("listing_id"),
        F.when(takedown, "listing_takedown").otherwise("warning").alias("event"),
        F.coalesce(F.when(takedown, F.col("breaching.policy_code")), code).alias("policy_code"),
        pick(("low", "medium", "high", "critical"), "severity").alias("severity"),
    )  # fmt: skip


def enforcement_actions(days: DataFrame, plan: Plan) -> DataFrame:
    """What the platform did on a day; a suspension ends by reinstatement, unless it is for good."""
    begun = at_habitual_hour(F.col("day"), "strike", plan.zone)
    ends = at_habitual_hour(plan.day_of(F.col("until")), "ends", plan.zone)
    events = {"begun": begun, "reinstatement": F.when(F.col("action") == "suspension", ends)}
    over = F.col("happening.event") == "reinstatement"
    struck = days.where("action is not null").select("*", unfolded(events), ends.alias("ends"))
    return struck.select(
        "happening.occurred_at",
        F.concat_ws("-", F.lit("act"), "seller_id", "index", "happening.event").alias("action_id"),
        "seller_id",
        F.when(over, "reinstatement").otherwise(F.col("action")).alias("action"),
        F.col("cause").alias("reason_code"),
        F.when(~over, F.col("ends")).alias("until"),
        F.when(F.col("cause").isin("fraud", "other"), "person").otherwise("rule").alias("source"),
    )  # fmt: skip


def document_verifications(sellers: DataFrame, days: DataFrame, plan: Plan) -> DataFrame:
    """Identity papers: verified as a seller joins, run out after a year, renewed.

    Of who was there before the window, the latest verification is told.
    """
    begun = sellers.select(
        at_habitual_hour(plan.day_of(F.col("papers")), "verified", plan.zone).alias("occurred_at"),
        F.concat_ws("-", F.lit("doc"), "seller_id", F.lit("first")).alias("verification_id"),
        "seller_id", F.lit("verified").alias("event"),
    )  # fmt: skip
    later = days.where("papers is not null").select(
        at_habitual_hour(F.col("day"), "papers", plan.zone).alias("occurred_at"),
        F.concat_ws("-", F.lit("doc"), "seller_id", "index").alias("verification_id"),
        "seller_id", F.col("papers").alias("event"),
    )  # fmt: skip
    return begun.unionByName(later).withColumn("document", F.lit("identity"))


def support_tickets(days: DataFrame, plan: Plan) -> DataFrame:
    opened = at_habitual_hour(F.col("day"), "ticket", plan.zone)
    events = {"opened": opened, "closed": after(opened, 1 + waiting(30, "closed"))}
    ticket_id = F.concat_ws("-", F.lit("t"), "seller_id", "index")
    return days.where(chance(F.col("ticket"), "ticket")).select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", ticket_id, "happening.event").alias("ticket_event_id"),
        ticket_id.alias("ticket_id"),
        "seller_id", "happening.event",
        pick(("payout", "listing", "account"), "topic").alias("topic"),
    )  # fmt: skip


def seller_logins(days: DataFrame, plan: Plan) -> DataFrame:
    """Most sellers log in once on most days, at times from another device."""
    own = token("device", "own_luck")
    return days.where(chance(0.8, "login")).select(
        at_habitual_hour(F.col("day"), "login", plan.zone).alias("occurred_at"),
        F.concat_ws("-", F.lit("in"), "seller_id", "index").alias("login_id"),
        F.lit("seller").alias("actor"),
        F.col("seller_id").alias("actor_id"),
        F.when(chance(0.03, "other device"), token("device")).otherwise(own).alias("device_hash"),
        F.col("marketplace").alias("ip_country"),
    )


def fx_rates(spark: SparkSession, plan: Plan) -> DataFrame:
    """Each currency in dollars, every day at four in the afternoon."""
    currencies = [currency for currency in FX if currency != "USD"]
    each = [
        plan.calendar(spark).select("*", F.lit(base).alias("base"), F.lit(FX[base]).alias("usual"))
        for base in currencies
    ]
    lucky = reduce(DataFrame.union, each).withColumn("luck", plan.luck("fx", "base", "day"))
    wave = 1 + 0.03 * F.sin(F.col("index") / F.lit(40.0)) + 0.004 * (draw("rate") - 0.5)
    return lucky.select(
        at_local(F.col("day"), 16 * 3_600, plan.zone).alias("occurred_at"),
        F.col("day").alias("date"),
        "base",
        F.lit("USD").alias("quote"),
        (F.col("usual") * wave).cast("decimal(18,8)").alias("rate"),
    )
