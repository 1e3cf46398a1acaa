"""When something about a payment falls due: a hold nears its end, a time to wait is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.order_settings import OrdersPolicy
from features.provider import is_final


def in_question(intents: DataFrame, policy: OrdersPolicy, since: datetime) -> DataFrame:
    """The few intents about which something may fall due after `since`: see `concerned`."""
    retried = F.lit(since - timedelta(hours=policy.retry_decline_after_hours))
    asked = F.lit(since - timedelta(minutes=policy.seller_is_asked_after_minutes))
    lately = (F.col("status_at") > retried) | (F.col("held_at") > asked)
    return intents.where(~is_final(F.col("status")) | F.coalesce(lately, F.lit(False)))


def concerned(
    intents: DataFrame, charges: DataFrame, policy: OrdersPolicy, since: datetime, at: datetime
) -> DataFrame:
    """Of `in_question` the intents about which something falls due up to the instant `at`: a live
    one that is overdue, and what a timer ends between `since` and then."""
    ends = charges.groupBy("payment_intent_id").agg(F.max("capture_before").alias("capture_before"))
    timed = ("status", "status_at", "held_at", "decline_code")
    renamed = {name: f"intent_{name}" for name in timed}
    due = (
        intents.where("order_id is not null")
        .join(ends, "payment_intent_id", "left")
        .withColumnsRenamed(renamed | {"capture_before": "intent_capture_before"})
    )
    falls_due, status = due_at(policy), F.col("intent_status")
    overdue = (falls_due <= F.lit(at)) & (status != "canceled")
    code = F.col("intent_decline_code")
    declined = (status == "requires_payment_method") & code.isNotNull()
    again = (status == "canceled") & code.isNotNull() & ~code.isin(*policy.never_retry_after)
    ended = again & (falls_due > F.lit(since)) & (falls_due <= F.lit(at))
    asked = F.col("intent_held_at") + F.expr(
        f"interval {policy.seller_is_asked_after_minutes} minutes"
    )
    asks = (asked > F.lit(since)) & (asked <= F.lit(at))
    found = due.where(overdue | ended | asks | declined)
    return found.select(*(name for name in intents.columns if name in found.columns))


def due_at(policy: OrdersPolicy) -> Column:
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
    ).when(is_untried(), F.col("intent_status_at") + waits_for_buyer)
    for name, hours in waits.items():
        due = due.when(
            status == name, F.col("intent_status_at") + F.expr(f"interval {hours} hours")
        )
    return due


def is_untried() -> Column:
    """Is the intent made and its card not yet tried, as far as was told?"""
    status, code = F.col("intent_status"), F.col("intent_decline_code")
    return (status == "requires_payment_method") & code.isNull()
