"""The published Olist tables: file names, the columns that are read, and what each text means.

Columns that are not named here are kept in `extra` under their published names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from conf import columns as c
from conf.contract import Column, Table, WriteMode
from conf.tables import bronze

TIME_ZONE = "America/Sao_Paulo"
"""The zone of Olist's times, which are published without an offset."""

SOURCE = (c.SOURCE_FILE, c.SOURCE_LINE, c.SOURCE_SHA256)


class Kind(Enum):
    """What the text of a published column is."""

    TEXT = auto()
    NUMBER = auto()  # an integer
    MONEY = auto()  # reais with at most two decimals
    TIME = auto()  # YYYY-MM-DD HH:MM:SS, local and without an offset
    DAY = auto()  # the same, but a promise for a date: it holds to the end of that day


@dataclass(frozen=True, eq=False)
class Published:
    """One published CSV. `entity` is what its rows are in bronze, where its bad rows are kept."""

    name: str
    entity: Table
    key: tuple[str, ...]
    kinds: dict[str, Kind]
    required: bool = False

    @property
    def contract(self) -> Table:
        """The structure for the strict reader: every named column must be there, all are text."""
        columns = (Column(name, "string", "As published", required=True) for name in self.kinds)
        return Table(
            layer="olist",
            name=self.name,
            grain="One row a published row",
            columns=(*columns, c.EXTRA, *SOURCE),
            key=self.key,
            mode=WriteMode.APPEND,
            writer="Olist",
        )


ORDERS = Published(
    "olist_orders_dataset", bronze.ORDERS, ("order_id",),
    {
        "order_id": Kind.TEXT, "customer_id": Kind.TEXT, "order_status": Kind.TEXT,
        "order_purchase_timestamp": Kind.TIME, "order_approved_at": Kind.TIME,
        "order_delivered_carrier_date": Kind.TIME, "order_delivered_customer_date": Kind.TIME,
        "order_estimated_delivery_date": Kind.DAY,
    },
    required=True,
)  # fmt: skip

ITEMS = Published(
    "olist_order_items_dataset", bronze.ORDER_ITEMS, ("order_id", "order_item_id"),
    {
        "order_id": Kind.TEXT, "order_item_id": Kind.NUMBER, "product_id": Kind.TEXT,
        "seller_id": Kind.TEXT, "shipping_limit_date": Kind.TIME, "price": Kind.MONEY,
        "freight_value": Kind.MONEY,
    },
    required=True,
)  # fmt: skip

CUSTOMERS = Published(
    "olist_customers_dataset", bronze.BUYERS, ("customer_id",),
    {"customer_id": Kind.TEXT, "customer_unique_id": Kind.TEXT, "customer_state": Kind.TEXT},
    required=True,
)  # fmt: skip

PAYMENTS = Published(
    "olist_order_payments_dataset", bronze.PAYMENTS, ("order_id", "payment_sequential"),
    {
        "order_id": Kind.TEXT, "payment_sequential": Kind.NUMBER, "payment_type": Kind.TEXT,
        "payment_installments": Kind.NUMBER, "payment_value": Kind.MONEY,
    },
)  # fmt: skip

REVIEWS = Published(
    "olist_order_reviews_dataset", bronze.REVIEWS, ("review_id", "order_id"),
    {
        "review_id": Kind.TEXT, "order_id": Kind.TEXT, "review_score": Kind.NUMBER,
        "review_comment_message": Kind.TEXT, "review_answer_timestamp": Kind.TIME,
    },
)  # fmt: skip

SELLERS = Published(
    "olist_sellers_dataset", bronze.SELLERS, ("seller_id",),
    {"seller_id": Kind.TEXT, "seller_state": Kind.TEXT},
)  # fmt: skip

PRODUCTS = Published(
    "olist_products_dataset", bronze.LISTINGS, ("product_id",),
    {
        "product_id": Kind.TEXT, "product_category_name": Kind.TEXT,
        "product_photos_qty": Kind.NUMBER,
    },
)  # fmt: skip

TRANSLATIONS = Published(
    "product_category_name_translation", bronze.LISTINGS, ("product_category_name",),
    {"product_category_name": Kind.TEXT, "product_category_name_english": Kind.TEXT},
)  # fmt: skip

TABLES = (ORDERS, ITEMS, CUSTOMERS, PAYMENTS, REVIEWS, SELLERS, PRODUCTS, TRANSLATIONS)

NOT_READ = {
    "olist_geolocation_dataset": "no entity has a column for coordinates",
    "olist_closed_deals_dataset": "part of the marketing funnel, another data set",
    "olist_marketing_qualified_leads_dataset": "part of the marketing funnel, another data set",
}
"""Olist files that are known and left alone, and why."""
