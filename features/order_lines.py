"""Order lines as decisions see them: what each costs, what happened to it, what was captured."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features import order
from features.allocation import allocated
from features.asof import AS_OF, NEXT_AS_OF

OF_ITEMS = (
    "listing_id", "unit_price_minor", "line_total_minor", "shipping_minor", "tax_minor",
)  # fmt: skip


def lines(now: Mapping[str, DataFrame], ds: date) -> DataFrame:
    """One row a line: what it costs and when what happened to it.

    `now` holds the standing versions of orders, order_items, order_events and shipments. Adds
    gross_minor (line, shipping and tax), payable_minor (less its part of the order's discount, by
    largest remainder) and confirmed_at (a line that was shipped was confirmed).
    """
    on_day = {AS_OF: F.lit(ds), NEXT_AS_OF: F.lit(None).cast("date")}
    happened = order.marks(now["order_events"], now["shipments"], of_versions=())
    items = now["order_items"].withColumns(on_day)
    times = order.line_times(items, happened.withColumns(on_day)).drop(AS_OF, NEXT_AS_OF)
    gross = F.col("line_total_minor") + F.col("shipping_minor") + F.col("tax_minor")
    costed = items.select("order_id", "line_no", *OF_ITEMS, gross.alias("gross_minor"))
    discounts = now["orders"].select("order_id", "discount_minor")
    each = times.join(costed, ["order_id", "line_no"]).join(discounts, "order_id", "left")
    shared = allocated(
        each, "discount_minor", "gross_minor", ["order_id"], ["line_no"], "line_discount_minor"
    )
    payable = F.greatest(
        F.col("gross_minor") - F.coalesce("line_discount_minor", F.lit(0)), F.lit(0)
    )
    return shared.withColumns(
        {
            "payable_minor": payable,
            "confirmed_at": F.coalesce(
                F.least("confirmed_at", "shipped_at"), "confirmed_at", "shipped_at"
            ),
        }
    ).drop("paid_at", "discount_minor", "line_discount_minor")


def with_captured(each: DataFrame, captures: DataFrame) -> DataFrame:
    """Lines with captured_minor: the order's `captured_minor` divided by what was captured.

    `captures`: order_id, captured_minor, first_captured_at, last_captured_at, adopted (by others,
    who capture without asking sellers). A capture is made for the lines confirmed by then, which
    may be cancelled while it is under way: of the lines confirmed and not cancelled, the lines
    confirmed, and all, the first that come to so much share it.
    """
    joined = each.join(captures, "order_id", "left").withColumn(
        "_captured", F.coalesce("captured_minor", F.lit(0))
    )
    stood = F.col("cancelled_at").isNull() | (F.col("cancelled_at") > F.col("first_captured_at"))
    meant = F.coalesce(
        F.col("adopted") | (F.col("confirmed_at") <= F.col("last_captured_at")), F.lit(False)
    )
    of_order = Window.partitionBy("order_id")
    share = F.col("payable_minor")
    for fits in (meant, meant & stood):
        weight = F.when(fits, F.col("payable_minor")).otherwise(0)
        share = F.when(F.sum(weight).over(of_order) >= F.col("_captured"), weight).otherwise(share)
    divided = allocated(
        joined.withColumn("_share", share).drop("captured_minor"), "_captured", "_share",
        ["order_id"], ["line_no"], "captured_minor",
    )  # fmt: skip
    return divided.drop("_share", "_captured", "first_captured_at", "last_captured_at", "adopted")


def with_refunds(each: DataFrame, refunds: DataFrame) -> DataFrame:
    """Captured lines with refund_due_minor: captured for a line cancelled, and not paid back; where
    we captured ourselves, also what was captured beyond the price of a line.

    `refunds` are the standing versions. One that names a line is that line's; another is divided
    over the lines of its seller (of the order where it names none) by what was captured for them.
    """
    named = refunds.where("line_no is not null").groupBy("order_id", "line_no").agg(
        F.sum("amount_minor").alias("_of_line")
    )  # fmt: skip
    others = refunds.where("line_no is null")
    of_sellers = others.where("seller_id is not null").groupBy("order_id", "seller_id").agg(
        F.sum("amount_minor").alias("_of_seller")
    )  # fmt: skip
    of_orders = others.where("seller_id is null").groupBy("order_id").agg(
        F.sum("amount_minor").alias("_of_order")
    )  # fmt: skip
    joined = (
        each.join(named, ["order_id", "line_no"], "left")
        .join(of_sellers, ["order_id", "seller_id"], "left")
        .join(of_orders, "order_id", "left")
        .na.fill(0, ["_of_line", "_of_seller", "_of_order"])
    )
    by_seller = allocated(
        joined, "_of_seller", "captured_minor", ["order_id", "seller_id"], ["line_no"], "_seller"
    )
    by_order = allocated(
        by_seller, "_of_order", "captured_minor", ["order_id"], ["line_no"], "_order"
    )
    refunded = F.col("_of_line") + F.col("_seller") + F.col("_order")
    owed = F.when(F.col("cancelled_at").isNull(), F.col("payable_minor")).otherwise(0)
    counts = F.col("cancelled_at").isNotNull() | F.coalesce("captured_by_us", F.lit(False))
    over = F.greatest(F.col("captured_minor") - refunded - owed, F.lit(0))
    due = F.when(counts, over).otherwise(0)
    return by_order.withColumn("refund_due_minor", due).drop(
        "_of_line", "_of_seller", "_of_order", "_seller", "_order", "captured_by_us"
    )
