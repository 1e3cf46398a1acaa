"""Buyers: the contributions that make up `silver.buyer_days` and `silver.region_days`."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import asof, order
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL, NEXT_AS_OF, positive_us

DIMENSIONS = ("buyer_id", "currency", "occurred_ds")
REGION_DIMENSIONS = ("country", "region", "currency", "occurred_ds")
COUNTED = {
    "orders": (
        "order_id", "buyer_id", "currency", "total_minor", "shipping_country", "shipping_region",
        "occurred_at",
    ),
    "order_items": order.LINE_FACTS,
    "order_events": order.EVENT_FACTS,
    "shipments": order.SHIPMENT_FACTS,
    "refunds": ("order_id",),
}  # fmt: skip
"""By entity the columns that are counted."""
KINDS = {"order_events": order.CANCELLING, "shipments": ("delivered",)}
"""The events that are counted: a buyer's figures ask what was cancelled and what arrived."""

LIST_ENTRY = ("buyer_id", "order_id", "currency", "placed_at")


def placed_orders(
    orders_at: DataFrame, fulfilment_at: DataFrame, refunds_at: DataFrame, zone: str
) -> DataFrame:
    """Per order and day: what it adds on the day of its placing (ORDER_MEASURES), and its entry in
    the buyer's order list."""
    refunded = refunds_at.select("order_id", AS_OF, F.lit(1).alias("orders_refunded")).distinct()
    come = fulfilment_at.drop(NEXT_AS_OF)
    delivered = F.col("delivered_at").isNotNull()
    placed_at = F.col("occurred_at")
    return (
        orders_at.where(F.col("buyer_id").isNotNull())
        .join(come, ["order_id", AS_OF], "left")
        .join(refunded, ["order_id", AS_OF], "left")
        .select(
            "buyer_id", "currency",
            asof.business_date(placed_at, zone).alias("occurred_ds"),
            F.lit(1).alias("orders"),
            "total_minor",
            F.col("cancelled_at").isNotNull().cast("int").alias("orders_cancelled"),
            delivered.cast("int").alias("orders_delivered"),
            F.when(delivered, positive_us(placed_at, F.col("delivered_at"))).alias("delivery_us"),
            F.coalesce("promised", F.lit(False)).cast("int").alias("orders_promised"),
            F.coalesce("late", F.lit(False)).cast("int").alias("orders_late"),
            "orders_refunded",
            "order_id", placed_at.alias("placed_at"), F.lit(1).alias("listed"),
            AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip


def placed_by_region(orders: DataFrame, zone: str) -> DataFrame:
    """Per version of an order: what it adds to its region on the day of its placing."""
    country = F.coalesce(F.nullif("shipping_country", F.lit("")), F.lit("??"))
    return orders.select(
        country.alias("country"),
        F.coalesce("shipping_region", F.lit("")).alias("region"),
        "currency",
        asof.business_date(F.col("occurred_at"), zone).alias("occurred_ds"),
        F.lit(1).alias("orders"),
        "total_minor",
        KNOWN_FROM, KNOWN_UNTIL,
    )  # fmt: skip


def first_orders(order_list: DataFrame, days: DataFrame, zone: str) -> DataFrame:
    """Per buyer and day: 1 on the date of his first order, by time of placing, then order_id.

    `order_list` holds list changes (LIST_ENTRY, known_ds, listed) of the buyers in `days`.
    """
    return (
        order_list.join(days, "buyer_id")
        .where(F.col("known_ds") <= F.col(AS_OF))
        .groupBy(*LIST_ENTRY, AS_OF, NEXT_AS_OF)
        .agg(F.sum("listed").alias("listed"))
        .where(F.col("listed") > 0)
        .groupBy("buyer_id", AS_OF, NEXT_AS_OF)
        .agg(F.min(F.struct("placed_at", "order_id", "currency")).alias("_first"))
        .select(
            "buyer_id",
            F.col("_first.currency").alias("currency"),
            asof.business_date(F.col("_first.placed_at"), zone).alias("occurred_ds"),
            F.lit(1).alias("first_orders"),
            AS_OF, NEXT_AS_OF,
        )
    )  # fmt: skip
