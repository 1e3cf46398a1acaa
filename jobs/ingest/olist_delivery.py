"""The published tables side by side, typed, and what most entities are derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest import olist_files
from jobs.ingest import olist_tables as published
from jobs.ingest.olist_files import GivenFile
from jobs.ingest.olist_tables import SOURCE, Published
from jobs.ingest.olist_values import bad, firsts, typed
from jobs.lake.io import Lake

TIMES = (
    "order_purchase_timestamp", "order_approved_at", "order_delivered_carrier_date",
    "order_delivered_customer_date",
)  # fmt: skip
"""When something happened to an order; estimates and limits are promises."""


@dataclass(frozen=True)
class Delivery:
    """All rows of the published tables, good and bad; an absent table has none.

    `placed` has a row for each order that can be read, with its buyer and `last_at`, the last of
    its times; `lines` one for each line of these, `whole` unless a line of the order is bad.
    """

    orders: DataFrame
    items: DataFrame
    customers: DataFrame
    payments: DataFrame
    reviews: DataFrame
    sellers: DataFrame
    products: DataFrame
    translations: DataFrame
    placed: DataFrame
    lines: DataFrame

    @property
    def tables(self) -> dict[Published, DataFrame]:
        return {
            published.ORDERS: self.orders,
            published.ITEMS: self.items,
            published.CUSTOMERS: self.customers,
            published.PAYMENTS: self.payments,
            published.REVIEWS: self.reviews,
            published.SELLERS: self.sellers,
            published.PRODUCTS: self.products,
            published.TRANSLATIONS: self.translations,
        }

    def categories(self) -> DataFrame:
        """product_id and its category, in English where that is known."""
        english = firsts(self.translations, published.TRANSLATIONS).select(
            "product_category_name", "product_category_name_english"
        )
        category = F.coalesce("product_category_name_english", "product_category_name")
        products = firsts(self.products, published.PRODUCTS)
        return products.join(F.broadcast(english), "product_category_name", "left").select(
            "product_id", category.alias("category")
        )


def opened(lake: Lake, given: Sequence[GivenFile]) -> Delivery:
    """The delivery of these files, each read once."""
    files = {file.table: file for file in given}
    texts = {
        table: olist_files.read(lake.spark, table, files.get(table)) for table in published.TABLES
    }
    rows = lake.settle_all({table.name: typed(texts[table], table) for table in published.TABLES})
    orders, items, customers = (
        rows[table.name] for table in (published.ORDERS, published.ITEMS, published.CUSTOMERS)
    )
    placed = lake.settle(_placed(orders, customers))
    return Delivery(
        orders=orders,
        items=items,
        customers=customers,
        payments=rows[published.PAYMENTS.name],
        reviews=rows[published.REVIEWS.name],
        sellers=rows[published.SELLERS.name],
        products=rows[published.PRODUCTS.name],
        translations=rows[published.TRANSLATIONS.name],
        placed=placed,
        lines=lake.settle(_lines(items, placed)),
    )


def listing_id() -> Column:
    """A listing is a seller's offer of a product: several sellers sell the same product."""
    return F.concat("product_id", F.lit("@"), "seller_id")


def _placed(orders: DataFrame, customers: DataFrame) -> DataFrame:
    buyers = firsts(customers, published.CUSTOMERS).select(
        "customer_id", "customer_unique_id", "customer_state"
    )
    readable = firsts(orders, published.ORDERS).dropna(subset=["order_purchase_timestamp"])
    return readable.join(buyers, "customer_id", "left").select(
        "order_id", "customer_id", "order_status", *TIMES, "order_estimated_delivery_date",
        "customer_unique_id", "customer_state", F.greatest(*TIMES).alias("last_at"),
        *(column.name for column in SOURCE),
    )  # fmt: skip


def _lines(items: DataFrame, placed: DataFrame) -> DataFrame:
    orders = placed.select("order_id", F.col("order_purchase_timestamp").alias("placed_at"))
    unread = bad(items).select("order_id", F.lit(True).alias("unread")).distinct()
    readable = firsts(items, published.ITEMS).join(orders, "order_id")
    return readable.join(F.broadcast(unread), "order_id", "left").select(
        "order_id", F.col("order_item_id").alias("line_no"), "product_id", "seller_id",
        listing_id().alias("listing_id"), "price", "freight_value", "placed_at",
        F.col("unread").isNull().alias("whole"), *(column.name for column in SOURCE),
    )  # fmt: skip
