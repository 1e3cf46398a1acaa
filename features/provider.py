"""What the payment provider's events add up to: intents, charges, balance transactions.

Events come in any order and more than once, by webhook and by listing. An object's row is made of
maxima over what its events say, so that neither matters, and a row that stands is merged with new
events as if it were one of them. Amounts are the provider's own, in minor units.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.tables import provider
from features import asof

LISTED_BALANCE_TRANSACTION = "balance_transaction"
"""The provider has no event for these: they are listed, as rows of that type."""

_OBJECT = (
    "object:string,id:string,created:bigint,amount:bigint,currency:string,status:string,"
    "amount_capturable:bigint,amount_received:bigint,cancellation_reason:string,"
    "transfer_group:string,last_payment_error:struct<code:string,decline_code:string>,"
    "payment_intent:string,amount_captured:bigint,amount_refunded:bigint,"
    "balance_transaction:string,"
    "payment_method_details:struct<card:struct<capture_before:bigint>>,"
    "source:string,type:string,fee:bigint,net:bigint,"
    "metadata:struct<order_id:string,payment_no:string,request_no:string,request_key:string,"
    "legal_entity:string>"
)
_EVENT = f"data struct<object:struct<{_OBJECT}>>"
_LISTED = f"struct<{_OBJECT}>"


def told(events: DataFrame) -> dict[str, DataFrame]:
    """Rows of the provider's tables by name, one an event, from rows of bronze/stripe_events.

    What is not readable, or about anything else, is left out.
    """
    listed = F.col("type") == LISTED_BALANCE_TRANSACTION
    thing = F.when(listed, F.from_json("payload", _LISTED)).otherwise(
        F.from_json("payload", _EVENT)["data"]["object"]
    )
    parsed = events.select(
        "type", "stripe_event_id", "occurred_at", "known_at", thing.alias("o")
    ).where("o.id is not null")
    return {
        table.name: parsed.where(F.col("o.object") == kind).select(
            *(column.alias(name) for name, column in columns.items())
        )
        for table, kind, columns in (
            (provider.PAYMENT_INTENTS, "payment_intent", _intent()),
            (provider.CHARGES, "charge", _charge()),
            (provider.BALANCE_TRANSACTIONS, "balance_transaction", _balance_transaction()),
        )
    }


def added_up(table: Table, rows: DataFrame) -> DataFrame:
    """One row an object, less its month, from rows of `told` and rows of the table itself."""
    (key,) = table.key
    names = [n for n in table.column_names if n not in (key, "occurred_month")]
    how = {name: F.max(name) for name in names} | {"occurred_at": F.min("occurred_at")}
    how |= _special(table)
    return rows.groupBy(key).agg(*(how[name].alias(name) for name in names))


def added_to(table: Table, stands: DataFrame, new: DataFrame) -> DataFrame:
    """`added_up` of rows of the table and of `told`."""
    return added_up(table, stands.drop("occurred_month").unionByName(new))


def with_month(table: Table, rows: DataFrame, zone: str) -> DataFrame:
    """The rows as the table holds them."""
    month = asof.month_of(F.col("occurred_at"), zone)
    return rows.withColumn("occurred_month", month).select(*table.column_names)


def is_final(status: Column) -> Column:
    """Will the status of an intent never change again?"""
    return F.coalesce(status.isin(*provider.FINAL_STATUSES), F.lit(False))


def _special(table: Table) -> dict[str, Column]:
    """Columns that are no maximum: an intent's status, what goes with it, and its first hold."""
    if table is not provider.PAYMENT_INTENTS:
        return {"expired_at": F.min("expired_at")} if table is provider.CHARGES else {}
    newest = F.struct(is_final(F.col("status")), "status_at", _rank(), "status_event_id")
    of_newest = (
        "status", "status_at", "status_event_id", "capturable_minor", "cancellation_reason",
    )  # fmt: skip
    declined = F.when(F.col("decline_code").isNotNull(), newest)
    return {name: F.max_by(name, newest) for name in of_newest} | {
        "decline_code": F.max_by("decline_code", declined), "held_at": F.min("held_at"),
    }  # fmt: skip


def _rank() -> Column:
    """Which of two statuses of one second came later: what a failure leaves comes after what was
    being tried."""
    failed = (F.col("status") == "requires_payment_method") & F.col("decline_code").isNotNull()
    place = F.expr(f"array_position(array{provider.INTENT_STATUSES}, status)")
    return F.when(
        failed, F.lit(provider.INTENT_STATUSES.index("requires_capture") + 0.5)
    ).otherwise(place)


def _common() -> dict[str, Column]:
    return {
        "order_id": F.coalesce("o.metadata.order_id", "o.transfer_group"),
        "payment_no": _whole("payment_no"),
        "legal_entity": F.col("o.metadata.legal_entity"),
        "amount_minor": F.col("o.amount"),
        "currency": F.upper("o.currency"),
        "occurred_at": F.timestamp_seconds("o.created"),
        "known_at": F.col("known_at"),
    }


def _intent() -> dict[str, Column]:
    held = F.col("o.status") == "requires_capture"
    return {
        **_common(),
        "payment_intent_id": F.col("o.id"),
        "request_no": _whole("request_no"),
        "request_key": F.col("o.metadata.request_key"),
        "status": F.col("o.status"),
        "status_at": F.col("occurred_at"),
        "status_event_id": F.col("stripe_event_id"),
        "capturable_minor": F.col("o.amount_capturable"),
        "received_minor": F.col("o.amount_received"),
        "cancellation_reason": F.col("o.cancellation_reason"),
        "decline_code": F.coalesce(
            "o.last_payment_error.decline_code", "o.last_payment_error.code"
        ),
        "held_at": F.when(held, F.col("occurred_at")),
    }


def _charge() -> dict[str, Column]:
    ended = F.col("type") == "charge.expired"
    hold = F.col("o.payment_method_details.card.capture_before")
    return {
        **_common(),
        "charge_id": F.col("o.id"),
        "payment_intent_id": F.col("o.payment_intent"),
        "transfer_group": F.col("o.transfer_group"),
        "captured_minor": F.col("o.amount_captured"),
        "refunded_minor": F.col("o.amount_refunded"),
        "capture_before": F.timestamp_seconds(hold),
        "balance_transaction_id": F.col("o.balance_transaction"),
        "expired_at": F.when(ended, F.col("occurred_at")),
    }


def _balance_transaction() -> dict[str, Column]:
    common = _common()
    return {
        **{name: common[name] for name in ("amount_minor", "currency", "occurred_at", "known_at")},
        "balance_transaction_id": F.col("o.id"),
        "source_id": F.col("o.source"),
        "type": F.col("o.type"),
        "fee_minor": F.col("o.fee"),
        "net_minor": F.col("o.net"),
    }


def _whole(name: str) -> Column:
    # Metadata are texts.
    return F.expr(f"try_cast(o.metadata.{name} as int)")
