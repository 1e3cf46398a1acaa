"""What happens day by day, order or no order: figures, logins, rates, rules and their breach."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    at_local,
    between,
    chance,
    draw,
    luck,
    pick,
    token,
    unfolded,
    waiting,
    whole,
)
from jobs.simulate.plan import MARKETS, Plan, of_market

ENFORCEMENT_PERIOD = 30
FX = {market.currency: 1 / market.per_dollar for market in MARKETS.values()}


def seller_days(spark: SparkSession, plan: Plan, sellers: DataFrame) -> DataFrame:
    """Every seller on every full day since he registered."""
    return _daily(spark, plan, sellers, "registered_at")


def _daily(spark: SparkSession, plan: Plan, frame: DataFrame, since: str) -> DataFrame:
    present = F.col(since) < at_local(F.col("day"), 0, plan.zone)
    crossed = plan.calendar(spark).crossJoin(F.broadcast(frame)).where(present)
    return crossed.withColumns(
        {"own_luck": F.col("luck"), "luck": luck("day", "luck", "day")}  # whose day, and the day's
    )


def listing_snapshots(spark: SparkSession, plan: Plan, listings: DataFrame) -> DataFrame:
    """Taken an hour before midnight; what is out of stock stays so for about a week."""
    stocked = draw("stock", "own_luck", "index div 7") > 0.06
    return _daily(spark, plan, listings, "created_at").select(
        at_local(F.col("day"), 23 * 3_600, plan.zone).alias("occurred_at"),
        "listing_id", "seller_id",
        F.col("day").alias("snapshot_date"),
        F.lit(True).alias("active"),
        (stocked | chance(0.1, "restocked")).alias("in_stock"),
    )  # fmt: skip


def ad_spend(days: DataFrame, plan: Plan) -> DataFrame:
    """Six sellers in ten advertise, not every day; of the others nothing is known."""
    dollars = F.when(chance(0.7, "spends"), waiting(30, "spend")).otherwise(0)
    scale = of_market({code: 100 * market.minor_per_cent for code, market in MARKETS.items()})
    return days.where(draw("advertises", "own_luck") < 0.6).select(
        at_local(F.col("day"), 23 * 3_600, plan.zone).alias("occurred_at"),
        "seller_id",
        F.col("day").alias("date"),
        F.round(dollars * scale).cast("long").alias("spend_minor"),
        F.round(dollars * scale * between(1, 6, "yield")).cast("long")
        .alias("attributed_gmv_minor"),
        "currency",
    )  # fmt: skip


def buy_box(days: DataFrame, plan: Plan) -> DataFrame:
    views = F.floor(20 + waiting(200, "views"))
    share = 0.2 + 0.5 * F.col("care") + 0.2 * draw("featured")
    return days.select(
        at_local(F.col("day"), 23 * 3_600, plan.zone).alias("occurred_at"),
        "seller_id",
        F.col("day").alias("date"),
        views.alias("views"),
        F.floor(views * share).alias("featured_views"),
    )


def policy_events(days: DataFrame, plan: Plan) -> DataFrame:
    """Warnings and takedowns, mostly at the careless."""
    breaches = chance(0.001 + 0.009 * F.pow(1 - F.col("care"), 2), "breach")
    takedown = chance(0.3, "takedown")
    listing = whole(F.col("listing_count"), draw("which")) + 1
    return days.where(breaches).select(
        at_habitual_hour(F.col("day"), "breach", plan.zone).alias("occurred_at"),
        F.concat_ws("-", F.lit("policy"), "seller_id", "index").alias("policy_event_id"),
        "seller_id",
        F.when(takedown, F.concat(F.lit("l"), F.substring("seller_id", 2, 99), F.lit("-"), listing))
        .alias("listing_id"),
        F.when(takedown, "listing_takedown").otherwise("warning").alias("event"),
        pick(("counterfeit", "late_shipment", "restricted_goods"), "code").alias("policy_code"),
        pick(("low", "medium", "high", "critical"), "severity").alias("severity"),
    )  # fmt: skip


def enforcement_actions(days: DataFrame, plan: Plan) -> DataFrame:
    """Once in thirty days a seller may be acted on; a suspension ends by reinstatement."""
    struck = chance(0.005 + 0.25 * F.pow(1 - F.col("care"), 3), "struck")
    begun = at_habitual_hour(F.date_add("day", whole(ENFORCEMENT_PERIOD, draw("on"))), "strike",
                             plan.zone)  # fmt: skip
    kind, ends = draw("action"), after(begun, 24 * 14)
    events = {
        "suspension": F.when(kind < 0.4, begun),
        "funds_hold": F.when((kind >= 0.4) & (kind < 0.8), begun),
        "category_block": F.when(kind >= 0.8, begun),
        "reinstatement": F.when(kind < 0.4, ends),
    }
    periods = days.where((F.col("index") % ENFORCEMENT_PERIOD == 0) & struck)
    return periods.select("*", unfolded(events), ends.alias("ends")).select(
        "happening.occurred_at",
        F.concat_ws("-", F.lit("act"), "seller_id", "index", "happening.event").alias("action_id"),
        "seller_id",
        F.col("happening.event").alias("action"),
        pick(("performance", "policy", "identity"), "reason").alias("reason_code"),
        F.when(F.col("happening.event") != "reinstatement", F.col("ends")).alias("until"),
        pick(("rule", "person"), "source").alias("source"),
    )  # fmt: skip


def document_verifications(sellers: DataFrame) -> DataFrame:
    """Identity papers: asked for at registration, checked days later."""
    answered = after(F.col("registered_at"), between(12, 240, "checked"))
    fine = chance(0.93, "fine")
    events = {
        "requested": F.col("registered_at"),
        "verified": F.when(fine, answered),
        "rejected": F.when(~fine, answered),
    }
    return sellers.select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", F.lit("doc"), "seller_id", "happening.event").alias("verification_id"),
        "seller_id",
        F.lit("identity").alias("document"),
        "happening.event",
    )


def support_tickets(days: DataFrame, plan: Plan) -> DataFrame:
    opened = at_habitual_hour(F.col("day"), "ticket", plan.zone)
    events = {"opened": opened, "closed": after(opened, 1 + waiting(30, "closed"))}
    ticket_id = F.concat_ws("-", F.lit("t"), "seller_id", "index")
    return days.where(chance(0.02, "ticket")).select("*", unfolded(events)).select(
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
