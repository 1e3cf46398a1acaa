"""Silver of what the payment provider tells: its intents, charges and balance transactions.

Each row is what all events known about an object add up to. The sum does not depend on the order
in which events come, nor on how often, so that the day's events are merged into what stands.
"""

from collections.abc import Sequence

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode

INTENT_STATUSES = (
    "requires_payment_method", "requires_confirmation", "requires_action", "processing",
    "requires_capture", "canceled", "succeeded",
)  # fmt: skip
"""As an intent usually goes through them; the last two are final."""

FINAL_STATUSES = ("canceled", "succeeded")


def _object(
    name: str, grain: str, key: str, *columns: Column, checks: Sequence[Check] = ()
) -> Table:
    return Table(
        layer="silver",
        name=name,
        grain=grain,
        columns=(
            *(column.not_null() if column.name == key else column for column in columns),
            c.OCCURRED_AT.described("When the provider made the object"),
            c.KNOWN_AT.described("When the newest of its facts became known"),
            c.OCCURRED_MONTH,
        ),
        key=(key,),
        mode=WriteMode.MERGE,
        writer="refine.provider",
        partition_by=(c.OCCURRED_MONTH.name,),
        checks=tuple(checks),
    )


PAYMENT_INTENTS = _object(
    "payment_intents", "One row a payment intent of the provider", "payment_intent_id",
    c.PAYMENT_INTENT_ID,
    c.ORDER_ID.described("Order that it pays, as its metadata or transfer group say"),
    c.PAYMENT_NO, c.REQUEST_NO, c.REQUEST_KEY, c.LEGAL_ENTITY,
    c.AMOUNT_MINOR.described("Amount asked for"),
    c.CURRENCY,
    Column("status", "string", "The provider's status"),
    Column("status_at", "timestamp", "When the event that says so was made"),
    Column("status_event_id", "string", "The event that says so"),
    Column("capturable_minor", "bigint", "Held and not yet captured", "minor units"),
    Column("received_minor", "bigint", "Captured", "minor units"),
    Column("cancellation_reason", "string", "Why it was cancelled; automatic: the hold expired"),
    Column("decline_code", "string", "Why the last try was declined"),
    Column("held_at", "timestamp", "When it was first known to be held"),
    checks=(
        Check("captured_within", "received_minor <= amount_minor",
              "No more is captured than was authorised"),
    ),
)  # fmt: skip

CHARGES = _object(
    "charges", "One row a charge of the provider", "charge_id",
    c.CHARGE_ID, c.PAYMENT_INTENT_ID,
    c.ORDER_ID, c.PAYMENT_NO, c.LEGAL_ENTITY,
    Column("transfer_group", "string", "What later transfers of it are tied by: the order"),
    c.AMOUNT_MINOR.described("Amount authorised"),
    c.CURRENCY,
    Column("captured_minor", "bigint", "Captured of it", "minor units"),
    Column("refunded_minor", "bigint", "Paid back of it, or released", "minor units"),
    Column("capture_before", "timestamp", "When the hold ends; null: captured at once"),
    Column("balance_transaction_id", "string", "What it brought, in the provider's books"),
    Column("expired_at", "timestamp", "When the hold ended without a capture"),
    checks=(
        Check("charge_captured_within", "captured_minor <= amount_minor",
              "No more is captured than was authorised"),
    ),
)  # fmt: skip

BALANCE_TRANSACTIONS = _object(
    "balance_transactions", "One row an entry of the provider's books", "balance_transaction_id",
    Column("balance_transaction_id", "string", "Entry of the provider's books"),
    Column("source_id", "string", "What it is about: a charge or a refund"),
    Column("type", "string", "charge, refund, ..."),
    c.AMOUNT_MINOR.described("Gross, negative for what was paid back"),
    Column("fee_minor", "bigint", "The provider's fee", "minor units"),
    Column("net_minor", "bigint", "Gross less the fee", "minor units"),
    c.CURRENCY,
    checks=(
        Check("net_is_gross_less_fee", "net_minor = amount_minor - fee_minor",
              "What is left is the amount less the fee"),
    ),
)  # fmt: skip

TABLES = (PAYMENT_INTENTS, CHARGES, BALANCE_TRANSACTIONS)
