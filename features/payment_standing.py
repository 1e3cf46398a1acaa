"""How an order's payment stands, from what the provider told and what landed.

A payment that landed was made by others: it is adopted, never made again. What the provider tells
of an intent counts before what landed about it. At most one intent of an order is live.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

LIVE = ("requires_capture", "requires_action", "requires_confirmation", "processing")


def of_order(intents: DataFrame, payments: DataFrame) -> DataFrame:
    """The intents with the order and number of the landed payments that name them.

    An intent that we asked for says itself what it is about.
    """
    landed = payments.where("provider_id is not null").select(
        F.col("provider_id").alias("payment_intent_id"),
        F.col("order_id").alias("_order_id"), F.col("payment_no").alias("_payment_no"),
    )  # fmt: skip
    # Of several payments that name one intent the least counts, whatever the partitions.
    first = F.min(F.struct("_order_id", "_payment_no")).alias("first")
    named = landed.groupBy("payment_intent_id").agg(first).select("payment_intent_id", "first.*")
    tied = intents.join(named, "payment_intent_id", "left")
    ours = F.col("request_key").isNotNull()
    return tied.withColumns(
        {
            name: F.when(ours, F.col(name)).otherwise(F.coalesce(f"_{name}", name))
            for name in ("order_id", "payment_no")
        }
    ).drop("_order_id", "_payment_no")


def charges_of(intents: DataFrame, charges: DataFrame) -> DataFrame:
    """The charges of these intents."""
    return charges.join(intents.select("payment_intent_id"), "payment_intent_id", "left_semi")


def in_another_currency(orders: DataFrame, payments: DataFrame, intents: DataFrame) -> DataFrame:
    """(order_id, payment_no, payment_intent_id) of landed payments and the provider's intents that
    hold or took money in another currency than the order's."""
    landed = payments.where(F.col("status").isin("authorized", "captured")).select(
        "order_id", "payment_no", F.lit(None).cast("string").alias("payment_intent_id"), "currency"
    )
    told = intents.where(F.col("status").isin(*LIVE) | (F.col("received_minor") > 0)).select(
        "order_id", F.lit(None).cast("int").alias("payment_no"), "payment_intent_id", "currency"
    )
    own = orders.select("order_id", F.col("currency").alias("_own"))
    both = landed.union(told).join(own, "order_id")
    return both.where(F.col("currency") != F.col("_own")).drop("currency", "_own")


def standings(
    orders: DataFrame, payments: DataFrame, intents: DataFrame, charges: DataFrame
) -> DataFrame:
    """One row an order: how its payments stand.

    adopted_held_minor, adopted_captured_minor; received_minor and intents (count) of the
    provider's; `intent_` columns of the one that counts (the live one, else the newest);
    first_paid_at, first_captured_at, last_captured_at; seen_request_keys; payment_no;
    live_intents (count). `intents` are those of `of_order`.
    """
    mine = _of_provider(intents, charges)
    landed = _of_others(payments, intents)
    return (
        orders.select("order_id")
        .join(mine, "order_id", "left")
        .join(landed, "order_id", "left")
        .na.fill(
            0,
            [
                "received_minor",
                "intents",
                "live_intents",
                "adopted_held_minor",
                "adopted_captured_minor",
            ],
        )
        .withColumns(
            {
                "first_paid_at": F.least("held_at", "adopted_at"),
                "first_captured_at": F.least("_first_received_at", "adopted_captured_at"),
                "last_captured_at": F.greatest("_last_received_at", "adopted_captured_at"),
                "seen_request_keys": F.coalesce(
                    "seen_request_keys", F.array().cast("array<string>")
                ),
                "payment_no": F.coalesce(
                    "intent_payment_no", F.coalesce("_landed_payment_no", F.lit(0)) + 1
                ),
            }
        )
        .drop("_first_received_at", "_last_received_at", "_landed_payment_no")
    )


def captures(standing: DataFrame) -> DataFrame:
    """What `order_lines.with_captured` divides."""
    return standing.select(
        "order_id",
        (F.col("received_minor") + F.col("adopted_captured_minor")).alias("captured_minor"),
        "first_captured_at", "last_captured_at",
        (F.col("adopted_captured_minor") > 0).alias("adopted"),
        (F.col("received_minor") > 0).alias("captured_by_us"),
    )  # fmt: skip


def _of_provider(intents: DataFrame, charges: DataFrame) -> DataFrame:
    newest_charge = charges.groupBy("payment_intent_id").agg(
        *(F.max_by(name, F.struct("occurred_at", "charge_id")).alias(name)
          for name in ("charge_id", "capture_before"))
    )  # fmt: skip
    order = F.struct(
        F.col("status").isin(*LIVE), "payment_no", "request_no", "occurred_at", "payment_intent_id"
    )
    counts = (
        "payment_intent_id", "payment_no", "currency", "status", "status_at", "capturable_minor",
        "cancellation_reason", "decline_code", "held_at", "charge_id", "capture_before",
    )  # fmt: skip
    received = F.when(F.col("received_minor") > 0, F.col("status_at"))
    newest = [
        F.max_by(name, order).alias(f"intent_{name.removeprefix('payment_intent_')}")
        for name in counts
    ]
    return (
        intents.where("order_id is not null")
        .join(newest_charge, "payment_intent_id", "left")
        .groupBy("order_id")
        .agg(
            F.count(F.lit(1)).alias("intents"),
            F.count_if(F.col("status").isin(*LIVE)).alias("live_intents"),
            F.coalesce(F.sum("received_minor"), F.lit(0)).alias("received_minor"),
            F.min("held_at").alias("held_at"),
            F.min(received).alias("_first_received_at"),
            F.max(received).alias("_last_received_at"),
            F.array_sort(F.collect_set("request_key")).alias("seen_request_keys"),
            *newest,
        )
    )


def _of_others(payments: DataFrame, intents: DataFrame) -> DataFrame:
    told = intents.select(F.col("payment_intent_id").alias("provider_id"))
    captured, held = F.col("status") == "captured", F.col("status") == "authorized"
    amount = F.col("amount_minor")
    return (
        payments.join(told, "provider_id", "left_anti")
        .groupBy("order_id")
        .agg(
            F.sum(F.when(held, amount).otherwise(0)).alias("adopted_held_minor"),
            F.sum(F.when(captured, amount).otherwise(0)).alias("adopted_captured_minor"),
            F.min(F.when(held | captured, F.col("occurred_at"))).alias("adopted_at"),
            F.min(F.when(captured, F.col("occurred_at"))).alias("adopted_captured_at"),
            F.max(F.when(F.col("status") == "failed", F.col("occurred_at"))).alias(
                "adopted_failed_at"
            ),
            F.max(held & F.col("provider_id").isNotNull()).alias("adopted_of_provider"),
            F.max("payment_no").alias("_landed_payment_no"),
        )
    )
