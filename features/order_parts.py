"""How far a seller's part of an order has come, and the order with it, from facts alone."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.order_settings import OrdersPolicy
from conf.tables.decisions import ORDER_OUTCOMES, ORDERS

ENDED = ("cancelled", "rejected")
LINE = ("line_no", "listing_id", "payable_minor", "captured_minor", "refund_due_minor")
CONFIRMED = ORDER_OUTCOMES[ORDER_OUTCOMES.index("confirmed") : ORDER_OUTCOMES.index("rejected")]


def demands(lines: DataFrame) -> DataFrame:
    """One row an order: what its lines ask of its payment (see `payment_steps.steps`)."""
    lives = F.col("cancelled_at").isNull()
    confirmed = lives & F.col("confirmed_at").isNotNull()

    def total(name: str, of: Column) -> Column:
        return F.sum(F.when(of, F.col(name)).otherwise(0))

    return lines.groupBy("order_id").agg(
        F.count(F.lit(1)).alias("lines"),
        F.count_if(lives).alias("living"),
        F.count_if(confirmed).alias("confirmed"),
        total("payable_minor", lives).alias("living_minor"),
        total("payable_minor", confirmed).alias("confirmed_minor"),
        total("captured_minor", lives).alias("captured_living_minor"),
        F.min_by("seller_id", "line_no").alias("first_seller_id"),
    )


def parts(lines: DataFrame) -> DataFrame:
    """One row a seller's part of an order: its lines, money and times, as decisions/orders holds
    them."""
    lives = F.col("cancelled_at").isNull()

    def once_all(name: str) -> Column:
        """When it had happened to every living line; null before."""
        happened = F.count_if(lives & F.col(name).isNotNull())
        is_all = (F.count_if(lives) > 0) & (happened == F.count_if(lives))
        return F.when(is_all, F.max(F.when(lives, F.col(name))))

    line = F.struct(
        *LINE,
        F.col("confirmed_at").isNotNull().alias("is_confirmed"),
        (~lives).alias("is_cancelled"),
    )
    gone = F.count_if(lives) == 0
    return lines.groupBy("order_id", "seller_id").agg(
        F.sort_array(F.collect_list(line)).alias("lines"),
        F.sum(F.when(lives, F.col("payable_minor")).otherwise(0)).alias("payable_minor"),
        F.sum("captured_minor").alias("captured_minor"),
        F.sum("refund_due_minor").alias("refund_due_minor"),
        F.count_if(lives).alias("living"),
        F.count_if(lives & F.col("confirmed_at").isNotNull()).alias("confirmed"),
        F.min("placed_at").alias("placed_at"),
        F.max(F.when(lives, F.col("deliver_by"))).alias("deliver_by"),
        *(once_all(name).alias(name) for name in ("confirmed_at", "shipped_at", "delivered_at")),
        F.when(gone, F.max("cancelled_at")).alias("cancelled_at"),
        (gone & (F.count("cancelled_by_seller_at") == F.count(F.lit(1)))).alias("by_seller"),
        F.min("currency").alias("line_currency"),
    )  # fmt: skip


def without_lines(orders: DataFrame) -> DataFrame:
    """Orders of which no line is known, each as one part of nobody."""
    nothing = {name: F.lit(0).cast("bigint") for name in (
        "payable_minor", "captured_minor", "refund_due_minor", "living", "confirmed",
    )}  # fmt: skip
    return orders.withColumns(
        {
            "seller_id": F.lit(""),
            "lines": F.array().cast(ORDERS.column("lines").type),
            "by_seller": F.lit(False),
            **nothing,
        }
    )


def outcomes(parts: DataFrame, policy: OrdersPolicy, at: datetime) -> DataFrame:
    """Parts with their outcome as of the instant `at`, their progress but for what is due back, the
    order's outcome, and why.

    `parts` has the columns of `parts`, the order's errors, its payment `state` and `reason`
    (`payment_steps.steps`) with state_at, since when, and first_paid_at, and the fraud review's
    outcome with reviewed_at, when it was decided.
    """
    asked = F.expr(f"interval {policy.seller_is_asked_after_minutes} minutes")
    held_at = F.when(F.col("state") == "not_needed", F.col("placed_at")).otherwise(
        F.col("first_paid_at")
    )
    # While a person looks whether it is fraud nobody is asked.
    asked_at = F.when(
        F.col("held_at").isNotNull() & ~_is_stopped(),
        F.greatest(F.col("held_at") + asked, "reviewed_at"),
    )
    since = {
        "action_required_at": F.when(F.col("state") == "requires_action", F.col("state_at")),
        "payment_failed_at": F.when(F.col("state") == "declined", F.col("state_at")),
    }
    timed = parts.withColumns({"held_at": held_at, **since}).withColumn("asked_at", asked_at)
    due = F.col("refund_due_minor") > 0
    named = timed.withColumn("progress", _progress(policy, F.lit(at))).withColumn(
        "outcome", F.when(due, "refund_due").otherwise(F.col("progress"))
    )
    rank = F.expr(f"array_position(array{ORDER_OUTCOMES}, outcome)")
    ranked = named.withColumn("_rank", rank)
    of_order = ranked.groupBy("order_id").agg(_of_order().alias("order_outcome"))
    why = F.array_distinct(
        F.concat(
            F.array_compact(F.array("reason")),
            F.coalesce("errors", F.array().cast("array<string>")),
        )
    )
    return ranked.join(of_order, "order_id").withColumn("reason_codes", why).drop("_rank")


def _progress(policy: OrdersPolicy, now: Column) -> Column:
    completed = F.col("delivered_at") + F.expr(f"interval {policy.completed_after_days} days")
    state, living = F.col("state"), F.col("living")
    is_paid = state.isin("paid", "held", "not_needed")
    invalid = (F.size("errors") > 0) & (state != "paid")
    return (
        F.when(F.col("by_seller"), "rejected")
        .when(F.col("cancelled_at").isNotNull(), "cancelled")
        .when(completed <= now, "completed")
        .when(F.col("delivered_at").isNotNull(), "delivered")
        .when(F.col("shipped_at").isNotNull(), "shipped")
        .when(F.coalesce(invalid, F.lit(True)), "invalid")
        .when(F.col("review").eqNullSafe("block") & (state != "paid"), "rejected")
        .when(_is_stopped(), "under_review")
        .when(state == "requires_action", "requires_action")
        .when(state == "declined", "payment_failed")
        .when(state == "expired", "expired")
        .when(~is_paid, "received")
        .when((living > 0) & (F.col("confirmed") == living), "confirmed")
        .when(F.col("confirmed") > 0, "partly_confirmed")
        .when(F.col("asked_at") > now, "held")
        .otherwise("awaiting_seller")
    )


def _is_stopped() -> Column:
    """Does the fraud review stand in the way? Where money was taken a person has to cancel."""
    return F.coalesce(F.col("review").isin("review", "block"), F.lit(False))


def _of_order() -> Column:
    """The order's outcome from its parts': that of the part furthest behind, of those not ended.

    Money that is due goes before all; parts of which some are confirmed and some are not make it
    partly confirmed.
    """
    ended = F.col("outcome").isin(*ENDED)
    due = F.count_if(F.col("outcome") == "refund_due") > 0
    behind = F.min_by("outcome", F.when(~ended, F.col("_rank")))
    some = F.count_if(F.col("outcome").isin(*CONFIRMED)) > 0
    others = F.count_if(F.col("outcome").isin("held", "awaiting_seller")) > 0
    all_rejected = F.count_if(F.col("outcome") == "rejected") == F.count(F.lit(1))
    return (
        F.when(due, "refund_due")
        .when(all_rejected, "rejected")
        .when(F.count_if(~ended) == 0, "cancelled")
        .when(some & others, "partly_confirmed")
        .otherwise(behind)
    )
