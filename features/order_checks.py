"""What is wrong with an order: every rule of the policy, all that are broken at once."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.contract import Check
from features import asof


def errors(
    orders: DataFrame, lines: DataFrame, listings: DataFrame, sellers: DataFrame,
    other_payments: DataFrame, rules: Sequence[Check],
) -> DataFrame:  # fmt: skip
    """(order_id, errors): codes of the rules that the order breaks; none for a sound one.

    `orders` and `lines` are the order's standing versions and `order_lines.lines`; `listings` and
    `sellers` are bronze rows known by now, of which those count that were so when it was placed;
    `other_payments`: (order_id) of each payment that is not in the order's currency.
    """
    found = facts(orders, lines, listings, sellers, other_payments)
    broken = [
        F.when(~F.coalesce(F.expr(rule.sql), F.lit(True)), F.lit(rule.name)) for rule in rules
    ]
    return found.select("order_id", F.array_compact(F.array(*broken)).alias("errors"))


def facts(
    orders: DataFrame, lines: DataFrame, listings: DataFrame, sellers: DataFrame,
    other_payments: DataFrame,
) -> DataFrame:  # fmt: skip
    """One row an order, what rules are written over.

    Of the order: has_order, total_minor, shipping_minor, tax_minor, discount_minor, currency,
    shipping_country (null where it is not known). Of its lines: lines, lines_minor,
    line_shipping_minor, line_tax_minor, gross_minor, least_quantity, lines_above_price,
    currencies (order and lines together), listings_not_live, sellers_not_active. Of what was held
    or paid: other_payments, those in another currency.
    """
    live = _stood(lines, listings, "listing_id", F.col("status") == "active")
    active = _stood(lines, sellers, "seller_id", F.col("status") == "active")
    price = F.col("unit_price_minor").cast("decimal(38,0)") * F.col("quantity")
    summed = (
        lines.join(live.withColumnRenamed("stood", "_live"), ["order_id", "line_no"], "left")
        .join(active.withColumnRenamed("stood", "_active"), ["order_id", "line_no"], "left")
        .groupBy("order_id")
        .agg(
            F.count(F.lit(1)).alias("lines"),
            F.sum("line_total_minor").alias("lines_minor"),
            F.sum("shipping_minor").alias("line_shipping_minor"),
            F.sum("tax_minor").alias("line_tax_minor"),
            F.sum("gross_minor").alias("gross_minor"),
            F.min("quantity").alias("least_quantity"),
            F.count_if(F.col("line_total_minor") > price).alias("lines_above_price"),
            F.collect_set("currency").alias("_currencies"),
            F.count_if(~F.coalesce("_live", F.lit(False))).alias("listings_not_live"),
            F.count_if(~F.coalesce("_active", F.lit(False))).alias("sellers_not_active"),
        )
    )
    own = orders.select(
        "order_id", "total_minor", "shipping_minor", "tax_minor", "discount_minor", "currency",
        "shipping_country", F.lit(True).alias("has_order"),
    )  # fmt: skip
    all_currencies = F.array_union(
        F.coalesce("_currencies", F.array().cast("array<string>")), F.array("currency")
    )
    others = other_payments.groupBy("order_id").agg(F.count(F.lit(1)).alias("other_payments"))
    return (
        own.join(summed, "order_id", "full")
        .join(others, "order_id", "left")
        .withColumns(
            {
                "other_payments": F.coalesce("other_payments", F.lit(0)),
                "has_order": F.coalesce("has_order", F.lit(False)),
                "lines": F.coalesce("lines", F.lit(0)),
                "currencies": F.size(F.array_compact(all_currencies)),
            }
        )
    )


def _stood(lines: DataFrame, versions: DataFrame, key: str, is_so: Column) -> DataFrame:
    """(order_id, line_no, stood): was it so of the newest version from before the line was placed?

    A version that was known late, or corrected since, counts as it is known now.
    """
    known = versions.select(key, "retracted", *asof.VERSION_ORDER, is_so.alias("_is_so"))
    placed = lines.select("order_id", "line_no", key, "placed_at")
    newest = F.max_by(F.col("_is_so") & ~F.col("retracted"), F.struct(*asof.VERSION_ORDER)).alias(
        "stood"
    )
    before = known.join(placed, key).where(F.col("occurred_at") <= F.col("placed_at"))
    return before.groupBy("order_id", "line_no").agg(newest)
