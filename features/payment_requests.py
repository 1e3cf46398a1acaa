"""From what is decided about payments to requests with frozen bytes, each planned once.

At most one request about an order is open. A request number is only passed where the one before has
certainly come to nothing: where the provider made an object, its events have to be here first.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.order_reasons import Reason
from conf.tables.actions import OPEN_STATES, OPERATIONS
from features.keys import key_of

CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"
"""No key is made of an id that holds them: the separator is one."""
CANCELLATION_REASONS = {
    Reason.NOTHING_LEFT: "requested_by_customer",
    Reason.PAID_OTHERWISE: "duplicate",
    Reason.ORDER_INVALID: "requested_by_customer",
    Reason.DECLINED: "abandoned",
    Reason.NOT_AUTHENTICATED: "abandoned",
    Reason.FRAUD: "fraudulent",
}
"""The provider's word for each of our reasons (docs.stripe.com/api/payment_intents/cancel)."""
EXPAND = ("latest_charge.balance_transaction",)


def planned(
    wanted: DataFrame, own: DataFrame, environment: str, new_request_after: Sequence[str]
) -> DataFrame:
    """Requests to plan: the columns of actions/payment_intents but for what the gateway knows.

    `wanted`: `decided.newest` of decisions/payments; `own`: all rows of actions/payment_intents of
    these orders.
    """
    usable = (
        F.col("outcome").isin(*OPERATIONS)
        & F.col("currency").isNotNull()
        & ~F.col("order_id").rlike(CONTROL_CHARACTERS)
    )
    asked = wanted.where(usable).withColumnRenamed("outcome", "operation")
    before = asked.select("order_id", "operation", "payment_intent_id", "seen_request_keys").join(
        own.select(
            "order_id", F.col("operation").alias("own_operation"), "request_no", "state",
            "request_key", "provider_id", "error_code", "needs_person",
            F.col("payment_intent_id").alias("own_intent_id"),
        ),
        "order_id", "left",
    )  # fmt: skip
    history = before.groupBy("order_id").agg(
        F.coalesce(
            F.max(F.when(F.col("own_operation") == F.col("operation"), F.col("request_no"))),
            F.lit(0),
        ).alias("_last_no"),
        F.max(F.coalesce(_blocks(new_request_after), F.lit(False))).alias("_blocked"),
    )
    free = asked.join(history, "order_id").where(~F.col("_blocked"))
    numbered = free.withColumn("request_no", F.col("_last_no") + 1)
    keyed = numbered.withColumn("request_key", request_key(environment))
    return keyed.select(
        "request_key", "ds", F.lit(environment).alias("environment"), "legal_entity", "operation",
        "order_id", "payment_no", "request_no",
        F.when(F.col("operation") != "authorize", F.col("payment_intent_id"))
        .alias("payment_intent_id"),
        "customer_id",
        F.when(F.col("operation") == "cancel", 0).otherwise(F.col("amount_minor"))
        .cast("bigint").alias("amount_minor"),
        "currency", _body().alias("body"),
    ).withColumn("body_sha256", F.sha2("body", 256))  # fmt: skip


def no_longer_wanted(own: DataFrame, wanted: DataFrame) -> DataFrame:
    """(request_key) of planned requests that were never sent, and that the newest decision does
    not ask for any more, or whose decision is so old that nothing is done upon it."""
    unsent = own.where((F.col("state") == "PLANNED") & (F.col("attempts") == 0)).alias("r")
    now = wanted.alias("w")
    same = (
        (F.col("w.outcome") == F.col("r.operation"))
        & ((F.col("w.amount_minor") == F.col("r.amount_minor"))
           | (F.col("r.operation") == "cancel"))
        & (F.col("r.payment_intent_id").isNull()
           | (F.col("w.payment_intent_id") == F.col("r.payment_intent_id")))
    )  # fmt: skip
    both = unsent.join(now, F.col("w.order_id") == F.col("r.order_id"), "left")
    return both.where(~F.coalesce(same, F.lit(False))).select("r.request_key")


def came_back(own: DataFrame, wanted: DataFrame) -> DataFrame:
    """(request_key) of rejected requests of which no object was known, and of whose object the
    provider has told since. `wanted`: the newest decisions, which know all that was told."""
    gone = own.where((F.col("state") == "REJECTED") & F.col("provider_id").isNull())
    told = wanted.select(F.explode("seen_request_keys").alias("request_key"))
    return gone.join(told, "request_key", "left_semi").select("request_key")


def request_key(environment: str) -> Column:
    """The idempotency key: SHA-256 of what the request is about, never of a time or a try."""
    parts = ("legal_entity", "operation", "order_id", "payment_no", "request_no")
    columns = [F.col(name).cast("string") for name in parts]
    return key_of(F.lit(environment), *columns)


def _blocks(new_request_after: Sequence[str]) -> Column:
    """Does this earlier request stand in the way of a new one?"""
    same = F.col("own_operation") == F.col("operation")
    about = (F.col("operation") == "authorize") | (
        F.col("own_intent_id") == F.col("payment_intent_id")
    )
    is_open = F.col("state").isin(*OPEN_STATES)
    unseen = ~F.array_contains("seen_request_keys", F.col("request_key"))
    made = F.col("provider_id").isNotNull() & F.col("state").isin("ACCEPTED", "REJECTED")
    authorized = (F.col("own_operation") == "authorize") & made & unseen
    failed = (
        (F.col("state") == "REJECTED")
        & same
        & about
        & ~F.col("error_code").isin(*new_request_after)
    )
    # A declined authorization made an object; what became of it is what was decided upon.
    refused = failed & ~((F.col("operation") == "authorize") & F.col("provider_id").isNotNull())
    done = (F.col("state") == "ACCEPTED") & same & (F.col("operation") != "authorize") & about
    return is_open | authorized | refused | done | F.col("needs_person")


def _body() -> Column:
    """The request as text: the same columns always give the same bytes."""
    metadata = F.struct(
        "legal_entity", "order_id", F.col("payment_no").cast("string").alias("payment_no"),
        "request_key", F.col("request_no").cast("string").alias("request_no"),
    )  # fmt: skip
    expand = F.array(*map(F.lit, EXPAND)).alias("expand")
    authorize = F.struct(
        F.col("amount_minor").alias("amount"),
        F.lit("manual").alias("capture_method"),
        F.lit(True).alias("confirm"),
        F.lower("currency").alias("currency"),
        F.col("customer_id").alias("customer"),
        expand,
        metadata.alias("metadata"),
        F.col("payment_method_id").alias("payment_method"),
        F.array(F.lit("card")).alias("payment_method_types"),
        F.col("order_id").alias("transfer_group"),
    )
    capture = F.struct(F.col("amount_minor").alias("amount_to_capture"), expand)
    words = ((reason.code, word) for reason, word in CANCELLATION_REASONS.items())
    reasons = F.create_map(*(F.lit(text) for pair in words for text in pair))
    cancel = F.struct(
        F.element_at(reasons, F.element_at("reason_codes", 1)).alias("cancellation_reason"), expand
    )
    of_intent = F.concat(F.lit("/v1/payment_intents/"), F.col("payment_intent_id"))
    return (
        F.when(F.col("operation") == "authorize", _post(F.lit("/v1/payment_intents"), authorize))
        .when(F.col("operation") == "capture",
              _post(F.concat(of_intent, F.lit("/capture")), capture))
        .otherwise(_post(F.concat(of_intent, F.lit("/cancel")), cancel))
    )  # fmt: skip


def _post(path: Column, params: Column) -> Column:
    return F.to_json(
        F.struct(F.lit("POST").alias("method"), params.alias("params"), path.alias("path"))
    )
