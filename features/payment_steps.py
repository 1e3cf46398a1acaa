"""What is to be done about an order's payment, from how it stands and what its lines ask."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.order_reasons import Reason
from conf.order_settings import DEFAULT, OrdersPolicy
from features.payment_timers import due_at, is_untried

EXPIRED = "automatic"
"""The provider's reason for ending a hold that nobody captured."""
GIVEN_UP = "abandoned"
"""Our reason for cancelling what nobody authenticated."""


def steps(demands: DataFrame, policy: OrdersPolicy, at: datetime) -> DataFrame:
    """What is to be done as of the instant `at`: `demands` with state, outcome, reason,
    amount_minor and due_at.

    `demands`: `standings` with the order's payment_method, payment_method_id, currency, total_minor
    and placed_at, errors, the fraud review's outcome, and of its lines living, confirmed (lines
    that live, of these confirmed), living_minor and confirmed_minor (to pay for them) and
    captured_living_minor.
    """
    known = demands.withColumns(
        {
            "needed_minor": F.col("living_minor") - F.col("captured_living_minor")
            - F.col("adopted_held_minor"),
            "confirmed_needed_minor": F.col("confirmed_minor") - F.col("captured_living_minor")
            - F.col("adopted_held_minor"),
            "intent_due_at": due_at(policy),
        }
    )  # fmt: skip
    stated = known.withColumn("state", _state())
    decided = stated.withColumn("step", _step(policy, at))
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
        .when((status == "processing") | is_untried(), "processing")
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


def _step(policy: OrdersPolicy, at: datetime) -> Column:
    now, status, needed = F.lit(at), F.col("intent_status"), F.col("needed_minor")
    is_fraud = F.col("review").eqNullSafe("block")
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
        .when(is_fraud, _do("cancel", Reason.FRAUD))
        .when(F.col("review").eqNullSafe("review"), _do("wait", Reason.REVIEW_PENDING, due=due))
        .when(all_confirmed & (wanted > 0), _do("capture", Reason.ALL_CONFIRMED, wanted, due))
        .when(is_due & (wanted > 0), _do("capture", Reason.HOLD_ENDS, wanted, due))
        .otherwise(_do("wait", Reason.SELLERS_CONFIRM, due=due))
    )
    unfinished = (
        F.when(unknown, _do("wait", Reason.ORDER_NOT_KNOWN, due=due))
        .when(nobody_left, _do("cancel", Reason.NOTHING_LEFT))
        .when(is_fraud, _do("cancel", Reason.FRAUD))
        .when(is_due, _do("cancel", Reason.NOT_AUTHENTICATED))
        .when(is_untried(), _do("wait", Reason.PROVIDER_PROCESSES, due=due))
        .otherwise(_do("wait", Reason.BUYER_AUTHENTICATES, due=due))
    )
    return (
        F.when(status == "requires_capture", held)
        .when(status.isin("requires_action", "requires_confirmation"), unfinished)
        .when(is_untried(), unfinished)
        .when(status == "processing", _do("wait", Reason.PROVIDER_PROCESSES, due=now))
        .when(status == "requires_payment_method", _do("cancel", Reason.DECLINED))
        .otherwise(_authorize(policy, is_due, is_fraud, at))
    )


def _authorize(policy: OrdersPolicy, is_due: Column, is_fraud: Column, at: datetime) -> Column:
    """Where no intent is live: is one to be made? An order under review is held like any other."""
    oldest = F.lit(at - timedelta(days=policy.authorize_within_days))
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
        .when(is_fraud, _do("settled", Reason.FRAUD))
        .when(F.col("placed_at") < oldest, _do("settled", Reason.TOO_LATE))
        .when(
            ~F.col("currency").isin(*policy.currencies), _do("settled", Reason.CURRENCY_NOT_TAKEN)
        )
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
