"""Facts that name something that is not known: counted and reported, never rejected."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

NAMES_AN_ORDER = {
    "order_items": "line_without_order",
    "order_events": "event_without_order",
    "payments": "payment_without_order",
    "shipments": "shipment_without_order",
    "refunds": "refund_without_order",
    "returns": "return_without_order",
    "disputes": "dispute_without_order",
    "messages": "message_without_order",
    "reviews": "review_without_order",
}


def count(landed: Mapping[str, DataFrame], orders: DataFrame, sellers: DataFrame) -> DataFrame:
    """`silver.orphan_days`: per landing day and kind, the facts whose order or seller is not known
    at the end of that day, and the lines in another currency than their seller's.

    `landed` holds the rows that landed in the window; `orders` (order_id, first_known_ds) and
    `sellers` (seller_id, first_known_ds, currency) what is known, and since when.
    """
    parts = [
        _missing(landed[name].where(F.col("order_id").isNotNull()), orders, "order_id", kind)
        for name, kind in NAMES_AN_ORDER.items()
    ]
    lines = landed["order_items"]
    parts.append(_missing(lines, sellers, "seller_id", "line_without_seller"))
    foreign = lines.join(
        sellers.select("seller_id", F.col("currency").alias("_own")), "seller_id"
    ).where(F.col("currency") != F.col("_own"))
    parts.append(_per_day(foreign, "line_in_foreign_currency"))
    union = parts[0]
    for part in parts[1:]:
        union = union.unionByName(part)
    return union


def _missing(facts: DataFrame, known: DataFrame, key: str, kind: str) -> DataFrame:
    since = known.select(key, "first_known_ds")
    named = facts.select(key, "ds").join(since, key, "left")
    unknown = F.col("first_known_ds").isNull() | (F.col("first_known_ds") > F.col("ds"))
    return _per_day(named.where(unknown), kind)


def _per_day(facts: DataFrame, kind: str) -> DataFrame:
    return facts.groupBy(F.col("ds").alias("known_ds")).agg(
        F.lit(kind).alias("kind"), F.count(F.lit(1)).alias("orphans")
    )
