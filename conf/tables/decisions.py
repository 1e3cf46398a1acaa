"""Decisions: what is decided about a subject, why, and by which policy."""

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode

ORDER_OUTCOMES = (
    "received", "invalid", "under_review", "payment_failed", "requires_action", "expired", "held",
    "awaiting_seller", "partly_confirmed", "confirmed", "shipped", "delivered", "completed",
    "rejected", "cancelled", "refund_due",
)  # fmt: skip
"""How far an order has come, in the order in which it usually does."""

REVIEW_OUTCOMES = ("pass", "review", "block")
PAYMENT_OUTCOMES = ("authorize", "capture", "cancel", "wait", "settled")
PAYMENT_STATES = (
    "not_needed", "paid", "held", "processing", "requires_action", "declined", "expired",
    "released", "open",
)  # fmt: skip

_POLICY_VERSION = Column("policy_version", "int", "Version of the policy that decided",
                         nullable=False)  # fmt: skip
_MODEL_VERSION = Column("model_version", "string", "Version of the model, where one was asked")


def _minor(name: str, comment: str) -> Column:
    return Column(name, "bigint", comment, "minor units", nullable=False)


def _at(name: str, comment: str) -> Column:
    return Column(name, "timestamp", comment)


_LINES = (
    "array<struct<line_no:int,listing_id:string,payable_minor:bigint,captured_minor:bigint,"
    "refund_due_minor:bigint,is_confirmed:boolean,is_cancelled:boolean>>"
)

ORDERS = Table(
    layer="decisions",
    name="orders",
    grain="A seller's part of an order that ds touched or that fell due on it, as of its end",
    columns=(
        c.DS, c.ORDER_ID.not_null(),
        c.SELLER_ID.not_null().described("Seller; empty where no line is known"),
        Column("outcome", "string", "How far this part has come", nullable=False,
               codes=ORDER_OUTCOMES),
        Column("progress", "string", "How far it has come, whatever is due back", nullable=False,
               codes=ORDER_OUTCOMES[:-1]),
        Column("order_outcome", "string", "How far the order has come", nullable=False,
               codes=ORDER_OUTCOMES),
        c.REASON_CODES,
        c.BUYER_ID, c.CURRENCY, c.MARKETPLACE,
        _minor("payable_minor", "What the buyer is to pay for the lines that are not cancelled"),
        _minor("captured_minor", "What was captured for its lines"),
        _minor("refund_due_minor", "Captured for lines cancelled since, and not paid back"),
        Column("lines", _LINES, "Its lines, by number", nullable=False),
        _at("placed_at", "When it was placed"),
        _at("held_at", "When money was first held or paid"),
        _at("asked_at", "From when on the seller was asked to confirm"),
        _at("action_required_at", "Since when the buyer has to authenticate"),
        _at("payment_failed_at", "When the payment was declined"),
        _at("confirmed_at", "When all living lines were confirmed"),
        _at("deliver_by", "Last promise of its living lines"),
        _at("shipped_at", "When all living lines were shipped"),
        _at("delivered_at", "When all living lines were delivered"),
        _at("cancelled_at", "When all lines were cancelled"),
        _POLICY_VERSION, _MODEL_VERSION,
    ),
    key=("order_id", "seller_id", "ds"),
    mode=WriteMode.REPLACE_DS,
    writer="decide.orders",
    partition_by=("ds",),
    checks=(
        Check("refund_within_captured", "refund_due_minor <= captured_minor",
              "No more is due than was captured"),
    ),
)  # fmt: skip

PAYMENTS = Table(
    layer="decisions",
    name="payments",
    grain="What is to be done about the provider's payment of an order in decisions/orders of ds",
    columns=(
        c.DS, c.ORDER_ID.not_null(),
        Column("outcome", "string", "What is to be done now", nullable=False,
               codes=PAYMENT_OUTCOMES),
        Column("state", "string", "How the order's payment stands", nullable=False,
               codes=PAYMENT_STATES),
        c.REASON_CODES,
        c.PAYMENT_NO.not_null(), c.LEGAL_ENTITY.not_null(), c.CURRENCY,
        _minor("amount_minor", "What is to be authorised or captured; 0 for what is cancelled"),
        _minor("authorized_minor", "Held now"),
        _minor("captured_minor", "Captured, all payments of the order together"),
        c.PAYMENT_INTENT_ID.described("The intent to capture or to cancel, else the live one"),
        c.CHARGE_ID,
        Column("payment_method_id", "string", "The provider's payment method"),
        Column("customer_id", "string", "The provider's customer"),
        Column("live_intents", "int", "Intents that hold or may hold money; more than one: a "
               "person looks", nullable=False),
        _at("capture_before", "When the hold ends"),
        _at("due_at", "When it is looked at again, or has to be done"),
        Column("seen_request_keys", "array<string>",
               "Requests of ours whose objects the provider has told of", nullable=False),
        _POLICY_VERSION, _MODEL_VERSION,
    ),
    key=("order_id", "ds"),
    mode=WriteMode.REPLACE_DS,
    writer="decide.orders",
    partition_by=("ds",),
    checks=(
        Check("capture_within_hold", "outcome != 'capture' or amount_minor <= authorized_minor",
              "Never is more captured than is held"),
        Check("amount_given", "outcome not in ('authorize', 'capture') or amount_minor > 0",
              "Something is asked for"),
        Check("intent_given",
              "outcome not in ('capture', 'cancel') or payment_intent_id is not null",
              "What is captured or cancelled is known"),
    ),
)  # fmt: skip

FRAUD_REVIEWS = Table(
    layer="decisions",
    name="fraud_reviews",
    grain="What was decided about an order that might be fraud; the newest of an order counts",
    columns=(
        c.DS, c.ORDER_ID.not_null(),
        Column("outcome", "string", "pass; review: a person is to look; block", nullable=False,
               codes=REVIEW_OUTCOMES),
        c.REASON_CODES,
        Column("decided_at", "timestamp", "When it was decided", nullable=False),
        _POLICY_VERSION, _MODEL_VERSION,
    ),
    key=("order_id", "decided_at", "ds"),
    mode=WriteMode.REPLACE_DS,
    writer="decide.fraud_reviews",
    partition_by=("ds",),
)  # fmt: skip

FOLLOW_UPS = Table(
    layer="decisions",
    name="follow_ups",
    grain="A step of following up an order that fell due on ds",
    columns=(
        c.DS, c.ORDER_ID.not_null(), c.SELLER_ID.not_null(),
        Column("step", "string", "Which step (conf/policy/notices.yaml)", nullable=False),
        Column("outcome", "string", "Always notify: what does not hold any more is not sent",
               nullable=False, codes=("notify",)),
        c.REASON_CODES,
        Column("recipient_kind", "string", "Who is told", nullable=False,
               codes=("seller", "buyer", "operations")),
        Column("recipient_id", "string", "seller_id or buyer_id; empty: operations",
               nullable=False),
        Column("due_at", "timestamp", "When it fell due", nullable=False),
        Column("expires_at", "timestamp", "From when on it is too late to send", nullable=False),
        c.CURRENCY,
        _minor("payable_minor", "What the buyer is to pay for this part"),
        _at("since", "Instant from which the step counts"),
        _at("placed_at", "When the order was placed"),
        _at("deliver_by", "Last promise of its living lines"),
        Column("lines", _LINES, "Lines of the part, by number", nullable=False),
        _POLICY_VERSION, _MODEL_VERSION,
    ),
    key=("order_id", "seller_id", "step", "ds"),
    mode=WriteMode.REPLACE_DS,
    writer="decide.follow_ups",
    partition_by=("ds",),
    checks=(Check("expires_later", "expires_at > due_at", "A notice can be sent once it is due"),),
)  # fmt: skip

TABLES = (ORDERS, PAYMENTS, FOLLOW_UPS)
AWAITED = (FRAUD_REVIEWS,)
"""Read where they are present; nothing here writes them yet."""
