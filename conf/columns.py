"""Every column that more than one table uses: one name, one meaning, one unit, everywhere.

Naming law: `_id` natural keys, `_at` UTC instants, `_ds` business dates, `_minor` integer minor
units of the row's `currency`, `_us` microseconds, `_hash` keyed hashes. Counts are plain plurals.
"""

from conf.contract import Column

# Every landing row and every bronze row.
EVENT_ID = Column("event_id", "string", "Unique id of this row", nullable=False, required=True)
OCCURRED_AT = Column("occurred_at", "timestamp", "When it happened", nullable=False, required=True)
KNOWN_AT = Column("known_at", "timestamp", "When the marketplace learned it", nullable=False)
RETRACTED = Column("retracted", "boolean", "True: this natural key never was", nullable=False)
EXTRA = Column("extra", "map<string,string>", "Columns that the contract does not name, kept")
DS = Column("ds", "date", "Business date", nullable=False)
SOURCE_FILE = Column("source_file", "string", "File below the landing folder", nullable=False)
SOURCE_LINE = Column(
    "source_line", "bigint", "First physical line (Parquet: row) in that file", nullable=False
)
SOURCE_SHA256 = Column("source_sha256", "string", "SHA-256 of that file", nullable=False)
CONTENT_HASH = Column(
    "content_hash",
    "bigint",
    "xxHash64 of the row but for known_at, file and line: tells a duplicate from a conflict",
    nullable=False,
)
FIRST_KNOWN_AT = Column("first_known_at", "timestamp", "When its first version became known")
REASONS = Column("reasons", "array<string>", "Reason codes, all that apply", nullable=False)
REASON_DETAIL = Column("detail", "string", "What was found, in words")
RAW = Column("raw", "string", "The record as it came", personal=True, untrusted=True)

# Natural keys.
SELLER_ID = Column("seller_id", "string", "Seller")
BUYER_ID = Column("buyer_id", "string", "Buyer")
LISTING_ID = Column("listing_id", "string", "Listing")
ORDER_ID = Column("order_id", "string", "Order")
LINE_NO = Column("line_no", "int", "Line of the order, from 1")
PAYMENT_NO = Column("payment_no", "int", "Payment of the order, from 1")
SHIPMENT_ID = Column("shipment_id", "string", "Shipment (parcel)")
REFUND_ID = Column("refund_id", "string", "Refund")
RETURN_ID = Column("return_id", "string", "Return")
DISPUTE_ID = Column("dispute_id", "string", "Dispute")
TICKET_ID = Column("ticket_id", "string", "Support ticket")
REVIEW_ID = Column("review_id", "string", "Review")
MESSAGE_ID = Column("message_id", "string", "Message")

PAYMENT_INTENT_ID = Column("payment_intent_id", "string", "The provider's payment intent")
CHARGE_ID = Column("charge_id", "string", "The provider's charge")
REQUEST_KEY = Column(
    "request_key", "string", "Idempotency key of a request: SHA-256 of what it is about"
)
REQUEST_NO = Column("request_no", "int", "Request of this kind for the payment, from 1")

# Money and places.
CURRENCY = Column("currency", "string", "Currency of the amounts", unit="ISO 4217")
SHIPPING_MINOR = Column("shipping_minor", "bigint", "Shipping", unit="minor units")
TAX_MINOR = Column("tax_minor", "bigint", "Tax", unit="minor units")
AMOUNT_MINOR = Column("amount_minor", "bigint", "Amount", unit="minor units")
TOTAL_MINOR = Column(
    "total_minor",
    "bigint",
    "What the buyer is to pay: items + shipping + tax - discount",
    unit="minor units",
)
LINE_TOTAL_MINOR = Column(
    "line_total_minor",
    "bigint",
    "quantity x unit_price - line discount; without shipping and tax",
    unit="minor units",
)
GMV_MINOR = Column("gmv_minor", "bigint", "Sum of line_total_minor", unit="minor units")
LEGAL_ENTITY = Column("legal_entity", "string", "Company of ours that contracts")
MARKETPLACE = Column("marketplace", "string", "Marketplace", unit="ISO 3166-1")
REGION = Column("region", "string", "State or region")
CATEGORY = Column("category", "string", "Category of the listing")
DEVICE_HASH = Column("device_hash", "string", "Keyed hash of the device")
ADDRESS_HASH = Column("address_hash", "string", "Keyed hash of the address")
IP_COUNTRY = Column("ip_country", "string", "Country of the network address", unit="ISO 3166-1")
REGISTERED_AT = Column("registered_at", "timestamp", "Registration")
DATE = Column("date", "date", "Business date that the figures are about")

# The ledger of counts.
OCCURRED_DS = Column("occurred_ds", "date", "Business date on which it happened", nullable=False)
KNOWN_DS = Column(
    "known_ds",
    "date",
    "Business date whose landing (or due date) changed the count",
    nullable=False,
)

# Decisions.
REASON_CODES = Column(
    "reason_codes", "array<string>", "Why, all that apply (docs/orders.md)", nullable=False
)

# Derived tables.
OCCURRED_MONTH = Column(
    "occurred_month",
    "date",
    "First day of the month of occurred_at, in the lake's zone",
    nullable=False,
)
RUN_ID = Column("run_id", "string", "Run that wrote the row", nullable=False)
