"""Silver: the current state, one row a natural key, and the ledger of counts.

Entity tables derive from their bronze contract: what an entity's latest version says. Where a
landing entity is a stream of events about something (a shipment, a return, a dispute, a ticket),
the silver table has one row per that thing, with a time per event.
"""

from collections.abc import Sequence
from dataclasses import replace

from conf import columns as c
from conf.contract import Check, Column, Table, WriteMode
from conf.tables import bronze

VERSION = (c.EVENT_ID, c.OCCURRED_AT, c.KNOWN_AT)
"""Which version a silver row shows: its id and its two clocks."""


def _key_columns(columns: Sequence[Column], key: Sequence[str]) -> tuple[Column, ...]:
    return tuple(column.not_null() if column.name in key else column for column in columns)


def _current(source: Table, *, by_month: bool, writer: str = "refine.entities") -> Table:
    """The latest version of every natural key of a bronze entity."""
    month = (c.OCCURRED_MONTH,) if by_month else ()
    return Table(
        layer="silver",
        name=source.name,
        grain=f"One row a natural key of {source.path}: its latest version",
        columns=(
            *_key_columns(bronze.payload(source), source.natural_key), *VERSION, c.EXTRA, *month,
        ),
        key=source.natural_key,
        mode=WriteMode.MERGE,
        writer=writer,
        partition_by=tuple(column.name for column in month),
    )  # fmt: skip


def _rolled_up(
    name: str, grain: str, key: Sequence[str], *columns: Column, by_month: bool = True
) -> Table:
    """One row per thing that a stream of landed events is about."""
    month = (c.OCCURRED_MONTH,) if by_month else ()
    return Table(
        layer="silver",
        name=name,
        grain=grain,
        columns=(
            *_key_columns(columns, key),
            c.OCCURRED_AT.described("When its first event happened"),
            c.KNOWN_AT.described("When its newest fact became known"),
            *month,
        ),
        key=tuple(key),
        mode=WriteMode.MERGE,
        writer="refine.entities",
        partition_by=tuple(column.name for column in month),
    )


def _first_at(event: str, comment: str) -> Column:
    return Column(f"{event}_at", "timestamp", comment)


SELLERS = _current(bronze.SELLERS, by_month=False)
BUYERS = _current(bronze.BUYERS, by_month=False)
LISTINGS = _current(bronze.LISTINGS, by_month=False)
LISTING_SNAPSHOTS = _current(bronze.LISTING_SNAPSHOTS, by_month=True)
ORDER_ITEMS = _current(bronze.ORDER_ITEMS, by_month=True)
ORDER_EVENTS = _current(bronze.ORDER_EVENTS, by_month=True)
PAYMENTS = _current(bronze.PAYMENTS, by_month=True)
REFUNDS = _current(bronze.REFUNDS, by_month=True)
MESSAGES = _current(bronze.MESSAGES, by_month=True)
REVIEWS = _current(bronze.REVIEWS, by_month=True)
AD_SPEND = _current(bronze.AD_SPEND, by_month=True)
BUY_BOX = _current(bronze.BUY_BOX, by_month=True)
POLICY_EVENTS = _current(bronze.POLICY_EVENTS, by_month=False)
ENFORCEMENT_ACTIONS = _current(bronze.ENFORCEMENT_ACTIONS, by_month=False)
DOCUMENT_VERIFICATIONS = _current(bronze.DOCUMENT_VERIFICATIONS, by_month=False)
LOGINS = _current(bronze.LOGINS, by_month=True)
STRIPE_EVENTS = _current(bronze.STRIPE_EVENTS, by_month=True)
VERDICTS = _current(bronze.VERDICTS, by_month=False)
FX_RATES = _current(bronze.FX_RATES, by_month=False)

SHIPMENTS = _rolled_up(
    "shipments", "One row a shipment", ["shipment_id"],
    c.SHIPMENT_ID, c.ORDER_ID, c.SELLER_ID,
    Column("line_nos", "array<int>", "Lines in this shipment"),
    Column("carrier", "string", "Carrier"),
    Column("tracking_number", "string", "Tracking number", untrusted=True),
    _first_at("shipped", "First shipped event"),
    _first_at("tracking_confirmed", "First tracking confirmation"),
    _first_at("delivered", "First delivered event"),
    _first_at("lost", "First lost event"),
    _first_at("returned_to_sender", "First return to the sender"),
)  # fmt: skip

RETURNS = _rolled_up(
    "returns", "One row a returned line", ["return_id", "line_no"],
    c.RETURN_ID, c.LINE_NO, c.ORDER_ID, c.SELLER_ID,
    Column("units", "int", "Units returned (of the arrival, else of the first event)", "units"),
    Column("reason", "string", "Why", untrusted=True),
    _first_at("requested", "First request"),
    _first_at("arrived", "First arrival"),
    _first_at("rejected", "First rejection"),
)  # fmt: skip

DISPUTES = _rolled_up(
    "disputes", "One row a dispute", ["dispute_id"],
    c.DISPUTE_ID, c.ORDER_ID, c.LINE_NO, c.SELLER_ID, c.BUYER_ID,
    bronze.DISPUTES.column("kind"), bronze.DISPUTES.column("type"),
    c.AMOUNT_MINOR, c.CURRENCY,
    _first_at("opened", "First opening"),
    _first_at("seller_response", "First answer of the seller"),
    _first_at("closed", "First closing"),
    Column("outcome", "string", "In whose favour the first closing was"),
    Column("due_at", "timestamp", "When an answer is due"),
    Column("evidence_items", "bigint", "Pieces of evidence"),
)  # fmt: skip

SUPPORT_TICKETS = _rolled_up(
    "support_tickets", "One row a support ticket", ["ticket_id"],
    c.TICKET_ID, c.SELLER_ID,
    Column("topic", "string", "Topic", untrusted=True),
    _first_at("opened", "First opening"),
    _first_at("closed", "First closing"),
    by_month=False,
)  # fmt: skip

ORDER_STATUSES = (
    "placed", "paid", "confirmed", "partly_shipped", "shipped", "delivered", "cancelled",
)  # fmt: skip

_ORDERS = _current(bronze.ORDERS, by_month=True, writer="refine.orders")
ORDERS = replace(
    _ORDERS,
    grain="One row an order: its latest version, with its status derived from facts",
    columns=(
        *_ORDERS.columns,
        Column("status", "string", "Derived from the facts known", nullable=False,
               codes=ORDER_STATUSES),
        Column("lines", "bigint", "Lines known", nullable=False),
        Column("lines_cancelled", "bigint", "Lines cancelled or rejected by anybody",
               nullable=False),
        Column("lines_shipped", "bigint", "Lines shipped", nullable=False),
        Column("lines_delivered", "bigint", "Lines delivered", nullable=False),
        _first_at("paid", "First paid event"),
        _first_at("confirmed", "First confirmation"),
        _first_at("shipped", "First shipped line"),
        _first_at("delivered", "Last line delivered, once all that are not cancelled are"),
        _first_at("cancelled", "Last line cancelled, once all are"),
        Column("paid_minor", "bigint", "Sum of its payments but for those cancelled or failed",
               "minor units", nullable=False),
        Column("refunded_minor", "bigint", "Sum of its refunds", "minor units", nullable=False),
    ),
    checks=(
        Check("status_known", f"status in {ORDER_STATUSES}", "The status is one that we name"),
        Check("lines_within", "lines_delivered <= lines and lines_cancelled <= lines",
              "No more lines happened than there are"),
    ),
)  # fmt: skip

# The ledger of counts -------------------------------------------------------------------------

_SELLER_KEY = (
    c.SELLER_ID.not_null(),
    c.CURRENCY.not_null().described("Currency of the lines; XXX for counts that are no money"),
    c.OCCURRED_DS, c.KNOWN_DS,
)  # fmt: skip


def _count(name: str, comment: str, unit: str = "") -> Column:
    return Column(name, "bigint", comment, unit, nullable=False)


SELLER_MEASURES = (
    # dated by the line's own time of placing, in the line's currency
    _count("lines_placed", "Lines placed"),
    _count("units_placed", "Units of lines placed", "units"),
    _count("units_platform", "Units of lines placed that the platform fulfils", "units"),
    _count("gmv_minor", "Sum of line_total_minor of lines placed", "minor units"),
    # dated by the seller-order's earliest line, in the lines' currency
    _count("orders_placed", "Seller-orders placed"),
    _count("orders_repeat", "Of these by a buyer with an earlier seller-order at the seller"),
    _count("orders_refunded", "Of these with at least one refund"),
    _count("orders_defective", "Of these with a 1-2 star review, a claim or a chargeback"),
    _count("orders_claimed", "Of these with an opened claim"),
    _count("orders_charged_back", "Of these with an opened chargeback"),
    _count("orders_contacted", "Of these with a buyer's message"),
    # dated by ship_by, once that has passed
    _count("lines_due", "Lines due, not cancelled at or before ship_by"),
    _count("lines_due_on_time", "Of these shipped at or before ship_by"),
    # dated by the line's first such event
    _count("lines_cancelled_by_seller", "Lines cancelled or rejected by the seller"),
    _count("lines_shipped", "Lines shipped"),
    _count("lines_shipped_late", "Of these after ship_by"),
    _count("handling_us", "Sum over lines shipped of the time from payment (else placing) to "
           "shipped, negative times as 0", "microseconds"),
    _count("lines_delivered", "Lines delivered"),
    _count("units_delivered", "Units of lines delivered", "units"),
    _count("lines_delivered_promised", "Of the lines delivered those with deliver_by"),
    _count("lines_delivered_on_time", "Of these at or before deliver_by"),
    # dated by the shipment's first shipped event; XXX from here on
    _count("shipments_shipped", "Shipments shipped"),
    _count("shipments_tracked", "Of these with a confirmed tracking"),
    # dated by the return's first arrival
    _count("units_returned", "Units of returns that arrived", "units"),
    # dated by the refund
    _count("refunds_of_returns", "Refunds that name a return that has arrived"),
    _count("refund_delay_us", "Sum over these of the time from arrival to refund, negative "
           "times as 0", "microseconds"),
    # dated by the review
    _count("reviews", "Reviews"),
    _count("reviews_negative", "Of these with 1 or 2 stars"),
    _count("review_stars", "Sum of their stars", "stars"),
    # dated by the reply
    _count("replies", "First replies of the seller to a buyer's message"),
    _count("reply_us", "Sum over these of the time from message to reply, negative times as 0",
           "microseconds"),
    # dated by the dispute's first closing
    _count("disputes_closed", "Disputes closed"),
    _count("disputes_lost", "Of these with outcome buyer"),
    # dated by the day that the row is about
    _count("listing_days_active", "Listing-days active"),
    _count("listing_days_out_of_stock", "Of these not in stock"),
    _count("ad_days", "Days with advertising figures (in their currency)"),
    _count("ad_spend_minor", "Advertising spend (in its currency)", "minor units"),
    _count("ad_attributed_gmv_minor", "Sales attributed to it (in its currency)", "minor units"),
    _count("buy_box_views", "Views of the seller's listings"),
    _count("buy_box_featured_views", "Of these while holding the featured offer"),
    # dated by the event
    _count("policy_warnings", "Policy warnings"),
    _count("listing_takedowns", "Listings taken down"),
    _count("tickets_opened", "Support tickets opened"),
    _count("logins", "Logins of the seller"),
)  # fmt: skip

SELLER_DAYS = Table(
    layer="silver",
    name="seller_days",
    grain="What a landing day changed in a seller's counts of a day, per currency",
    columns=(*_SELLER_KEY, *SELLER_MEASURES),
    key=tuple(column.name for column in _SELLER_KEY),
    mode=WriteMode.REPLACE_DS,
    writer="refine.seller_days",
    partition_by=("known_ds",),
)

CATEGORY_MEASURES = (
    _count("lines_placed", "Lines placed in that category"),
    _count("gmv_minor", "Sum of line_total_minor of lines placed", "minor units"),
)

SELLER_CATEGORY_DAYS = Table(
    layer="silver",
    name="seller_category_days",
    grain="What a landing day changed in a seller's sales of a day, per category and currency",
    columns=(
        c.SELLER_ID.not_null(), c.CATEGORY.not_null(), c.CURRENCY.not_null(), c.OCCURRED_DS,
        c.KNOWN_DS, *CATEGORY_MEASURES,
    ),
    key=("seller_id", "category", "currency", "occurred_ds", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.seller_days",
    partition_by=("known_ds",),
)  # fmt: skip

_LISTED = _count("listed", "+1: the order joined the list on that day, -1: it left it")

SELLER_BUYER_ORDERS = Table(
    layer="silver",
    name="seller_buyer_orders",
    grain="Changes of the order list of a (seller, buyer) pair, per currency",
    columns=(
        c.SELLER_ID.not_null(), c.BUYER_ID.not_null(), c.ORDER_ID.not_null(),
        c.CURRENCY.not_null(),
        Column("placed_at", "timestamp", "Its earliest line of that seller", nullable=False),
        c.KNOWN_DS, _LISTED,
    ),
    key=("seller_id", "buyer_id", "order_id", "currency", "placed_at", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.seller_days",
    partition_by=("known_ds",),
)  # fmt: skip

SELLER_STATE = Table(
    layer="silver",
    name="seller_state",
    grain="A seller's state as of the end of a landing day that touched it",
    columns=(
        c.SELLER_ID.not_null(), c.KNOWN_DS,
        bronze.SELLERS.column("marketplace"), bronze.SELLERS.column("business_type"),
        c.REGISTERED_AT, bronze.SELLERS.column("status"), c.CURRENCY, c.REGION,
        Column("messaging_enabled", "boolean", "Buyers reach the seller through the platform"),
        _count("active_listings", "Listings whose version has status active"),
        _count("suspensions", "Suspensions ever"),
        Column("last_enforcement", "string", "Last suspension or reinstatement"),
        Column("suspended_until", "timestamp", "End of that suspension; null: open"),
        Column("verified_at", "timestamp", "Last verified document"),
    ),
    key=("seller_id", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.seller_days",
    partition_by=("known_ds",),
)  # fmt: skip

ORDER_MEASURES = (
    # dated by the time of placing
    _count("orders", "Orders placed"),
    _count("total_minor", "What buyers are to pay for them", "minor units"),
    _count("orders_cancelled", "Of these with every line cancelled (without lines: as a whole)"),
    _count("orders_delivered", "Of these with every line that is not cancelled delivered"),
    _count("delivery_us", "Sum over these of the time from placing to the last delivery, "
           "negative times as 0", "microseconds"),
    _count("orders_promised", "Of these with a deliver_by on every line delivered"),
    _count("orders_late", "Of these with a line delivered after its deliver_by"),
    _count("orders_refunded", "Of these with at least one refund"),
)  # fmt: skip

BUYER_MEASURES = (
    *ORDER_MEASURES,
    _count("first_orders", "The buyer's first order (by time, then order_id)"),
)

BUYER_DAYS = Table(
    layer="silver",
    name="buyer_days",
    grain="What a landing day changed in a buyer's counts of a day, per currency",
    columns=(
        c.BUYER_ID.not_null(), c.CURRENCY.not_null(), c.OCCURRED_DS, c.KNOWN_DS, *BUYER_MEASURES,
    ),
    key=("buyer_id", "currency", "occurred_ds", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.buyer_days",
    partition_by=("known_ds",),
)  # fmt: skip

REGION_DAYS = Table(
    layer="silver",
    name="region_days",
    grain="What a landing day changed in the orders of a day delivered to a region, per currency",
    columns=(
        Column("country", "string", "Country of delivery, ?? where unknown", "ISO 3166-1",
               nullable=False),
        Column("region", "string", "State or region of delivery, empty where unknown",
               nullable=False),
        c.CURRENCY.not_null(), c.OCCURRED_DS, c.KNOWN_DS,
        _count("orders", "Orders placed"),
        _count("total_minor", "What buyers are to pay for them", "minor units"),
    ),
    key=("country", "region", "currency", "occurred_ds", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.buyer_days",
    partition_by=("known_ds",),
)  # fmt: skip

BUYER_ORDERS = Table(
    layer="silver",
    name="buyer_orders",
    grain="Changes of a buyer's order list",
    columns=(
        c.BUYER_ID.not_null(), c.ORDER_ID.not_null(), c.CURRENCY.not_null(),
        Column("placed_at", "timestamp", "Time of placing", nullable=False), c.KNOWN_DS, _LISTED,
    ),
    key=("buyer_id", "order_id", "currency", "placed_at", "known_ds"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.buyer_days",
    partition_by=("known_ds",),
)  # fmt: skip

ORPHAN_DAYS = Table(
    layer="silver",
    name="orphan_days",
    grain="Facts of a landing day that name something that is not known at its end",
    columns=(
        c.KNOWN_DS,
        Column("kind", "string", "Which fact names what, for example payment_without_order",
               nullable=False),
        _count("orphans", "Facts"),
    ),
    key=("known_ds", "kind"),
    mode=WriteMode.REPLACE_DS,
    writer="refine.orphans",
    partition_by=("known_ds",),
)  # fmt: skip

LATEST_VERSION = (
    SELLERS, BUYERS, LISTINGS, LISTING_SNAPSHOTS, ORDER_ITEMS, ORDER_EVENTS, PAYMENTS, REFUNDS,
    MESSAGES, REVIEWS, AD_SPEND, BUY_BOX, POLICY_EVENTS, ENFORCEMENT_ACTIONS,
    DOCUMENT_VERIFICATIONS, LOGINS, STRIPE_EVENTS, VERDICTS, FX_RATES,
)  # fmt: skip
ROLLED_UP = (SHIPMENTS, RETURNS, DISPUTES, SUPPORT_TICKETS)
LEDGER = (
    SELLER_DAYS, SELLER_CATEGORY_DAYS, SELLER_BUYER_ORDERS, SELLER_STATE, BUYER_DAYS, REGION_DAYS,
    BUYER_ORDERS,
)  # fmt: skip
TABLES = (*LATEST_VERSION, *ROLLED_UP, ORDERS, *LEDGER, ORPHAN_DAYS)
