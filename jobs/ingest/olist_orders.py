"""Orders, their lines, events, payments, parcels and reviews, from the published tables."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.tables import bronze
from jobs.ingest import olist_tables as published
from jobs.ingest.olist_delivery import Delivery, listing_id
from jobs.ingest.olist_mapped import Mapped
from jobs.ingest.olist_tables import TIME_ZONE
from jobs.ingest.olist_values import coded, firsts

PAYMENT_METHODS = {
    "credit_card": "card", "debit_card": "debit_card", "voucher": "voucher",
    "boleto": "cash_slip", "not_defined": None,
}  # fmt: skip
CANCELLED = ("canceled", "unavailable")
"""Final statuses that have no time of their own."""

BRAZIL, REAL = "BR", "BRL"
NO_ORDER = "its order is not in the orders table, or cannot be read"


def orders(olist: Delivery) -> Mapped:
    buyers = olist.placed.select("order_id", "customer_unique_id", "customer_state")
    methods = firsts(olist.payments, published.PAYMENTS).where("payment_sequential = 1")
    known = {text: code for text, code in PAYMENT_METHODS.items() if code}
    method = F.when(F.col("payment_type").isin(*known), coded("payment_type", known))
    rows = (
        olist.orders.join(buyers, "order_id", "left")
        .join(_totals(olist), "order_id", "left")
        .join(methods.select("order_id", method.alias("method")), "order_id", "left")
    )
    return Mapped(
        bronze.ORDERS, rows,
        event_id=F.concat(F.lit("olist:order:"), "order_id"),
        at=F.col("order_purchase_timestamp"),
        undated="it has no time of purchase",
        values={
            "order_id": F.col("order_id"),
            "buyer_id": F.col("customer_unique_id"),
            "currency": F.lit(REAL),
            "total_minor": F.col("total"),
            "shipping_minor": F.col("freight"),
            "payment_method": F.col("method"),
            "shipping_country": F.lit(BRAZIL),
            "shipping_region": F.col("customer_state"),
        },
        extra={
            "customer_id": F.col("customer_id"),
            "order_estimated_delivery_date": F.from_utc_timestamp(
                "order_estimated_delivery_date", TIME_ZONE
            ).cast("date").cast("string"),
        },
    )  # fmt: skip


def order_items(olist: Delivery) -> Mapped:
    promise = olist.placed.select(
        "order_id", "order_purchase_timestamp", "order_estimated_delivery_date"
    )
    rows = olist.items.join(promise, "order_id", "left").join(
        olist.categories(), "product_id", "left"
    )
    return Mapped(
        bronze.ORDER_ITEMS, rows,
        event_id=F.concat(F.lit("olist:order_item:"), "order_id", F.lit(":"), "order_item_id"),
        at=F.col("order_purchase_timestamp"),
        undated=NO_ORDER,
        values={
            "order_id": F.col("order_id"),
            "line_no": F.col("order_item_id"),
            "seller_id": F.col("seller_id"),
            "listing_id": listing_id(),
            "category": F.col("category"),
            "quantity": F.lit(1),
            "unit_price_minor": F.col("price"),
            "line_total_minor": F.col("price"),
            "shipping_minor": F.col("freight_value"),
            "currency": F.lit(REAL),
            "ship_by": F.col("shipping_limit_date"),
            "deliver_by": F.col("order_estimated_delivery_date"),
        },
    )  # fmt: skip


def order_events(olist: Delivery) -> Mapped:
    ended = F.when(F.col("order_status").isin(*CANCELLED), F.col("last_at"))
    reason = F.when(ended.isNotNull(), F.col("order_status"))
    paid = _event("paid", F.col("order_approved_at"))
    rows = _exploded(olist.placed, paid, _event("cancelled", ended, reason))
    event_id = F.concat("order_id", F.lit(":"), "event.name")
    return Mapped(
        bronze.ORDER_EVENTS, rows,
        event_id=F.concat(F.lit("olist:order_event:"), event_id),
        at=F.col("event.at"),
        values={
            "order_event_id": event_id,
            "order_id": F.col("order_id"),
            "event": F.col("event.name"),
            "reason": F.col("event.reason"),
        },
    )  # fmt: skip


def payments(olist: Delivery) -> Mapped:
    at = F.coalesce("order_approved_at", "order_purchase_timestamp")
    rows = olist.payments.join(olist.placed.select("order_id", at.alias("at")), "order_id", "left")
    method = coded("payment_type", PAYMENT_METHODS)
    number = F.concat("order_id", F.lit(":"), "payment_sequential")
    return Mapped(
        bronze.PAYMENTS, rows,
        event_id=F.concat(F.lit("olist:payment:"), number),
        at=F.col("at"),
        undated=NO_ORDER,
        values={
            "order_id": F.col("order_id"),
            "payment_no": F.col("payment_sequential"),
            "method": method,
            "amount_minor": F.col("payment_value"),
            "currency": F.lit(REAL),
            "installments": F.col("payment_installments"),
        },
        extra={"payment_type": F.when(method.isNull(), F.col("payment_type"))},
    )  # fmt: skip


def shipments(olist: Delivery) -> Mapped:
    """One parcel for each seller of an order: Olist dates the order's way, not the parcel's."""
    parcels = olist.lines.groupBy("order_id", "seller_id").agg(
        F.array_sort(F.collect_list("line_no")).alias("line_nos")
    )
    ended = F.when(F.col("order_status") == "delivered", F.col("last_at"))
    delivered = F.coalesce("order_delivered_customer_date", ended)
    rows = _exploded(
        olist.placed.join(parcels, "order_id"),
        _event("shipped", F.col("order_delivered_carrier_date")),
        _event("delivered", delivered),
    )
    shipment_id = F.concat("order_id", F.lit("@"), "seller_id")
    event_id = F.concat(shipment_id, F.lit(":"), "event.name")
    return Mapped(
        bronze.SHIPMENTS, rows,
        event_id=F.concat(F.lit("olist:shipment:"), event_id),
        at=F.col("event.at"),
        values={
            "shipment_event_id": event_id,
            "shipment_id": shipment_id,
            "order_id": F.col("order_id"),
            "seller_id": F.col("seller_id"),
            "line_nos": F.col("line_nos"),
            "event": F.col("event.name"),
        },
    )  # fmt: skip


def reviews(olist: Delivery) -> Mapped:
    """Olist reviews whole orders: the seller is known where the order has only one."""
    one_seller = F.expr("every(whole) and min(seller_id) = max(seller_id)")
    one_line = F.expr("every(whole) and count(1) = 1")
    about = olist.lines.groupBy("order_id").agg(
        F.when(one_seller, F.min("seller_id")).alias("seller_id"),
        F.when(one_line, F.min("listing_id")).alias("listing_id"),
    )
    rows = olist.reviews.join(
        olist.placed.select("order_id", "customer_unique_id"), "order_id", "left"
    ).join(about, "order_id", "left")
    review_id = F.concat("review_id", F.lit(":"), "order_id")
    return Mapped(
        bronze.REVIEWS, rows,
        event_id=F.concat(F.lit("olist:review:"), review_id),
        at=F.col("review_answer_timestamp"),
        undated="it has no time of answer",
        values={
            "review_id": review_id,
            "order_id": F.col("order_id"),
            "buyer_id": F.col("customer_unique_id"),
            "seller_id": F.col("seller_id"),
            "listing_id": F.col("listing_id"),
            "stars": F.col("review_score"),
            "text": F.col("review_comment_message"),
        },
    )  # fmt: skip


def _totals(olist: Delivery) -> DataFrame:
    """order_id, total and freight; null where a line or an amount of the order is not known."""
    everything = F.expr("every(whole and price is not null and freight_value is not null)")
    return olist.lines.groupBy("order_id").agg(
        F.when(everything, F.expr("try_sum(price + freight_value)")).alias("total"),
        F.when(everything, F.expr("try_sum(freight_value)")).alias("freight"),
    )


def _event(name: str, at: Column, reason: Column | None = None) -> Column:
    why = F.lit(None) if reason is None else reason
    return F.struct(F.lit(name).alias("name"), at.alias("at"), why.cast("string").alias("reason"))


def _exploded(rows: DataFrame, *events: Column) -> DataFrame:
    """The rows once for each event that has a time."""
    dated = F.filter(F.array(*events), lambda event: event["at"].isNotNull())
    return rows.withColumn("event", F.explode(dated))
