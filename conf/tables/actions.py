"""Actions: what is asked of the outside world, frozen before it is sent, and how it ended.

Rows are merged on the request key: frozen bytes never change, and a state only moves forward.
"""

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode

REQUEST_STATES = ("PLANNED", "SENDING", "UNKNOWN", "ACCEPTED", "REJECTED", "WITHDRAWN")
OPEN_STATES = ("PLANNED", "SENDING", "UNKNOWN")
OPERATIONS = ("authorize", "capture", "cancel")
NOTICE_STATES = ("PLANNED", "SENT", "STALE", "WITHDRAWN", "UNDELIVERABLE")


def _at(name: str, comment: str) -> Column:
    return Column(name, "timestamp", comment)


PAYMENT_INTENTS = Table(
    layer="actions",
    name="payment_intents",
    grain="One row a request about a payment intent: authorize, capture or cancel",
    columns=(
        c.REQUEST_KEY.not_null(),
        c.DS.described("Business date whose decision asked for it"),
        Column("environment", "string", "sandbox, test or live", nullable=False),
        c.LEGAL_ENTITY.not_null(),
        Column("operation", "string", "What is asked", nullable=False,
               codes=OPERATIONS),
        c.ORDER_ID.not_null(), c.PAYMENT_NO.not_null(), c.REQUEST_NO.not_null(),
        c.PAYMENT_INTENT_ID.described("The intent that is captured or cancelled"),
        Column("customer_id", "string", "The provider's customer"),
        Column("amount_minor", "bigint", "Amount; 0 for a cancellation", "minor units",
               nullable=False),
        c.CURRENCY.not_null(),
        Column("body", "string", "The request, frozen: method, path and parameters", "JSON",
               nullable=False),
        Column("body_sha256", "string", "SHA-256 of body", nullable=False),
        Column("journal_id", "string", "Journal that was there when it was planned",
               nullable=False),
        Column("planned_at", "timestamp", "When it was planned, by the gateway's clock",
               nullable=False),
        Column("state", "string", "PLANNED, then what became of it", nullable=False,
               codes=REQUEST_STATES),
        Column("attempts", "int", "Times sent", nullable=False),
        Column("provider_id", "string", "The provider's object"),
        Column("http_status", "int", "Status of the last answer"),
        Column("error_code", "string", "The provider's code, or why it was settled"),
        Column("decline_code", "string", "Why the issuer declined"),
        Column("needs_person", "boolean", "Nothing new is planned before a person has looked",
               nullable=False),
        _at("first_attempt_at", "When it was first sent, or may have been"),
        _at("last_attempt_at", "When it was last sent, or may have been"),
        _at("next_attempt_at", "When an open request is due again"),
        Column("answer", "string", "Allow-listed fields of the answer", "JSON"),
    ),
    key=("request_key",),
    mode=WriteMode.MERGE,
    writer="act.payment_intents",
    partition_by=("ds",),
    checks=(
        Check("bytes_unchanged", "sha2(body, 256) = body_sha256", "The frozen bytes are unchanged"),
        Check("settled_or_due", "state in ('ACCEPTED', 'REJECTED', 'WITHDRAWN', 'PLANNED') "
              "or next_attempt_at is not null", "What is open has a due time"),
    ),
)  # fmt: skip

NOTICES = Table(
    layer="actions",
    name="notices",
    grain="The outbox: one row a step of following up an order",
    columns=(
        Column("notice_key", "string", "SHA-256 of order, seller and step", nullable=False),
        c.DS.described("Business date on which it fell due"),
        c.ORDER_ID.not_null(), c.SELLER_ID.not_null(),
        Column("step", "string", "Which step (conf/policy/notices.yaml)", nullable=False),
        Column("recipient_kind", "string", "Who is told", nullable=False,
               codes=("seller", "buyer", "operations")),
        Column("recipient_id", "string", "seller_id or buyer_id; empty: operations",
               nullable=False),
        Column("mail_key", "string", "Same for all notices of one mail; its Message-ID",
               nullable=False),
        Column("facts", "string", "What the mail tells, frozen", "JSON", nullable=False,
               untrusted=True),
        Column("due_at", "timestamp", "When it fell due", nullable=False),
        Column("expires_at", "timestamp", "From when on it is never sent", nullable=False),
        Column("state", "string", "PLANNED, then what became of it", nullable=False,
               codes=NOTICE_STATES),
        Column("attempts", "int", "Times tried", nullable=False),
        _at("settled_at", "When it was sent, or given up"),
        _at("next_attempt_at", "When it is tried again"),
        Column("error", "string", "Why it was not sent"),
    ),
    key=("notice_key",),
    mode=WriteMode.MERGE,
    writer="act.notices",
    partition_by=("ds",),
)  # fmt: skip

TABLES = (PAYMENT_INTENTS, NOTICES)
