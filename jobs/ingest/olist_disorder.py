"""Disorder in the Olist tables: kept as it was published, counted and said."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from pyspark.sql import functions as F

from conf.contract import Table
from conf.tables import bronze
from jobs.ingest.olist_delivery import Delivery

log = logging.getLogger(__name__)

STATUSES = (
    "approved", "canceled", "created", "delivered", "invoiced", "processing", "shipped",
    "unavailable",
)  # fmt: skip
"""The statuses of the published orders."""

ODD: tuple[tuple[Table, str, str], ...] = (
    (bronze.ORDER_EVENTS, "approved before purchase", "approved < purchased"),
    (bronze.ORDER_EVENTS, "cancelled after delivery",
     "status in ('canceled', 'unavailable') and delivered is not null"),
    (bronze.SHIPMENTS, "shipped before purchase", "shipped < purchased"),
    (bronze.SHIPMENTS, "shipped before approval", "shipped < approved"),
    (bronze.SHIPMENTS, "delivered before purchase", "delivered < purchased"),
    (bronze.SHIPMENTS, "delivered before approval", "delivered < approved"),
    (bronze.SHIPMENTS, "delivered before shipped", "delivered < shipped"),
    (bronze.SHIPMENTS, "delivered without a time of delivery",
     "status = 'delivered' and delivered is null"),
    (bronze.ORDERS, "without lines", "not has_lines"),
    (bronze.ORDERS, "of a customer that is not published", "buyer is null"),
    (bronze.ORDERS, "of a status that is not published", f"status not in {STATUSES}"),
    (bronze.REVIEWS, "reviewed before purchase", "reviewed < purchased"),
)  # fmt: skip
"""(table concerned, what is odd about an order, SQL condition)."""


def found(olist: Delivery, last: date) -> list[dict[str, Any]]:
    """Rows for meta/data_quality: how many orders are odd, for each way in which any is.

    They are about the whole delivery and stand under its `last` business date.
    """
    lines = olist.lines.select("order_id", F.lit(True).alias("line")).distinct()
    answers = olist.reviews.groupBy("order_id").agg(
        F.min("review_answer_timestamp").alias("reviewed")
    )
    orders = (
        olist.placed.join(lines, "order_id", "left")
        .join(answers, "order_id", "left")
        .select(
            F.col("order_purchase_timestamp").alias("purchased"),
            F.col("order_approved_at").alias("approved"),
            F.col("order_delivered_carrier_date").alias("shipped"),
            F.col("order_delivered_customer_date").alias("delivered"),
            F.col("order_status").alias("status"),
            F.col("customer_unique_id").alias("buyer"),
            F.col("line").isNotNull().alias("has_lines"),
            "reviewed",
        )
    )
    counts = orders.agg(*(F.expr(f"count_if({odd})") for _, _, odd in ODD)).first()
    assert counts is not None
    rows = [
        {"table": table.path, "check": text.replace(" ", "_"), "ds": last, "rows": number,
         "detail": f"{number} orders {text}"}
        for (table, text, _), number in zip(ODD, counts, strict=True)
        if number
    ]  # fmt: skip
    for row in rows:
        log.info("%s, kept as published", row["detail"])
    return rows
