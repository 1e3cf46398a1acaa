"""What buyers and sellers say about an order: messages, reviews, disputes."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    after,
    between,
    chance,
    pick,
    unfolded,
    waiting,
    weighted,
)


def messages(parcels: DataFrame) -> DataFrame:
    """A buyer's question, more often about what runs late, and the seller's reply to most."""
    late = F.col("shipped_at") > F.col("ship_by")
    often = F.greatest(F.col("contact"), F.when(late, 0.35).otherwise(0))
    asks = F.col("paid_at").isNotNull() & chance(often, "asks")
    asked = F.when(asks, after(F.col("placed_at"), between(1, 120, "asked")))
    replied = after(asked, 0.2 + waiting(F.col("reply"), "reply time"))
    events = {"buyer": asked, "seller": F.when(chance(0.9, "replies"), replied)}
    sender = F.col("happening.event")
    message_id = F.concat_ws("-", F.lit("m"), F.substring("order_id", 3, 99), "parcel_no", sender)
    question = F.concat_ws("-", F.lit("m"), F.substring("order_id", 3, 99), "parcel_no",
                           F.lit("buyer"))  # fmt: skip
    told = pick(("Where is my parcel?", "Can I still change the colour?", "Is it new?"), "told")
    return parcels.select("*", unfolded(events)).select(
        "happening.occurred_at",
        message_id.alias("message_id"),
        "order_id", "buyer_id", "seller_id",
        sender.alias("sender"),
        F.when(sender == "seller", question).alias("in_reply_to"),
        F.when(sender == "seller", "Thank you for asking, we are looking into it.").otherwise(told)
        .alias("text"),
    )  # fmt: skip


def reviews(parcels: DataFrame) -> DataFrame:
    """One parcel in three is reviewed: one or two stars with the seller's chance of that day, and
    more often for what was late."""
    late = F.col("delivered_at") > F.col("deliver_by")
    low = chance(F.least(F.col("low_stars") + F.when(late, 0.2).otherwise(0), F.lit(0.95)), "low")
    happy = weighted({"5": 0.62, "4": 0.27, "3": 0.11}, "happy")
    stars = F.when(low, weighted({"1": 0.6, "2": 0.4}, "unhappy")).otherwise(happy).cast("int")
    written = F.col("delivered_at").isNotNull() & chance(0.33, "reviews")
    return parcels.where(written).select(
        after(F.col("delivered_at"), between(3, 24 * 10, "reviewed")).alias("occurred_at"),
        F.concat_ws("-", F.lit("v"), F.substring("order_id", 3, 99), "parcel_no")
        .alias("review_id"),
        "order_id", "buyer_id", "seller_id",
        stars.alias("stars"),
        F.when(chance(0.5, "writes"), F.when(stars > 3, "Good.").otherwise("Not happy."))
        .alias("text"),
    )  # fmt: skip


def disputes(lines: DataFrame) -> DataFrame:
    """Opened by the buyer, answered by most sellers, closed within two weeks."""
    opened = F.col("opened_at")
    answers = chance(F.greatest(F.lit(0.95) - F.col("reply") / 60, F.lit(0.3)), "answers")
    events = {
        "opened": opened,
        "seller_response": F.when(answers, after(opened, between(3, 90, "answered"))),
        "closed": F.col("closed_at"),
    }
    event = F.col("happening.event")
    dispute_id = F.concat_ws("-", F.lit("d"), F.substring("order_id", 3, 99), "line_no")
    at_opening, at_closing = event == "opened", event == "closed"
    return lines.where(opened.isNotNull()).select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", dispute_id, event).alias("dispute_event_id"),
        dispute_id.alias("dispute_id"),
        "order_id", "line_no", "seller_id", "buyer_id",
        F.col("aftermath").alias("kind"),
        _type().alias("type"),
        event.alias("event"),
        F.when(at_opening, F.col("paid_minor")).alias("amount_minor"),
        F.when(at_opening, F.col("currency")).alias("currency"),
        F.when(at_opening, "This is not what I paid for.")
        .when(event == "seller_response", "It was sent as described.").alias("text"),
        F.when(at_closing, F.col("outcome")).alias("outcome"),
        F.when(at_opening, after(opened, 24 * 7)).alias("due_at"),
    )  # fmt: skip


def _type() -> Column:
    return (
        F.when(F.col("ending") == "lost", "not_received")
        .when(F.col("aftermath") == "chargeback", "unauthorised")
        .otherwise(pick(("not_as_described", "damaged"), "type"))
    )
