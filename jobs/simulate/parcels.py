"""Parcels: what each seller of an order sends, and how it travels.

A time that is null is a thing that never happens.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    after,
    between,
    chance,
    draw,
    luck,
    pick,
    token,
    unfolded,
    waiting,
)
from jobs.simulate.orders import SLOW_METHODS


def parcels(placed: DataFrame) -> DataFrame:
    """One row an order and seller: its lines, promises, end and times.

    The end is the order's (unpaid, withdrawn), or refused by the seller, lost or delivered. What a
    scheme orders arrives.
    """
    second = F.col("second").isNotNull()
    sellers = F.when(second, F.array("first", "second")).otherwise(F.array("first"))
    each = placed.select("*", F.posexplode(sellers))
    own = each.select(
        "order_id", "placed_at", "paid_at", "method", "coupon", "buyer_id", "buyer_luck", "scheme",
        "ring_luck", "col.*",
        second.alias("shared"),
        F.col("ending").alias("order_ending"),
        F.col("luck").alias("order_luck"),
        F.col("pos").alias("parcel_no"),
        F.when(~second, F.sequence(F.lit(1), "line_count"))
        .when(F.col("pos") == 0, F.sequence(F.lit(1), F.col("line_count") - 1))
        .otherwise(F.array("line_count")).alias("line_nos"),
        luck("parcel", "luck", "pos").alias("luck"),
    )  # fmt: skip
    ended = own.withColumn(
        "ending",
        F.when(F.col("order_ending") != "kept", F.col("order_ending"))
        .when(F.col("scheme").isNotNull(), "delivered")
        .when(chance(F.col("cancel"), "refused"), "refused")
        .when(chance(0.002 + 0.02 * F.col("late"), "lost"), "lost")
        .otherwise("delivered"),
    )
    return _captured(_timed(_promised(ended)))


def _promised(parcels: DataFrame) -> DataFrame:
    """Two days to ship, two more where money comes slowly, and four days for the way."""
    hours = F.when(F.col("method").isin(*SLOW_METHODS), 96).otherwise(48)
    ship_by = after(F.col("placed_at"), hours)
    return parcels.select(
        "*",
        ship_by.alias("ship_by"),
        after(ship_by, 96).alias("deliver_by"),
        F.when(chance(F.col("platform_share"), "fulfillment"), "platform").otherwise("merchant")
        .alias("fulfillment"),
    )  # fmt: skip


def _timed(parcels: DataFrame) -> DataFrame:
    """When it is confirmed, called off, shipped and delivered.

    A parcel is late with the seller's chance of that day, else shipped within its promise.
    """
    ending, paid_at = F.col("ending"), F.col("paid_at")
    sent = ending.isin("lost", "delivered")
    promised = (F.unix_millis("ship_by") - F.unix_millis(paid_at)) / 3_600_000
    behind = promised + 0.5 + waiting(20, "behind")
    in_time = F.least(1 + waiting(F.col("handling"), "handling"), promised * draw("in time"))
    handling = F.greatest(
        F.when(chance(F.col("late"), "late"), behind).otherwise(in_time), F.lit(0.2)
    )
    travel = between(16, 70, "travel") + waiting(18, "delay")
    called_off = (
        F.when(ending == "unpaid", after(F.col("placed_at"), 72))
        .when(ending == "withdrawn", after(paid_at, between(0.2, 3, "withdrawn")))
        .when(ending == "refused", after(paid_at, between(2.5, 40, "refused at")))
    )
    started = parcels.select(
        "*",
        called_off.alias("cancelled_at"),
        F.when(sent | (ending == "refused"), after(paid_at, between(0.1, 2, "confirmed")))
        .alias("confirmed_at"),
        F.when(sent, after(paid_at, handling)).alias("shipped_at"),
    )  # fmt: skip
    return started.select(
        "*",
        F.when(ending == "delivered", after(F.col("shipped_at"), travel)).alias("delivered_at"),
        F.when(ending == "lost", after(F.col("shipped_at"), 24 * 14)).alias("lost_at"),
    )


def _captured(parcels: DataFrame) -> DataFrame:
    """The first parcel takes the order's money. Few orders have two: the others need no shuffle."""
    first = F.min("shipped_at").over(Window.partitionBy("order_id"))
    alone = parcels.where("not shared").withColumn("captured_at", F.col("shipped_at"))
    shared = parcels.where("shared").withColumn("captured_at", first)
    return alone.unionByName(shared).drop("shared")


def shipments(parcels: DataFrame) -> DataFrame:
    shipped = F.col("shipped_at")
    tracked = ~chance(F.col("untracked"), "untracked")
    events = {
        "shipped": shipped,
        "tracking_confirmed": F.when(tracked, after(shipped, between(1, 12, "scan"))),
        "delivered": F.col("delivered_at"),
        "lost": F.col("lost_at"),
    }
    shipment_id = F.concat_ws("-", F.lit("p"), F.substring("order_id", 3, 99), "parcel_no")
    return parcels.select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", shipment_id, "happening.event").alias("shipment_event_id"),
        shipment_id.alias("shipment_id"),
        "order_id", "seller_id", "line_nos", "happening.event",
        carrier("luck").alias("carrier"),
        F.upper(token("tracking")).alias("tracking_number"),
    )  # fmt: skip


def carrier(parcel_luck: str) -> Column:
    return pick(("swift", "parcelnet", "postal"), "carrier", parcel_luck)
