"""Orders: when what happened to a line, what befell a seller's part, and the order's status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features import asof
from features.asof import AS_OF, KNOWN_FROM, KNOWN_UNTIL, NEXT_AS_OF

SUBJECT = ("order_id",)
DAYS = (AS_OF, NEXT_AS_OF)

LINE_FACTS = (
    "order_id", "line_no", "seller_id", "currency", "quantity", "ship_by", "deliver_by",
    "occurred_at",
)  # fmt: skip
EVENT_FACTS = ("order_id", "line_no", "seller_id", "event", "actor", "occurred_at")
SHIPMENT_FACTS = ("order_id", "line_nos", "event", "occurred_at")
"""Columns that the progress of lines and orders is counted from."""

CANCELLING = ("cancelled", "rejected")


def due_days(lines: DataFrame, zone: str) -> DataFrame:
    """(order_id, as_of): the days on which a promise to ship falls due, from line versions."""
    due = asof.business_date(F.col("ship_by"), zone)
    return lines.where(F.col("ship_by").isNotNull()).select("order_id", due.alias(AS_OF))


def marks(
    order_events: DataFrame, shipments: DataFrame,
    of_versions: tuple[str, ...] = (KNOWN_FROM, KNOWN_UNTIL),
) -> DataFrame:  # fmt: skip
    """What happened to lines: order_id, line_no (null: all), seller_id (null: of any), kind, actor,
    marked_at, and of versions (none for standing ones) their columns. A shipment event is one row a
    line."""
    marked = (
        F.col("event").alias("kind"), F.col("occurred_at").alias("marked_at"),
        *map(F.col, of_versions),
    )  # fmt: skip
    nobody = F.lit(None).cast("string")
    on_parcels = shipments.select(
        "order_id", F.explode("line_nos").alias("line_no"), nobody.alias("seller_id"),
        nobody.alias("actor"), *marked,
    )  # fmt: skip
    on_orders = order_events.select("order_id", "line_no", "seller_id", "actor", *marked)
    return on_orders.unionByName(on_parcels)


LINE_COLUMNS = (
    "order_id", *DAYS, "line_no", "seller_id", "currency", "placed_at", "quantity", "ship_by",
    "deliver_by",
)  # fmt: skip


def line_times(lines_at: DataFrame, marks_at: DataFrame) -> DataFrame:
    """One row a line and day: LINE_COLUMNS and the first time of each thing that can happen.

    paid_at, confirmed_at, shipped_at, delivered_at, cancelled_at (by anybody),
    cancelled_by_seller_at; null where it did not happen as far as known.
    """
    line = lines_at.select(
        *(F.col(name) for name in LINE_COLUMNS if name != "placed_at"),
        F.col("occurred_at").alias("placed_at"),
    ).alias("l")
    mark = marks_at.select(
        "order_id", AS_OF, "line_no", "seller_id", "kind", "actor", "marked_at"
    ).alias("m")
    concerns = (
        (F.col("l.order_id") == F.col("m.order_id"))
        & (F.col(f"l.{AS_OF}") == F.col(f"m.{AS_OF}"))
        & (F.col("m.line_no").isNull() | (F.col("l.line_no") == F.col("m.line_no")))
        & (F.col("m.seller_id").isNull() | (F.col("l.seller_id") == F.col("m.seller_id")))
    )
    cancelled = F.col("m.kind").isin(*CANCELLING)
    by_seller = cancelled & (F.col("m.actor") == "seller")
    first = {
        "paid_at": F.col("m.kind") == "paid",
        "confirmed_at": F.col("m.kind") == "confirmed",
        "shipped_at": F.col("m.kind") == "shipped",
        "delivered_at": F.col("m.kind") == "delivered",
        "cancelled_at": cancelled,
        "cancelled_by_seller_at": by_seller,
    }
    return (
        line.join(mark, concerns, "left")
        .groupBy(*(f"l.{name}" for name in LINE_COLUMNS))
        .agg(*(F.min(F.when(is_it, F.col("m.marked_at"))).alias(n) for n, is_it in first.items()))
    )


def seller_orders(lines_at: DataFrame) -> DataFrame:
    """One row a seller-order, currency and day: order_id, seller_id, currency, placed_at (its
    earliest line), line_nos."""
    return lines_at.groupBy("order_id", *DAYS, "seller_id", "currency").agg(
        F.min("occurred_at").alias("placed_at"), F.collect_set("line_no").alias("line_nos")
    )


def complaints(at: Mapping[str, DataFrame]) -> DataFrame:
    """What befalls seller-orders, one row a fact and day: order_id, as_of, seller_id (of a refund
    null: every seller of the order), line_no (null: any), kind (refund, claim, chargeback,
    contact, bad_review)."""
    opened = at["disputes"].where("event = 'opened'")
    columns = ("order_id", AS_OF, "seller_id")
    no_line = F.lit(None).cast("int").alias("line_no")
    written = at["messages"].where("sender = 'buyer' and order_id is not null")
    parts = (
        opened.select(*columns, "line_no", F.col("kind")),
        written.select(*columns, no_line, F.lit("contact").alias("kind")),
        at["reviews"]
        .where("stars <= 2")
        .select(*columns, no_line, F.lit("bad_review").alias("kind")),
    )
    # Only a refund without a seller is every seller's: the others are the business of one.
    of_a_seller = reduce(DataFrame.unionByName, parts).where("seller_id is not null")
    refunds = _refunds_by_seller(at["refunds"], at["returns"])
    return refunds.unionByName(of_a_seller).distinct()


def _refunds_by_seller(refunds_at: DataFrame, returns_at: DataFrame) -> DataFrame:
    """A refund belongs to its seller, else to that of the return it names, else to all."""
    returned = returns_at.select(
        "order_id", AS_OF, "return_id", F.col("seller_id").alias("_return_seller_id")
    ).distinct()
    return refunds_at.join(returned, ["order_id", AS_OF, "return_id"], "left").select(
        "order_id", AS_OF,
        F.coalesce("seller_id", "_return_seller_id").alias("seller_id"), "line_no",
        F.lit("refund").alias("kind"),
    )  # fmt: skip


def with_complaints(seller_orders_at: DataFrame, complaints_at: DataFrame) -> DataFrame:
    """Seller-orders with the flags refunded, claimed, charged_back, contacted, defective (0, 1)."""
    s, c = seller_orders_at.alias("s"), complaints_at.alias("c")
    concerns = (
        (F.col("s.order_id") == F.col("c.order_id"))
        & (F.col(f"s.{AS_OF}") == F.col(f"c.{AS_OF}"))
        & (F.col("c.seller_id").isNull() | (F.col("s.seller_id") == F.col("c.seller_id")))
        & (F.col("c.line_no").isNull() | F.array_contains("s.line_nos", F.col("c.line_no")))
    )
    flags = {
        "refunded": _any("refund"),
        "claimed": _any("claim"),
        "charged_back": _any("chargeback"),
        "contacted": _any("contact"),
        "defective": _any("claim", "chargeback", "bad_review"),
    }
    identity = ("order_id", *DAYS, "seller_id", "currency", "placed_at")
    return (
        s.join(c, concerns, "left")
        .groupBy(*(f"s.{name}" for name in identity))
        .agg(*(flag.alias(name) for name, flag in flags.items()))
    )


def _any(*kinds: str) -> Column:
    return F.max(F.coalesce(F.col("c.kind").isin(*kinds), F.lit(False)).cast("int"))


def fulfilment(orders_at: DataFrame, line_times_at: DataFrame, marks_at: DataFrame) -> DataFrame:
    """One row an order and day: how far it has come.

    lines, lines_cancelled, lines_shipped, lines_delivered; paid_at and confirmed_at (the first
    such event), shipped_at (first line), delivered_at (last living line, once all of them are),
    cancelled_at (last line, once all are; of an order without lines its own cancellation),
    promised (delivered, with a deliver_by on every living line), late (a line was delivered after
    its deliver_by).
    """
    on = ["order_id", AS_OF]
    living = F.col("_living")
    is_delivered = (living > 0) & (living == F.col("_living_delivered"))
    is_cancelled = (F.col("lines") > 0) & (living == 0)
    cancelled_at = F.when(is_cancelled, F.col("_last_cancelled_at")).when(
        F.col("lines").isNull(), F.col("_order_cancelled_at")
    )
    counts = ("lines", "lines_cancelled", "lines_shipped", "lines_delivered")
    return (
        orders_at.select("order_id", *DAYS)
        .join(_line_counts(line_times_at), on, "left")
        .join(_order_marks(marks_at), on, "left")
        .select(
            "order_id", *DAYS,
            *(F.coalesce(name, F.lit(0)).cast("bigint").alias(name) for name in counts),
            "paid_at", "confirmed_at", "shipped_at",
            F.when(is_delivered, F.col("_last_delivered_at")).alias("delivered_at"),
            cancelled_at.alias("cancelled_at"),
            F.coalesce(is_delivered & (F.col("_unpromised") == 0), F.lit(False)).alias("promised"),
            F.coalesce("late", F.lit(False)).alias("late"),
        )
    )  # fmt: skip


def _line_counts(line_times_at: DataFrame) -> DataFrame:
    living, arrived = F.col("cancelled_at").isNull(), F.col("delivered_at").isNotNull()
    return line_times_at.groupBy("order_id", AS_OF).agg(
        F.count(F.lit(1)).alias("lines"),
        F.count("cancelled_at").alias("lines_cancelled"),
        F.count("shipped_at").alias("lines_shipped"),
        F.count("delivered_at").alias("lines_delivered"),
        F.count_if(living).alias("_living"),
        F.count_if(living & arrived).alias("_living_delivered"),
        F.count_if(living & arrived & F.col("deliver_by").isNull()).alias("_unpromised"),
        F.max(F.when(living, F.col("delivered_at"))).alias("_last_delivered_at"),
        F.max("cancelled_at").alias("_last_cancelled_at"),
        F.max(F.coalesce(F.col("delivered_at") > F.col("deliver_by"), F.lit(False))).alias("late"),
        F.min("shipped_at").alias("shipped_at"),
    )


def _order_marks(marks_at: DataFrame) -> DataFrame:
    kind, at = F.col("kind"), F.col("marked_at")
    whole = F.col("line_no").isNull() & F.col("seller_id").isNull()
    cancels = whole & kind.isin(*CANCELLING)
    return marks_at.groupBy("order_id", AS_OF).agg(
        F.min(F.when(kind == "paid", at)).alias("paid_at"),
        F.min(F.when(kind == "confirmed", at)).alias("confirmed_at"),
        F.min(F.when(cancels, at)).alias("_order_cancelled_at"),
    )


def status() -> Column:
    """The status of an order from its `fulfilment`: how far it has come, in one word."""
    shipped_or_cancelled = F.col("lines_shipped") + F.col("lines_cancelled")
    return (
        F.when(F.col("cancelled_at").isNotNull(), "cancelled")
        .when(F.col("delivered_at").isNotNull(), "delivered")
        .when((F.col("lines_shipped") > 0) & (shipped_or_cancelled >= F.col("lines")), "shipped")
        .when(F.col("lines_shipped") > 0, "partly_shipped")
        .when(F.col("confirmed_at").isNotNull(), "confirmed")
        .when(F.col("paid_at").isNotNull(), "paid")
        .otherwise("placed")
    )


def current(versions: Mapping[str, DataFrame], ds: date) -> DataFrame:
    """`silver.orders` as of the end of `ds`, less its month: every order with its status.

    `versions`, known by then, of orders, order_items, order_events, shipments, payments, refunds.
    """
    on_day = {AS_OF: F.lit(ds), NEXT_AS_OF: F.lit(None).cast("date")}
    happened = marks(versions["order_events"], versions["shipments"])
    now = {
        name: asof.standing(frame).withColumns(on_day)
        for name, frame in {**versions, "marks": happened}.items()
    }
    come = fulfilment(now["orders"], line_times(now["order_items"], now["marks"]), now["marks"])
    counts = ~F.coalesce(F.col("status").isin("cancelled", "failed"), F.lit(False))
    paid = now["payments"].where(counts).groupBy("order_id").agg(
        F.sum("amount_minor").alias("paid_minor")
    )  # fmt: skip
    refunded = now["refunds"].groupBy("order_id").agg(F.sum("amount_minor").alias("refunded_minor"))
    return (
        now["orders"].drop(AS_OF, NEXT_AS_OF)
        .join(come.drop(AS_OF, NEXT_AS_OF), "order_id")
        .join(paid, "order_id", "left")
        .join(refunded, "order_id", "left")
        .withColumns({
            "status": status(),
            "paid_minor": F.coalesce("paid_minor", F.lit(0)),
            "refunded_minor": F.coalesce("refunded_minor", F.lit(0)),
        })
    )  # fmt: skip
