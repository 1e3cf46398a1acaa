"""Orders: what is placed, by whom, at whom, for how much, and whether it is paid."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.simulate import buyers, causes, fraud, traces
from jobs.simulate.draws import (
    after,
    at_habitual_hour,
    between,
    chance,
    draw,
    luck,
    unfolded,
    weighted,
    whole,
)
from jobs.simulate.kinds import METRICS
from jobs.simulate.offers import price_at
from jobs.simulate.plan import MARKETS, Plan, of_market

METHODS = {"card": 0.6, "wallet": 0.2, "debit_card": 0.1, "bank_transfer": 0.07, "cash_slip": 0.03}
SLOW_METHODS = ("bank_transfer", "cash_slip")
LINES = {"1": 0.62, "2": 0.24, "3": 0.10, "4": 0.04}
UNITS = {"1": 0.82, "2": 0.13, "3": 0.05}
STOLEN_UNITS = {"1": 0.45, "2": 0.35, "3": 0.20}
DEAREST, DEAREST_SLOT = 0.6, 0
"""Share of a thief's lines that are of the seller's dearest listing."""
ENDINGS = {"unpaid": 0.012, "withdrawn": 0.02, "kept": 1.0}


SELLER = (
    "seller_no", "seller_id", "marketplace", "currency", "listing_count", "registered_at",
    "platform_share", *METRICS,
)  # fmt: skip
"""What an order keeps of its sellers: who they are, and how they are on that day."""
COMPANY = 0.06
"""Share of the orders that become another seller's part of an order of two."""


def placed(plan: Plan, seller_days: DataFrame) -> DataFrame:
    """Orders as they are placed: time, buyer, one seller or two of one market, fate of payment.

    A seller's day says how many are drawn with him, and how he is on that day. What is drawn
    into an outage is not placed.
    """
    who = F.struct(*SELLER, F.col("own_luck").alias("seller_luck"))
    each = seller_days.where("orders > 0").select(
        "index", "day", "marketplace", "kind", "main_category", who.alias("first"),
        F.col("luck").alias("day_luck"),
        F.explode(F.sequence(F.lit(1), "orders")).alias("number"),
    )  # fmt: skip
    order_id = F.concat_ws(
        "-", F.lit("o"), F.date_format("day", "yyyyMMdd"), F.substring("first.seller_id", 3, 99),
        F.lpad(F.col("number").cast("string"), 3, "0"),
    )  # fmt: skip
    drawn = each.select(
        "*", order_id.alias("order_id"), luck("order", "day_luck", "number").alias("luck")
    ).select(
        "*",
        at_habitual_hour(F.col("day"), "placed", plan.zone).alias("placed_at"),
        weighted(LINES, "lines").cast("int").alias("line_count"),
        weighted(METHODS, "method").alias("method"),
        weighted(ENDINGS, "ending").alias("ending"),
        chance(causes.coupon_share(plan), "coupon").alias("coupon"),
    ).where(causes.reachable(plan, "placed_at"))  # fmt: skip
    return _with_buyer(plan, _with_company(drawn))


def _with_company(orders: DataFrame) -> DataFrame:
    """Some orders become the second seller's part of another order of their market and day.

    Hosts and guests are paired by rank, so that a pair depends on no partition.
    """
    role = (
        F.when((F.col("line_count") > 1) & chance(0.2, "host"), "host")
        .when((F.col("line_count") == 1) & chance(COMPANY, "guest"), "guest")
    )  # fmt: skip
    cast = orders.withColumn("role", role)
    none = F.lit(None).cast(orders.schema["first"].dataType)
    alone = cast.where("role is null").withColumn("second", none)
    ranked = Window.partitionBy("marketplace", "day", "role").orderBy("luck", "order_id")
    together = Window.partitionBy("marketplace", "day", "pair")
    guest = F.max(F.when(F.col("role") == "guest", F.col("first"))).over(together)
    hosted = F.max(F.col("role") == "host").over(together)
    paired = (
        cast.where("role is not null")
        .withColumn("pair", F.row_number().over(ranked))
        .select("*", guest.alias("guest"), hosted.alias("hosted"))
        .where("role = 'host' or not hosted")
    )
    other = (F.col("role") == "host") & (F.col("guest.seller_no") != F.col("first.seller_no"))
    second = F.when(other, F.col("guest"))
    return alone.unionByName(paired.withColumn("second", second).drop("pair", "guest", "hosted"))


def _with_buyer(plan: Plan, orders: DataFrame) -> DataFrame:
    """Who places it, honestly or as part of a scheme, and when it is paid. No scheme changes its
    mind."""
    schemed = fraud.with_scheme(plan, orders)
    bought = fraud.with_account(plan, buyers.with_buyer(plan, schemed)).withColumns({
        "method": fraud.method("method"),
        "ending": F.when(F.col("scheme").isNotNull(), "kept").otherwise(F.col("ending")),
    })  # fmt: skip
    paid_hours = F.when(
        F.col("method").isin(*SLOW_METHODS), between(2, 40, "paid")
    ).otherwise(between(0.003, 0.05, "paid"))  # fmt: skip
    return bought.select(
        "order_id", "luck", "placed_at", "line_count", "method", "ending", "coupon",
        "first", "second", "scheme", "ring_luck",
        buyers.buyer_id(F.col("first.marketplace"), F.col("buyer_no")).alias("buyer_id"),
        plan.luck("buyer", "first.marketplace", "buyer_no").alias("buyer_luck"),
        F.when(F.col("ending") != "unpaid", after(F.col("placed_at"), paid_hours))
        .alias("paid_at"),
    )  # fmt: skip


def lines(plan: Plan, parcels: DataFrame, listings: DataFrame) -> DataFrame:
    """Order lines with their money; a coupon's share of each line adds up to the discount."""
    each = parcels.select(
        "*", F.explode("line_nos").alias("line_no"), F.col("luck").alias("parcel_luck")
    ).withColumn("luck", luck("line", "parcel_luck", "line_no"))
    stolen = F.col("scheme").isin(*fraud.THIEVES)
    any_slot = whole(F.col("listing_count"), draw("slot")) + 1
    slot = F.when(stolen & chance(DEAREST, "dearest"), DEAREST_SLOT).otherwise(any_slot)
    slotted = each.withColumn("slot", slot)
    offers = _with_dearest(listings.select(
        "seller_no", "slot", "listing_id", "category", "price", "new_price", "changed_at"
    ))  # fmt: skip
    quantity = F.when(stolen, weighted(STOLEN_UNITS, "quantity")).otherwise(
        weighted(UNITS, "quantity")
    )
    priced = slotted.join(F.broadcast(offers), ["seller_no", "slot"], "inner").select(
        "*",
        quantity.cast("int").alias("quantity"),
        price_at(plan, "placed_at").alias("unit_price_minor"),
    )
    total = F.col("unit_price_minor") * F.col("quantity")
    tax = of_market({code: market.tax for code, market in MARKETS.items()})
    postage = of_market({code: 450 * market.minor_per_cent for code, market in MARKETS.items()})
    costed = priced.select(
        "*",
        total.alias("line_total_minor"),
        F.round(postage * between(0.6, 1.6, "postage")).cast("long").alias("shipping_minor"),
        F.round(total * tax).cast("long").alias("tax_minor"),
        F.when(F.col("coupon"), F.floor(total / 10)).otherwise(0).alias("discount_minor"),
    )
    paid = (F.col("line_total_minor") + F.col("shipping_minor") + F.col("tax_minor")
            - F.col("discount_minor"))  # fmt: skip
    return costed.withColumn("paid_minor", paid)


def _with_dearest(offers: DataFrame) -> DataFrame:
    """The offers, and each seller's dearest once more in a slot of its own."""
    rest = [name for name in offers.columns if name not in ("seller_no", "price", "slot")]
    dearest = offers.groupBy("seller_no").agg(
        F.max(F.struct("price", "slot", *rest)).alias("dearest")
    )
    own = dearest.select("seller_no", "dearest.*").withColumn("slot", F.lit(DEAREST_SLOT))
    return offers.unionByName(own)


def order_totals(lines: DataFrame) -> DataFrame:
    """One row an order: what is the order's alone, and the sums over its lines."""
    own = ("order_id", "order_luck", "placed_at", "paid_at", "method", "buyer_id",
           "buyer_luck", "marketplace", "currency", "captured_at", "scheme",
           "ring_luck")  # fmt: skip
    summed = lines.groupBy(*own).agg(
        F.sum("paid_minor").alias("total_minor"),
        F.sum("shipping_minor").alias("shipping_minor"),
        F.sum("tax_minor").alias("tax_minor"),
        F.sum("discount_minor").alias("discount_minor"),
        F.max("cancelled_at").alias("cancelled_at"),
        F.min("opened_at").alias("disputed_at"),
    )
    return summed.withColumnRenamed("order_luck", "luck")


def orders(totals: DataFrame) -> DataFrame:
    return traces.traced(totals).select(
        F.col("placed_at").alias("occurred_at"),
        "order_id", "buyer_id", "currency", "total_minor", "shipping_minor", "tax_minor",
        "discount_minor",
        F.col("method").alias("payment_method"),
        F.col("marketplace").alias("shipping_country"),
        "shipping_address_hash", "billing_address_hash", "device_hash", "card_hash", "ip_country",
        "rush",
    )  # fmt: skip


def order_items(lines: DataFrame) -> DataFrame:
    return lines.select(
        F.col("placed_at").alias("occurred_at"),
        "order_id", "line_no", "seller_id", "listing_id", "category", "quantity",
        "unit_price_minor", "line_total_minor", "shipping_minor", "tax_minor", "currency",
        "fulfillment", "ship_by", "deliver_by",
    )  # fmt: skip


def order_events(parcels: DataFrame) -> DataFrame:
    """Paid or not (the whole order), then each seller's confirmation and what is called off."""
    # What concerns the whole order is said once, with its first seller's parcel.
    first = F.col("parcel_no") == 0
    gone = {ending: F.col("ending") == ending for ending in ("unpaid", "withdrawn", "refused")}
    events = {
        "paid": F.when(first, F.col("paid_at")),
        "confirmed": F.col("confirmed_at"),
        "cancelled": F.when((first & gone["withdrawn"]) | gone["refused"], F.col("cancelled_at")),
        "rejected": F.when(first & gone["unpaid"], F.col("cancelled_at")),
    }
    event = F.col("happening.event")
    sellers_own = (event == "confirmed") | gone["refused"] & (event == "cancelled")
    return parcels.select("*", unfolded(events)).select(
        "happening.occurred_at",
        F.concat_ws("-", "order_id", "parcel_no", event).alias("order_event_id"),
        "order_id",
        F.when(sellers_own, F.col("seller_id")).alias("seller_id"),
        event.alias("event"),
        F.when(sellers_own, "seller").when(event == "rejected", "platform").otherwise("buyer")
        .alias("actor"),
        F.when(event == "rejected", "payment failed").when(event == "cancelled", F.when(
            gone["refused"], "out of stock").otherwise("changed my mind")).alias("reason"),
    )  # fmt: skip


def payments(totals: DataFrame) -> DataFrame:
    """Authorized, then captured when the first parcel leaves or cancelled when none does."""
    never = F.col("captured_at").isNull()
    states = {
        "authorized": F.col("paid_at"),
        "captured": F.col("captured_at"),
        "cancelled": F.when(never & F.col("paid_at").isNotNull(), F.col("cancelled_at")),
        "failed": F.when(F.col("paid_at").isNull(), F.col("cancelled_at")),
    }
    status = F.col("happening.event")
    return totals.select("*", unfolded(states)).select(
        F.when(status == "authorized", 1).otherwise(2).alias("version"),
        "happening.occurred_at",
        "order_id",
        F.lit(1).alias("payment_no"),
        "method",
        F.col("total_minor").alias("amount_minor"),
        "currency",
        status.alias("status"),
        F.lit(1).alias("installments"),
    )  # fmt: skip
