"""Bronze: the history. One append-only row a landed event, version or retraction.

`required` says what a landing row must bring. Bronze itself allows null in payload columns,
because a ready-made input may not know what a landing file must.
"""

from collections.abc import Sequence

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode

PAYMENT_METHODS = ("card", "debit_card", "wallet", "bank_transfer", "voucher", "cash_slip")

HEAD = (c.EVENT_ID, c.OCCURRED_AT, c.KNOWN_AT, c.RETRACTED)
TAIL = (c.EXTRA, c.SOURCE_FILE, c.SOURCE_LINE, c.SOURCE_SHA256, c.CONTENT_HASH, c.DS)
LANDING_COLUMNS = frozenset(column.name for column in HEAD)


def _entity(
    name: str, grain: str, key: Sequence[str], *payload: Column, checks: Sequence[Check] = ()
) -> Table:
    """A landing entity: `key` is the natural key whose versions the rows are."""
    known_in_time = Check(
        "known_after_occurred", "known_at >= occurred_at", "Nothing is known before it happens"
    )
    return Table(
        layer="bronze",
        name=name,
        grain=f"One row a version of {grain}",
        columns=(*HEAD, *payload, *TAIL),
        key=(c.EVENT_ID.name,),
        mode=WriteMode.APPEND_ONCE,
        writer="ingest.*",
        natural_key=tuple(key),
        partition_by=(c.DS.name,),
        checks=(known_in_time, *(_present(part) for part in key), *checks),
    )


def _present(name: str) -> Check:
    return Check(f"{name}_present", f"{name} is not null", f"The natural key {name} is not empty")


def _at_least(minimum: int, *names: str) -> tuple[Check, ...]:
    return tuple(
        Check(f"{name}_min", f"{name} >= {minimum}", f"{name} is at least {minimum}")
        for name in names
    )


def _coded(name: str, comment: str, *codes: str, required: bool = True) -> Column:
    return Column(name, "string", comment, required=required, codes=codes)


def _text(name: str, comment: str) -> Column:
    return Column(name, "string", comment, untrusted=True)


SELLERS = _entity(
    "sellers", "a seller (registration or change)", ["seller_id"],
    c.SELLER_ID.as_required(),
    Column("name", "string", "Trading name", required=True, personal=True, untrusted=True),
    Column("email", "string", "Contact address", personal=True, untrusted=True),
    Column("marketplace", "string", "Marketplace the seller trades in", "ISO 3166-1",
           required=True),
    _coded("business_type", "Legal form", "individual", "sole_proprietor", "private_company",
           "public_company", "charity", "state_owned"),
    c.REGISTERED_AT.as_required(),
    _coded("status", "State of the account", "active", "paused", "suspended", "closed"),
    c.CURRENCY.as_required("The one currency in which the seller prices and is paid"),
    c.REGION,
    _coded("payout_schedule", "How often paid; daily where null", "daily", "weekly", "monthly",
           "manual", required=False),
    Column("stripe_account_id", "string", "Connected account"),
    Column("tax_country", "string", "Country of tax residence", "ISO 3166-1"),
    Column("tax_id_verified", "boolean", "A tax number is on file and verified"),
    Column("messaging_enabled", "boolean",
           "Buyers reach the seller through the platform; true where null"),
    Column("bank_account_hash", "string", "Keyed hash of the bank account"),
    c.DEVICE_HASH.described("Keyed hash of the registration device"),
    c.ADDRESS_HASH,
)  # fmt: skip

BUYERS = _entity(
    "buyers", "a buyer", ["buyer_id"],
    c.BUYER_ID.as_required(),
    c.REGISTERED_AT.as_required("Account creation"),
    Column("country", "string", "Country of residence", "ISO 3166-1", required=True),
    c.REGION,
    Column("email", "string", "Contact address", personal=True, untrusted=True),
    Column("stripe_customer_id", "string", "The provider's customer"),
    c.ADDRESS_HASH.described("Keyed hash of the default address"),
)  # fmt: skip

LISTINGS = _entity(
    "listings", "a listing", ["listing_id"],
    c.LISTING_ID.as_required(),
    c.SELLER_ID.as_required(),
    Column("title", "string", "Title", required=True, untrusted=True),
    _text("description", "Description"),
    c.CATEGORY.as_required(),
    Column("price_minor", "bigint", "Price", "minor units", required=True),
    c.CURRENCY.as_required(),
    Column("image_count", "int", "Pictures", required=True),
    Column("image_urls", "array<string>", "Not fetched by default", untrusted=True),
    _coded("status", "State of the listing", "active", "inactive", "removed"),
    checks=_at_least(0, "price_minor", "image_count"),
)  # fmt: skip

LISTING_SNAPSHOTS = _entity(
    "listing_snapshots", "a listing's day", ["listing_id", "snapshot_date"],
    c.LISTING_ID.as_required(),
    c.SELLER_ID.as_required(),
    Column("snapshot_date", "date", "The day", required=True),
    Column("active", "boolean", "Listed on that day", required=True),
    Column("in_stock", "boolean", "Could be bought on that day", required=True),
)  # fmt: skip

ORDERS = _entity(
    "orders", "an order; occurred_at is the time of placing", ["order_id"],
    c.ORDER_ID.as_required(),
    c.BUYER_ID.as_required(),
    c.CURRENCY.as_required(),
    c.TOTAL_MINOR.as_required(),
    c.SHIPPING_MINOR.as_required("Sum over the lines"),
    c.TAX_MINOR.as_required("Sum over the lines"),
    Column("discount_minor", "bigint",
           "Order-level only; line discounts are inside line_total_minor", "minor units",
           required=True),
    _coded("payment_method", "How the buyer pays", *PAYMENT_METHODS),
    Column("shipping_country", "string", "Country of delivery", "ISO 3166-1", required=True),
    Column("shipping_region", "string", "State or region of delivery"),
    Column("shipping_address_hash", "string", "Keyed hash of the delivery address"),
    Column("billing_address_hash", "string", "Keyed hash of the billing address"),
    c.DEVICE_HASH,
    Column("card_hash", "string", "Keyed hash of the card"),
    Column("payment_method_id", "string", "The provider's payment method"),
    c.IP_COUNTRY,
    Column("rush", "boolean", "Fast delivery asked; false where null"),
    checks=_at_least(0, "total_minor", "shipping_minor", "tax_minor", "discount_minor"),
)  # fmt: skip

ORDER_ITEMS = _entity(
    "order_items", "an order line; occurred_at is the order's", ["order_id", "line_no"],
    c.ORDER_ID.as_required(),
    c.LINE_NO.as_required(),
    c.SELLER_ID.as_required(),
    c.LISTING_ID.as_required(),
    c.CATEGORY,
    Column("quantity", "int", "Units ordered", "units", required=True),
    Column("unit_price_minor", "bigint", "Price of a unit", "minor units", required=True),
    c.LINE_TOTAL_MINOR.as_required(),
    c.SHIPPING_MINOR.as_required(),
    c.TAX_MINOR.as_required(),
    c.CURRENCY.as_required(),
    _coded("fulfillment", "Who ships", "platform", "merchant"),
    Column("ship_by", "timestamp", "Promised ship time"),
    Column("deliver_by", "timestamp", "Promised delivery time"),
    checks=(
        *_at_least(1, "line_no", "quantity"),
        *_at_least(0, "unit_price_minor", "line_total_minor", "shipping_minor", "tax_minor"),
    ),
)  # fmt: skip

ORDER_EVENTS = _entity(
    "order_events", "an order event", ["order_event_id"],
    Column("order_event_id", "string", "Natural key", required=True),
    c.ORDER_ID.as_required(),
    c.LINE_NO.described(
        "Null: all lines of that seller (of the order where seller_id is null too)"
    ),
    c.SELLER_ID,
    _coded("event", "What happened", "paid", "confirmed", "rejected", "cancelled"),
    _coded("actor", "Who did it", "buyer", "seller", "platform"),
    _text("reason", "Why"),
    checks=_at_least(1, "line_no"),
)  # fmt: skip

PAYMENTS = _entity(
    "payments", "a payment", ["order_id", "payment_no"],
    c.ORDER_ID.as_required(),
    c.PAYMENT_NO.as_required(),
    _coded("method", "How it is paid", *PAYMENT_METHODS),
    c.AMOUNT_MINOR.as_required(),
    c.CURRENCY.as_required(),
    _coded("status", "State of the payment", "authorized", "captured", "cancelled", "failed"),
    Column("installments", "int", "Number of instalments"),
    Column("provider_id", "string",
           "The provider's object (a payment intent); such a payment is adopted"),
    checks=(*_at_least(1, "payment_no"), *_at_least(0, "amount_minor", "installments")),
)  # fmt: skip

SHIPMENTS = _entity(
    "shipments", "a shipment event", ["shipment_event_id"],
    Column("shipment_event_id", "string", "Natural key", required=True),
    c.SHIPMENT_ID.as_required(),
    c.ORDER_ID.as_required(),
    c.SELLER_ID.as_required(),
    Column("line_nos", "array<int>", "Lines in this shipment", required=True),
    _coded("event", "What happened", "shipped", "tracking_confirmed", "delivered", "lost",
           "returned_to_sender"),
    Column("carrier", "string", "Carrier"),
    _text("tracking_number", "Tracking number"),
)  # fmt: skip

REFUNDS = _entity(
    "refunds", "a refund", ["refund_id"],
    c.REFUND_ID.as_required(),
    c.ORDER_ID.as_required(),
    c.LINE_NO.described("Null: the whole order"),
    c.SELLER_ID.described("Null where the order has one seller"),
    c.AMOUNT_MINOR.as_required(),
    c.CURRENCY.as_required(),
    Column("reason", "string", "Why", required=True, untrusted=True),
    _coded("initiated_by", "Who started it", "seller", "platform", "dispute"),
    c.RETURN_ID,
    checks=(*_at_least(1, "line_no"), *_at_least(0, "amount_minor")),
)  # fmt: skip

RETURNS = _entity(
    "returns", "a return event", ["return_event_id"],
    Column("return_event_id", "string", "Natural key", required=True),
    c.RETURN_ID.as_required(),
    c.ORDER_ID.as_required(),
    c.LINE_NO.as_required(),
    c.SELLER_ID.as_required(),
    Column("units", "int", "Units returned", "units", required=True),
    _coded("event", "What happened", "requested", "arrived", "rejected"),
    _text("reason", "Why"),
    checks=_at_least(1, "line_no", "units"),
)  # fmt: skip

DISPUTES = _entity(
    "disputes", "a dispute event", ["dispute_event_id"],
    Column("dispute_event_id", "string", "Natural key", required=True),
    c.DISPUTE_ID.as_required(),
    c.ORDER_ID.as_required(),
    c.LINE_NO,
    c.SELLER_ID.as_required(),
    c.BUYER_ID.as_required(),
    _coded("kind", "claim: buyer guarantee; chargeback: card network", "claim", "chargeback"),
    _coded("type", "What is disputed", "not_received", "not_as_described", "damaged",
           "unauthorised", "duplicate", "not_refunded"),
    _coded("event", "What happened", "opened", "seller_response", "evidence", "closed"),
    c.AMOUNT_MINOR.described("At opened"),
    c.CURRENCY,
    _text("text", "What was said; hostile input"),
    _coded("evidence_kind", "What the evidence is", "tracking", "photo", "message", "listing",
           "policy", "refund_proof", required=False),
    _coded("outcome", "At closed: in whose favour", "buyer", "seller", "split", "withdrawn",
           required=False),
    Column("due_at", "timestamp", "When an answer is due"),
    checks=(*_at_least(1, "line_no"), *_at_least(0, "amount_minor")),
)  # fmt: skip

MESSAGES = _entity(
    "messages", "a message", ["message_id"],
    c.MESSAGE_ID.as_required(),
    c.ORDER_ID,
    c.BUYER_ID.as_required(),
    c.SELLER_ID.as_required(),
    _coded("sender", "Who wrote it", "buyer", "seller", "platform"),
    Column("in_reply_to", "string", "message_id that it answers"),
    _text("text", "What was said; hostile input"),
)  # fmt: skip

REVIEWS = _entity(
    "reviews", "a review", ["review_id"],
    c.REVIEW_ID.as_required(),
    c.ORDER_ID.as_required(),
    c.BUYER_ID.as_required(),
    c.SELLER_ID.as_required(),
    c.LISTING_ID,
    Column("stars", "int", "Stars given", "1-5", required=True),
    _text("text", "What was said"),
    checks=(Check("stars_range", "stars between 1 and 5", "Stars are 1 to 5"),),
)  # fmt: skip

AD_SPEND = _entity(
    "ad_spend", "a seller's advertising day; no row means unknown, 0 means known to be zero",
    ["seller_id", "date"],
    c.SELLER_ID.as_required(),
    c.DATE.as_required(),
    Column("spend_minor", "bigint", "Spent", "minor units", required=True),
    Column("attributed_gmv_minor", "bigint", "Sales attributed to it", "minor units",
           required=True),
    c.CURRENCY.as_required(),
    checks=_at_least(0, "spend_minor", "attributed_gmv_minor"),
)  # fmt: skip

BUY_BOX = _entity(
    "buy_box", "a seller's day on the featured offer", ["seller_id", "date"],
    c.SELLER_ID.as_required(),
    c.DATE.as_required(),
    Column("views", "bigint", "Views of the seller's listings", required=True),
    Column("featured_views", "bigint", "Of these while holding the featured offer",
           required=True),
    checks=(
        *_at_least(0, "views", "featured_views"),
        Check("featured_within_views", "featured_views <= views",
              "Featured views are a part of the views"),
    ),
)  # fmt: skip

POLICY_EVENTS = _entity(
    "policy_events", "a policy event", ["policy_event_id"],
    Column("policy_event_id", "string", "Natural key", required=True),
    c.SELLER_ID.as_required(),
    c.LISTING_ID,
    _coded("event", "What happened", "warning", "listing_takedown", "reinstated"),
    Column("policy_code", "string", "Policy concerned", required=True),
    _coded("severity", "How grave", "low", "medium", "high", "critical"),
)  # fmt: skip

ENFORCEMENT_ACTIONS = _entity(
    "enforcement_actions", "an enforcement action", ["action_id"],
    Column("action_id", "string", "Natural key", required=True),
    c.SELLER_ID.as_required(),
    _coded("action", "What was done", "suspension", "funds_hold", "category_block",
           "reinstatement"),
    Column("reason_code", "string", "Why", required=True),
    Column("until", "timestamp", "End; null: open"),
    _coded("source", "Who decided, so that a score does not become its own label", "rule",
           "score", "person", "external", required=False),
)  # fmt: skip

DOCUMENT_VERIFICATIONS = _entity(
    "document_verifications", "a verification event", ["verification_id"],
    Column("verification_id", "string", "Natural key", required=True),
    c.SELLER_ID.as_required(),
    _coded("document", "What is verified", "identity", "business", "tax", "bank"),
    _coded("event", "What happened", "requested", "verified", "rejected", "expired"),
)  # fmt: skip

SUPPORT_TICKETS = _entity(
    "support_tickets", "a support ticket event", ["ticket_event_id"],
    Column("ticket_event_id", "string", "Natural key", required=True),
    c.TICKET_ID.as_required(),
    c.SELLER_ID.as_required(),
    _coded("event", "What happened", "opened", "closed"),
    Column("topic", "string", "Topic", untrusted=True),
)  # fmt: skip

LOGINS = _entity(
    "logins", "a login", ["login_id"],
    Column("login_id", "string", "Natural key", required=True),
    _coded("actor", "Who logged in", "seller", "buyer"),
    Column("actor_id", "string", "seller_id or buyer_id", required=True),
    c.DEVICE_HASH,
    c.IP_COUNTRY,
)  # fmt: skip

STRIPE_EVENTS = _entity(
    "stripe_events", "a payment provider's event", ["stripe_event_id"],
    Column("stripe_event_id", "string", "Natural key", required=True),
    Column("type", "string", "Provider's event type", required=True),
    Column("payload", "string", "Raw body", required=True, personal=True, untrusted=True),
    Column("signature", "string", "Stripe-Signature header; null when listed"),
    _coded("source", "How it came", "webhook", "listed"),
)  # fmt: skip

VERDICTS = _entity(
    "verdicts", "a reviewer's verdict", ["verdict_id"],
    Column("verdict_id", "string", "Natural key", required=True),
    _coded("case_type", "What was reviewed", "fraud", "dispute", "listing", "seller", "payout"),
    Column("subject_id", "string", "The case's subject", required=True),
    Column("outcome", "string", "What was decided", required=True),
    Column("reviewer", "string", "Pseudonym of the reviewer", required=True),
    Column("minutes_spent", "double", "Time spent", "minutes"),
    _text("note", "Note"),
    checks=_at_least(0, "minutes_spent"),
)  # fmt: skip

FX_RATES = _entity(
    "fx_rates", "a day's exchange rate", ["date", "base", "quote"],
    c.DATE.as_required(),
    Column("base", "string", "Currency that is priced", "ISO 4217", required=True),
    Column("quote", "string", "Currency of the price", "ISO 4217", required=True),
    Column("rate", "decimal(18,8)", "Units of quote for one base", required=True),
    checks=(Check("rate_positive", "rate > 0", "A rate is positive"),),
)  # fmt: skip

TABLES = (
    SELLERS, BUYERS, LISTINGS, LISTING_SNAPSHOTS, ORDERS, ORDER_ITEMS, ORDER_EVENTS, PAYMENTS,
    SHIPMENTS, REFUNDS, RETURNS, DISPUTES, MESSAGES, REVIEWS, AD_SPEND, BUY_BOX, POLICY_EVENTS,
    ENFORCEMENT_ACTIONS, DOCUMENT_VERIFICATIONS, SUPPORT_TICKETS, LOGINS, STRIPE_EVENTS, VERDICTS,
    FX_RATES,
)  # fmt: skip

CURRENCY_COLUMNS = frozenset({"currency", "base", "quote"})
"""Columns whose values must be ISO 4217 codes."""


def payload(table: Table) -> tuple[Column, ...]:
    """The entity's own columns: neither what every row has nor what ingest adds."""
    own = {column.name for column in (*HEAD, *TAIL)}
    return tuple(column for column in table.columns if column.name not in own)


def rejected(table: Table) -> Table:
    """The companion that keeps the landed records that a bronze table refused."""
    return Table(
        layer=table.layer,
        name=f"{table.name}__rejected",
        grain=f"One row a record refused by {table.path}",
        columns=(
            Column("event_id", "string", "Id of the record, where it could be read"),
            c.REASONS, c.REASON_DETAIL, c.RAW, c.SOURCE_FILE, c.SOURCE_LINE, c.SOURCE_SHA256, c.DS,
        ),
        key=(c.SOURCE_SHA256.name, c.SOURCE_LINE.name),
        mode=WriteMode.APPEND_ONCE,
        writer="ingest.*",
        partition_by=(c.DS.name,),
    )  # fmt: skip
