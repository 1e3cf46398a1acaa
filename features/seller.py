"""Sellers: the contributions that make up `silver.seller_days`, and a seller's state.

A contribution is what one order, shipment, return, review, ... adds to a seller's counts of the
day on which it happened. All are computed from versions known as of a day, never from rows of the
ledger. Definitions: `conf/tables/silver.py`, which follows the contract of the 36 features.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.currencies import NO_CURRENCY
from features import asof, order
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL, NEXT_AS_OF, positive_us

DIMENSIONS = ("seller_id", "currency", "occurred_ds")
CATEGORY_DIMENSIONS = ("seller_id", "category", "currency", "occurred_ds")
PAIR = ("seller_id", "buyer_id", "currency")
LIST_ENTRY = ("seller_id", "buyer_id", "order_id", "currency", "placed_at")
BY_TIME = ("occurred_at", "known_at", "event_id")
"""In this order one fact comes before another."""

OF_ORDERS = {
    "order_items": (*order.LINE_FACTS, "category", "fulfillment", "line_total_minor"),
    "order_events": order.EVENT_FACTS,
    "shipments": (*order.SHIPMENT_FACTS, "shipment_id", "seller_id", "known_at", "event_id"),
    "orders": ("order_id", "buyer_id"),
    "refunds": ("order_id", "line_no", "seller_id", "return_id", "occurred_at"),
    "returns": ("order_id", "line_no", "seller_id", "return_id", "event", "units", *BY_TIME),
    "disputes": (
        "order_id", "line_no", "seller_id", "dispute_id", "event", "kind", "outcome", *BY_TIME,
    ),
    "messages": ("order_id", "seller_id", "sender"),
    "reviews": ("order_id", "seller_id", "stars", "occurred_at"),
}  # fmt: skip
PROGRESSING = {
    "order_events": ("paid", *order.CANCELLING),
    "shipments": ("shipped", "delivered"),
}
"""The events that a line's progress is counted from: others turn nothing."""
PLAIN = {
    "listing_snapshots": ("seller_id", "snapshot_date", "active", "in_stock"),
    "ad_spend": ("seller_id", "date", "currency", "spend_minor", "attributed_gmv_minor"),
    "buy_box": ("seller_id", "date", "views", "featured_views"),
    "policy_events": ("seller_id", "event", "occurred_at"),
    "support_tickets": ("seller_id", "event", "occurred_at"),
    "logins": ("actor", "actor_id", "occurred_at"),
}
OF_STATE = {
    "sellers": (
        "seller_id", "marketplace", "business_type", "registered_at", "status", "currency",
        "region", "messaging_enabled",
    ),
    "listings": ("seller_id", "status"),
    "enforcement_actions": ("seller_id", "action", "until", *BY_TIME),
    "document_verifications": ("seller_id", "event", "occurred_at"),
}  # fmt: skip
THREADS = ("message_id", "in_reply_to", "seller_id", "sender", *BY_TIME)
"""By entity the columns that are counted: versions that differ in others count alike."""


def placed_lines(lines: DataFrame, zone: str) -> DataFrame:
    """Per version of a line: what it adds on the day of its placing, for its category too."""
    quantity = F.coalesce("quantity", F.lit(0))
    return lines.select(
        "seller_id", "category", "currency",
        asof.business_date(F.col("occurred_at"), zone).alias("occurred_ds"),
        F.lit(1).alias("lines_placed"),
        quantity.alias("units_placed"),
        F.when(F.col("fulfillment") == "platform", quantity).otherwise(0).alias("units_platform"),
        F.col("line_total_minor").alias("gmv_minor"),
        KNOWN_FROM, KNOWN_UNTIL,
    )  # fmt: skip


def line_progress(line_times_at: DataFrame, zone: str) -> list[DataFrame]:
    """Per line and day: due, cancelled, shipped and delivered counts, each on its own date."""
    ship_by, shipped_at, delivered_at = F.col("ship_by"), F.col("shipped_at"), F.col("delivered_at")
    is_due = (ship_by < asof.end_of_day(F.col(AS_OF), zone)) & ~F.coalesce(
        F.col("cancelled_at") <= ship_by, F.lit(False)
    )
    return [
        _on_date(
            F.when(is_due, ship_by), line_times_at, zone,
            lines_due=F.lit(1), lines_due_on_time=_true(shipped_at <= ship_by),
        ),
        _on_date(
            F.col("cancelled_by_seller_at"), line_times_at, zone,
            lines_cancelled_by_seller=F.lit(1),
        ),
        _on_date(
            shipped_at, line_times_at, zone,
            lines_shipped=F.lit(1), lines_shipped_late=_true(shipped_at > ship_by),
            handling_us=positive_us(F.coalesce("paid_at", "placed_at"), shipped_at),
        ),
        _on_date(
            delivered_at, line_times_at, zone,
            lines_delivered=F.lit(1), units_delivered=F.coalesce("quantity", F.lit(0)),
            lines_delivered_promised=_true(F.col("deliver_by").isNotNull()),
            lines_delivered_on_time=_true(delivered_at <= F.col("deliver_by")),
        ),
    ]  # fmt: skip


def _on_date(at: Column, lines_at: DataFrame, zone: str, **measures: Column) -> DataFrame:
    return lines_at.where(at.isNotNull()).select(
        "seller_id", "currency", asof.business_date(at, zone).alias("occurred_ds"),
        *(measure.alias(name) for name, measure in measures.items()), AS_OF, NEXT_AS_OF,
    )  # fmt: skip


def placed_orders(flagged_seller_orders_at: DataFrame, zone: str) -> DataFrame:
    """Per seller-order and day: what it adds on the day of its placing."""
    return flagged_seller_orders_at.select(
        "seller_id", "currency",
        asof.business_date(F.col("placed_at"), zone).alias("occurred_ds"),
        F.lit(1).alias("orders_placed"),
        F.col("refunded").alias("orders_refunded"),
        F.col("defective").alias("orders_defective"),
        F.col("claimed").alias("orders_claimed"),
        F.col("charged_back").alias("orders_charged_back"),
        F.col("contacted").alias("orders_contacted"),
        AS_OF, NEXT_AS_OF,
    )  # fmt: skip


def listed_orders(seller_orders_at: DataFrame, orders_at: DataFrame) -> DataFrame:
    """Per seller-order and day: its entry in the order list of its (seller, buyer) pair."""
    buyer = orders_at.select("order_id", AS_OF, "buyer_id").where(F.col("buyer_id").isNotNull())
    return seller_orders_at.join(buyer, ["order_id", AS_OF]).select(
        *LIST_ENTRY, F.lit(1).alias("listed"), AS_OF, NEXT_AS_OF
    )


def repeat_orders(order_list: DataFrame, days: DataFrame, zone: str) -> DataFrame:
    """Per pair and day: 1 on the date of every order that an earlier one of the pair precedes.

    `order_list` holds list changes (LIST_ENTRY, known_ds, listed) of the pairs in `days`.
    """
    several = (
        order_list.groupBy(*PAIR)
        .agg(F.count_distinct("order_id").alias("_orders"))
        .where(F.col("_orders") > 1)
        .select(*PAIR)
    )
    earliest = F.min("placed_at").over(Window.partitionBy(*PAIR, AS_OF))
    return (
        order_list.join(several, list(PAIR))
        .join(days, list(PAIR))
        .where(F.col("known_ds") <= F.col(AS_OF))
        .groupBy(*LIST_ENTRY, AS_OF, NEXT_AS_OF)
        .agg(F.sum("listed").alias("listed"))
        .where(F.col("listed") > 0)
        .withColumn("_earliest", earliest)
        .where(F.col("placed_at") > F.col("_earliest"))
        .select(
            "seller_id", "currency",
            asof.business_date(F.col("placed_at"), zone).alias("occurred_ds"),
            F.lit(1).alias("orders_repeat"), AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def shipments_sent(shipments_at: DataFrame, zone: str) -> DataFrame:
    """Per shipment and day: 1 on the date of its first shipped event, and whether it is tracked."""
    shipped = F.col("event") == "shipped"
    return (
        shipments_at.groupBy("shipment_id", AS_OF, NEXT_AS_OF)
        .agg(
            F.min(F.when(shipped, _by_time("seller_id"))).alias("_first"),
            F.max((F.col("event") == "tracking_confirmed").cast("int")).alias("shipments_tracked"),
        )
        .where(F.col("_first").isNotNull())
        .select(
            *_first_seller_and_date(zone), F.lit(1).alias("shipments_shipped"),
            "shipments_tracked", AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def returns_arrived(returns_at: DataFrame, zone: str) -> DataFrame:
    """Per returned line and day: its units on the date of its first arrival."""
    return (
        returns_at.where("event = 'arrived'")
        .groupBy("return_id", "line_no", AS_OF, NEXT_AS_OF)
        .agg(F.min(_by_time("seller_id", "units")).alias("_first"))
        .select(
            *_first_seller_and_date(zone), F.col("_first.units").alias("units_returned"),
            AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def refunds_of_returns(refunds_at: DataFrame, returns_at: DataFrame, zone: str) -> DataFrame:
    """Per refund that names a return that has arrived, and day: 1 and how long it took.

    The refund of a line waits for that line, where the return has it; else for the first arrival.
    """
    refund = refunds_at.where(F.col("return_id").isNotNull())
    arrival = F.when(F.col("event") == "arrived", _by_time("seller_id"))
    join = ["order_id", "return_id", AS_OF]
    by_line = returns_at.groupBy(*join, "line_no").agg(F.min(arrival).alias("_line_arrival"),
                                                       F.lit(True).alias("_has_line"))  # fmt: skip
    whole = returns_at.groupBy(*join).agg(F.min(arrival).alias("_arrival"))
    first = F.when(F.col("_has_line"), F.col("_line_arrival")).otherwise(F.col("_arrival"))
    return (
        refund.join(by_line, [*join, "line_no"], "left")
        .join(whole, join, "left")
        .withColumn("_first", first)
        .where(F.col("_first").isNotNull())
        .select(
            F.coalesce("seller_id", F.col("_first.seller_id")).alias("seller_id"),
            F.lit(NO_CURRENCY).alias("currency"),
            asof.business_date(F.col("occurred_at"), zone).alias("occurred_ds"),
            F.lit(1).alias("refunds_of_returns"),
            positive_us(F.col("_first.occurred_at"), F.col("occurred_at")).alias("refund_delay_us"),
            AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def first_replies(messages_at: DataFrame, zone: str) -> DataFrame:
    """Per buyer's message (subject `thread_id`) and day: the seller's first reply to it."""
    asked = messages_at.where("sender = 'buyer' and message_id = thread_id").select(
        "thread_id", AS_OF, NEXT_AS_OF, "seller_id", F.col("occurred_at").alias("_asked_at")
    )
    replied = messages_at.where("sender = 'seller' and in_reply_to = thread_id")
    first = replied.groupBy("thread_id", "seller_id", AS_OF).agg(F.min(_by_time()).alias("_first"))
    return asked.join(first, ["thread_id", "seller_id", AS_OF]).select(
        "seller_id",
        F.lit(NO_CURRENCY).alias("currency"),
        asof.business_date(F.col("_first.occurred_at"), zone).alias("occurred_ds"),
        F.lit(1).alias("replies"),
        positive_us(F.col("_asked_at"), F.col("_first.occurred_at")).alias("reply_us"),
        AS_OF, NEXT_AS_OF,
    )  # fmt: skip


def disputes_closed(disputes_at: DataFrame, zone: str) -> DataFrame:
    """Per dispute and day: 1 on the date of its first closing, and whether the seller lost."""
    return (
        disputes_at.where("event = 'closed'")
        .groupBy("dispute_id", AS_OF, NEXT_AS_OF)
        .agg(F.min(_by_time("seller_id", "outcome")).alias("_first"))
        .select(
            *_first_seller_and_date(zone), F.lit(1).alias("disputes_closed"),
            _true(F.col("_first.outcome") == "buyer").alias("disputes_lost"), AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def plain_counts(known: Mapping[str, DataFrame], zone: str) -> list[DataFrame]:
    """What a version of a plain fact (PLAIN, reviews) adds by itself, whatever else is known."""
    happened = asof.business_date(F.col("occurred_at"), zone)
    event = F.col("event")
    return [
        _plain(
            known["reviews"], happened,
            reviews=F.lit(1), reviews_negative=_true(F.col("stars") <= 2),
            review_stars=F.col("stars"),
        ),
        _plain(
            known["listing_snapshots"].where("active"), F.col("snapshot_date"),
            listing_days_active=F.lit(1),
            listing_days_out_of_stock=_true(~F.col("in_stock")),
        ),
        _plain(
            known["ad_spend"], F.col("date"), currency=F.col("currency"), ad_days=F.lit(1),
            ad_spend_minor=F.col("spend_minor"),
            ad_attributed_gmv_minor=F.col("attributed_gmv_minor"),
        ),
        _plain(
            known["buy_box"], F.col("date"), buy_box_views=F.col("views"),
            buy_box_featured_views=F.col("featured_views"),
        ),
        _plain(
            known["policy_events"], happened,
            policy_warnings=_true(event == "warning"),
            listing_takedowns=_true(event == "listing_takedown"),
        ),
        _plain(
            known["support_tickets"].where("event = 'opened'"), happened, tickets_opened=F.lit(1)
        ),
        _plain(
            known["logins"].where("actor = 'seller'").withColumnRenamed("actor_id", "seller_id"),
            happened, logins=F.lit(1),
        ),
    ]  # fmt: skip


def _plain(
    known: DataFrame, occurred_ds: Column, currency: Column | None = None, **measures: Column
) -> DataFrame:
    return known.select(
        "seller_id",
        (F.lit(NO_CURRENCY) if currency is None else currency).alias("currency"),
        occurred_ds.alias("occurred_ds"),
        *(measure.alias(name) for name, measure in measures.items()),
        KNOWN_FROM, KNOWN_UNTIL,
    )  # fmt: skip


def state(known_at: Mapping[str, DataFrame], days: DataFrame) -> DataFrame:
    """`silver.seller_state`: the seller as of the end of each of `days`, less the known_ds name.

    `known_at` holds sellers, listings, enforcement_actions and document_verifications.
    """
    on = ["seller_id", AS_OF]
    action = F.col("action")
    concerns_account = action.isin("suspension", "reinstatement")
    enforcement = known_at["enforcement_actions"].groupBy(*on).agg(
        F.count_if(action == "suspension").alias("suspensions"),
        F.max(F.when(concerns_account, _by_time("action", "until"))).alias("_last"),
    )  # fmt: skip
    listings = known_at["listings"].groupBy(*on).agg(
        F.count_if(F.col("status") == "active").alias("active_listings")
    )  # fmt: skip
    verified = known_at["document_verifications"].where("event = 'verified'").groupBy(*on).agg(
        F.max("occurred_at").alias("verified_at")
    )  # fmt: skip
    profile = known_at["sellers"].select(
        *on, "marketplace", "business_type", "registered_at", "status", "currency", "region",
        F.coalesce("messaging_enabled", F.lit(True)).alias("messaging_enabled"),
    )  # fmt: skip
    return (
        days.select(*on)
        .join(profile, on, "left").join(enforcement, on, "left")
        .join(listings, on, "left").join(verified, on, "left")
        .select(
            "seller_id", AS_OF, "marketplace", "business_type", "registered_at", "status",
            "currency", "region", "messaging_enabled",
            F.coalesce("active_listings", F.lit(0)).cast("bigint").alias("active_listings"),
            F.coalesce("suspensions", F.lit(0)).cast("bigint").alias("suspensions"),
            F.col("_last.action").alias("last_enforcement"),
            F.when(F.col("_last.action") == "suspension", F.col("_last.until"))
            .alias("suspended_until"),
            "verified_at",
        )
    )  # fmt: skip


def _by_time(*carried: str) -> Column:
    """A struct whose minimum is the earliest fact, carrying columns of that fact."""
    return F.struct(*BY_TIME, *carried)


def _first_seller_and_date(zone: str) -> tuple[Column, Column, Column]:
    return (
        F.col("_first.seller_id").alias("seller_id"),
        F.lit(NO_CURRENCY).alias("currency"),
        asof.business_date(F.col("_first.occurred_at"), zone).alias("occurred_ds"),
    )


def _true(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False)).cast("int")
