"""What is to be done about an order's payment, from what the provider told and what landed.

A payment that landed was made by others: it is adopted, never made again. What the provider tells
of an intent counts before what landed about it. At most one intent of an order is live.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.order_reasons import Reason
from conf.order_settings import DEFAULT, OrdersPolicy

LIVE = ("requires_capture", "requires_action", "requires_confirmation", "processing")
EXPIRED = "automatic"
"""The provider's reason for ending a hold that nobody captured."""
GIVEN_UP = "abandoned"
"""Our reason for cancelling what nobody authenticated."""


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


def concerned(
    intents: DataFrame, charges: DataFrame, policy: OrdersPolicy, since: datetime, at: datetime
) -> DataFrame:
    """The intents about which something falls due up to the instant `at`: a live one that is
    overdue, and what a timer ends between `since` and then."""
    ends = charges.groupBy("payment_intent_id").agg(F.max("capture_before").alias("capture_before"))
    tried = F.count(F.lit(1)).over(Window.partitionBy("order_id"))
    timed = ("status", "status_at", "held_at", "decline_code")
    renamed = {name: f"intent_{name}" for name in timed}
    due = (
        intents.where("order_id is not null")
        .withColumn("_tried", tried)
        .join(ends, "payment_intent_id", "left")
        .withColumnsRenamed(renamed | {"capture_before": "intent_capture_before"})
    )
    falls_due, status = _due_at(policy), F.col("intent_status")
    overdue = (falls_due <= F.lit(at)) & (status != "canceled")
    code = F.col("intent_decline_code")
    declined = (status == "requires_payment_method") & code.isNotNull()
    again = (
        (status == "canceled")
        & code.isNotNull()
        & ~code.isin(*policy.never_retry_after)
        & (F.col("_tried") < policy.authorizations_most)
    )
    ended = again & (falls_due > F.lit(since)) & (falls_due <= F.lit(at))
    asked = F.col("intent_held_at") + F.expr(
        f"interval {policy.seller_is_asked_after_minutes} minutes"
    )
    asks = (asked > F.lit(since)) & (asked <= F.lit(at))
    found = due.where(overdue | ended | asks | declined)
    return found.select(*(name for name in intents.columns if name in found.columns))


def standings(
    orders: DataFrame, payments: DataFrame, intents: DataFrame, charges: DataFrame
) -> DataFrame:
    """One row an order: how its payments stand.

    adopted_held_minor, adopted_captured_minor; received_minor and intents (count) of the
    provider's; `intent_` columns of the one that counts (the live one, else the newest);
    first_paid_at, first_captured_at, last_captured_at; seen_request_keys; payment_no.
    `intents` are those of `of_order`.
    """
    mine = _of_provider(intents, charges)
    landed = _of_others(payments, intents)
    return (
        orders.select("order_id")
        .join(mine, "order_id", "left")
        .join(landed, "order_id", "left")
        .na.fill(0, ["received_minor", "intents", "adopted_held_minor", "adopted_captured_minor"])
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


def steps(demands: DataFrame, policy: OrdersPolicy, at: datetime) -> DataFrame:
    """What is to be done as of the instant `at`: `demands` with state, outcome, reason,
    amount_minor and due_at.

    `demands`: `standings` with the order's payment_method, payment_method_id, currency and
    total_minor, errors, and of its lines living, confirmed (lines that live, of these confirmed),
    living_minor and confirmed_minor (to pay for them) and captured_living_minor.
    """
    now = F.lit(at)
    known = demands.withColumns(
        {
            "needed_minor": F.col("living_minor") - F.col("captured_living_minor")
            - F.col("adopted_held_minor"),
            "confirmed_needed_minor": F.col("confirmed_minor") - F.col("captured_living_minor")
            - F.col("adopted_held_minor"),
            "intent_due_at": _due_at(policy),
        }
    )  # fmt: skip
    stated = known.withColumn("state", _state())
    decided = stated.withColumn("step", _step(policy, now))
    return decided.select(
        *stated.columns,
        F.col("step.outcome").alias("outcome"),
        F.col("step.reason").alias("reason"),
        F.coalesce("step.amount_minor", F.lit(0)).alias("amount_minor"),
        F.col("step.due_at").alias("due_at"),
    )


def legal_entity(marketplace: Column, policy: OrdersPolicy) -> Column:
    """The company that contracts for a marketplace."""
    named = {k: v for k, v in policy.legal_entities.items() if k != DEFAULT}
    pairs = F.create_map(*(F.lit(part) for pair in named.items() for part in pair))
    return F.coalesce(F.element_at(pairs, marketplace), F.lit(policy.legal_entities[DEFAULT]))


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


def _due_at(policy: OrdersPolicy) -> Column:
    """When a live or declined intent is looked at again."""
    presumed = F.col("intent_held_at") + F.expr(f"interval {policy.presumed_hold_hours} hours")
    buffer = F.expr(f"interval {policy.capture_buffer_hours} hours")
    status = F.col("intent_status")
    waits = {
        "requires_action": policy.requires_action_hours,
        "requires_confirmation": policy.requires_action_hours,
        "requires_payment_method": policy.retry_decline_after_hours,
        "canceled": policy.retry_decline_after_hours,
    }
    waits_for_buyer = F.expr(f"interval {policy.requires_action_hours} hours")
    due = F.when(
        status == "requires_capture", F.coalesce("intent_capture_before", presumed) - buffer
    ).when(_is_untried(), F.col("intent_status_at") + waits_for_buyer)
    for name, hours in waits.items():
        due = due.when(
            status == name, F.col("intent_status_at") + F.expr(f"interval {hours} hours")
        )
    return due


def _is_untried() -> Column:
    """Is the intent made and its card not yet tried, as far as was told?"""
    status, code = F.col("intent_status"), F.col("intent_decline_code")
    return (status == "requires_payment_method") & code.isNull()


def _state() -> Column:
    status = F.col("intent_status")
    declined = (status == "requires_payment_method") | (
        (status == "canceled")
        & (F.col("intent_decline_code").isNotNull()
           | F.col("intent_cancellation_reason").eqNullSafe(GIVEN_UP))
    )  # fmt: skip
    expired = (status == "canceled") & F.col("intent_cancellation_reason").eqNullSafe(EXPIRED)
    covered = F.col("needed_minor") <= 0
    return (
        F.when(status == "requires_capture", "held")
        .when(status.isin("requires_action", "requires_confirmation"), "requires_action")
        .when((status == "processing") | _is_untried(), "processing")
        .when(covered & (F.col("captured_living_minor") > 0), "paid")
        .when(covered & (F.col("adopted_held_minor") > 0), "held")
        .when(F.coalesce(F.col("total_minor"), F.lit(-1)) == 0, "not_needed")
        .when(F.col("received_minor") > 0, "paid")
        .when(expired, "expired")
        .when(declined, "declined")
        .when(status == "canceled", "released")
        .when(F.col("adopted_failed_at").isNotNull(), "declined")
        .otherwise("open")
    )


def _step(policy: OrdersPolicy, now: Column) -> Column:
    status, needed = F.col("intent_status"), F.col("needed_minor")
    due = F.col("intent_due_at")
    is_due = F.coalesce(due <= now, F.lit(False))
    nobody_left = F.col("living") == 0
    # The provider may tell of a payment before its order, or the order's lines, have landed.
    unknown = (F.col("buyer_id").isNull() | (F.col("lines") == 0)) & ~is_due
    wanted = F.least("confirmed_needed_minor", "intent_capturable_minor")
    all_confirmed = (F.col("living") > 0) & (F.col("confirmed") == F.col("living"))
    has_ended = F.coalesce(F.col("intent_capture_before") <= now, F.lit(False))
    held = (
        F.when(unknown, _do("wait", Reason.ORDER_NOT_KNOWN, due=due))
        .when(nobody_left, _do("cancel", Reason.NOTHING_LEFT))
        .when(needed <= 0, _do("cancel", Reason.PAID_OTHERWISE))
        .when(has_ended, _do("wait", Reason.HOLD_HAS_ENDED, due=now))
        .when(F.size("errors") > 0, _do("cancel", Reason.ORDER_INVALID))
        .when(all_confirmed & (wanted > 0), _do("capture", Reason.ALL_CONFIRMED, wanted, due))
        .when(is_due & (wanted > 0), _do("capture", Reason.HOLD_ENDS, wanted, due))
        .otherwise(_do("wait", Reason.SELLERS_CONFIRM, due=due))
    )
    unfinished = (
        F.when(unknown, _do("wait", Reason.ORDER_NOT_KNOWN, due=due))
        .when(nobody_left, _do("cancel", Reason.NOTHING_LEFT))
        .when(is_due, _do("cancel", Reason.NOT_AUTHENTICATED))
        .when(_is_untried(), _do("wait", Reason.PROVIDER_PROCESSES, due=due))
        .otherwise(_do("wait", Reason.BUYER_AUTHENTICATES, due=due))
    )
    return (
        F.when(status == "requires_capture", held)
        .when(status.isin("requires_action", "requires_confirmation"), unfinished)
        .when(_is_untried(), unfinished)
        .when(status == "processing", _do("wait", Reason.PROVIDER_PROCESSES, due=now))
        .when(status == "requires_payment_method", _do("cancel", Reason.DECLINED))
        .otherwise(_authorize(policy, is_due))
    )


def _authorize(policy: OrdersPolicy, is_due: Column) -> Column:
    """Where no intent is live: is one to be made?"""
    needed, reason = F.col("needed_minor"), F.col("intent_cancellation_reason")
    possible = (
        F.col("payment_method").isin(*policy.manual_capture_methods)
        & F.col("payment_method_id").isNotNull()
    )
    hopeless = (
        F.coalesce(F.col("intent_decline_code").isin(*policy.never_retry_after), F.lit(False))
        | reason.eqNullSafe(GIVEN_UP) & F.col("intent_decline_code").isNull()
    )
    called_off = reason.eqNullSafe("fraudulent")  # a person's word at the provider
    # Declined to others, who made the payment: nothing of ours can be tried again.
    hopeless |= F.col("intent_status").isNull() & (F.col("state") == "declined")
    declined = F.col("state") == "declined"
    unheld = F.col("intent_status").isNull() | (F.col("state") == "released")
    again = F.when(unheld, Reason.ORDER_VALID.code).when(
        F.col("state") == "expired", Reason.HOLD_EXPIRED.code
    )
    return (
        F.when(
            F.coalesce("adopted_of_provider", F.lit(False)) & (F.col("living") > 0),
            _do("wait", Reason.PROVIDER_HAS_NOT_TOLD, due=F.col("adopted_at")),
        )
        .when(needed <= 0, _do("settled", Reason.NOTHING_NEEDED))
        .when(F.size("errors") > 0, _do("settled", Reason.ORDER_INVALID))
        .when(~F.coalesce(possible, F.lit(False)), _do("settled", Reason.PAID_BY_OTHERS))
        .when(F.col("intents") >= policy.authorizations_most, _do("settled", Reason.TRIED_ENOUGH))
        .when(declined & hopeless, _do("settled", Reason.WILL_NOT_SUCCEED))
        .when(
            called_off & F.col("state").isin("declined", "released"),
            _do("settled", Reason.WILL_NOT_SUCCEED),
        )
        .when(declined & ~is_due, _do("wait", Reason.RETRY_LATER, due=F.col("intent_due_at")))
        .when(declined, _do("authorize", Reason.RETRY_AFTER_DECLINE, needed))
        .otherwise(
            F.struct(
                F.lit("authorize").alias("outcome"),
                F.coalesce(again, F.lit(Reason.REST_TO_PAY.code)).alias("reason"),
                needed.alias("amount_minor"),
                F.lit(None).cast("timestamp").alias("due_at"),
            )
        )
    )


def _do(
    outcome: str, reason: Reason, amount: Column | None = None, due: Column | None = None
) -> Column:
    return F.struct(
        F.lit(outcome).alias("outcome"),
        F.lit(reason.code).alias("reason"),
        (F.lit(None).cast("bigint") if amount is None else amount).alias("amount_minor"),
        (F.lit(None).cast("timestamp") if due is None else due).alias("due_at"),
    )
