"""Olist's published tables: tiny ones, written here in the published format."""

from __future__ import annotations

import gzip
import logging
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from conf.contract import Table
from conf.settings import Settings
from conf.tables import bronze, meta
from jobs.errors import ContractBroken, UsageError
from jobs.ingest import olist, olist_files, olist_values
from jobs.ingest.olist_tables import Kind, Published
from jobs.lake.io import Lake
from jobs.lake.records import open_lake, record_day

pytestmark = pytest.mark.spark

ORDERS = """\
"order_id","customer_id","order_status","order_purchase_timestamp","order_approved_at",\
"order_delivered_carrier_date","order_delivered_customer_date","order_estimated_delivery_date"
"o1","c1",delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,\
2017-10-10 21:25:13,2017-10-18 00:00:00
"o2","c2",canceled,2017-10-15 00:30:00,,2017-10-14 08:00:00,,2017-10-30 00:00:00
"o3","c3",unavailable,2018-02-17 23:30:00,2018-02-18 09:00:00,,,2018-03-01 00:00:00
"o4","c4",delivered,2018-01-01 08:00:00,2018-01-01 09:00:00,2018-01-02 10:00:00,,\
2018-01-20 00:00:00
"o5","c5",shipped,2018-01-03 08:00:00,2018-01-03 08:00:01,,,2018-01-20 00:00:00
"o6","c6",created,2018-01-04 08:00:00,,,,2018-01-20 00:00:00
"""

ITEMS = """\
"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"
"o1",1,"p1","s1",2017-10-06 11:07:15,58.90,13.29
"o1",2,"p1","s2",2017-10-06 11:07:15,60.00,0.01
"o2",1,"p1","s1",2017-10-20 11:07:15,59.00,8.00
"o3",1,"p2","s1",2018-02-20 11:07:15,19.90,8.00
"o4",1,"p3","s3",2018-01-05 11:07:15,10.00,1.00
"o5",1,"p1","s1",2018-01-05 11:07:15,12.345,1.00
"o5",2,"p1","s1",2018-01-05 11:07:15,12.34,-1.00
"o5",3,"p1","s1",2018-01-05 11:07:15,12.34,1.00
"o1",1,"p1","s1",2017-10-06 11:07:15,58.90,13.29
"o9",1,"p1","s1",2018-01-05 11:07:15,12.34,1.00
"o4",2,"p3"
"""

CUSTOMERS = """\
"customer_id","customer_unique_id","customer_zip_code_prefix","customer_city","customer_state"
"c1","u1","14409",franca,SP
"c2","u2","09790",sao bernardo do campo,SP
"c3","u1","20000",rio de janeiro,RJ
"c4","u4","01151",sao paulo,SP
"c5","u5","01151",sao paulo,SP
"c6","u6","01151",sao paulo,SP
"c7","u7","01151",sao paulo,SP
"""

PAYMENTS = """\
"order_id","payment_sequential","payment_type","payment_installments","payment_value"
"o1",2,voucher,1,32.20
"o1",1,credit_card,8,100.00
"o2",1,boleto,1,67.00
"o3",1,not_defined,1,0.00
"o4",2,debit_card,1,11.00
"o5",1,pix,1,11.00
"o6",1,voucher,1,1e3
"""

REVIEWS = """\
review_id,order_id,review_score,review_comment_title,review_comment_message,\
review_creation_date,review_answer_timestamp
r1,o1,4,recomendo,"Chegou antes.
Muito ""bom"", obrigado",2017-10-11 00:00:00,2017-10-12 03:43:48
r2,o2,1,,,2017-10-16 00:00:00,2017-10-16 10:00:00
r2,o4,5,,ok,2018-01-10 00:00:00,2018-01-10 10:00:00
"""

PRODUCTS = """\
"product_id","product_category_name","product_name_lenght","product_description_lenght",\
"product_photos_qty","product_weight_g","product_length_cm","product_height_cm","product_width_cm"
"p1",perfumaria,40,287,1,225,16,10,14
"p2",pc_gamer,40,287,3,225,16,10,14
"p3",,,,,225,16,10,14
"""

TRANSLATION = "\ufeffproduct_category_name,product_category_name_english\nperfumaria,perfumery\n"

FILES = {
    "olist_orders_dataset.csv": ORDERS,
    "olist_order_items_dataset.csv.gz": ITEMS,
    "olist_customers_dataset.csv": CUSTOMERS,
    "olist_order_payments_dataset.csv": PAYMENTS,
    "olist_products_dataset.csv.gz": PRODUCTS,
    "product_category_name_translation.csv": TRANSLATION,
}
"""No sellers, and the reviews under a name of their own."""


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        content = text.encode()
        (folder / name).write_bytes(
            gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        )
    return folder


class Taken:
    """A lake that took the delivery after a crash just before its files were recorded."""

    def __init__(self, lake: Lake, settings: Settings, folder: Path) -> None:
        self.lake, self.settings, self.folder = lake, settings, folder
        self.crashed: dict[str, int] = {}

    def take(self) -> None:
        reviews = str(self.folder / "sample.csv")
        olist.run(self.lake, self.settings, None, input=str(self.folder), reviews=reviews)

    def rows(self, table: Table) -> DataFrame:
        return self.lake.read(table)

    def row(self, table: Table, event_id: str) -> Row:
        (row,) = self.rows(table).where(F.col("event_id") == event_id).collect()
        return row

    def versions(self) -> dict[str, int]:
        return {table.path: self.lake.version(table) for table in (*olist.WRITES, *meta.TABLES)}


@pytest.fixture(scope="module")
def taken(
    spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Taken:
    root = tmp_path_factory.mktemp("olist")
    here = replace(settings, lake_root=str(root / "lake"))
    folder = write(root / "input", FILES | {"sample.csv": REVIEWS})
    lake = open_lake(spark, here, zone=olist.TIME_ZONE, create=True)
    taken = Taken(lake, here, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(olist, "record_quality", _crash)
        with pytest.raises(RuntimeError):
            taken.take()
    taken.crashed = taken.versions()
    taken.take()
    return taken


def _crash(*_: object) -> None:
    raise RuntimeError("crash")


def utc(*parts: int) -> datetime:
    return datetime(*parts)  # naive, as Spark collects in a process that runs in UTC


def test_taking_again_after_a_crash_appends_nothing_twice(taken: Taken) -> None:
    versions = taken.versions()
    assert versions | {"meta/data_quality": 0, "meta/landing_files": 0} == taken.crashed | {
        "meta/data_quality": 0, "meta/landing_files": 0
    }  # fmt: skip


def test_rows_by_entity(taken: Taken) -> None:
    counts = {table.name: taken.rows(table).count() for table in olist.ENTITIES}
    assert counts == {
        "sellers": 3, "buyers": 5, "listings": 4, "orders": 6, "order_items": 6,
        "order_events": 6, "payments": 5, "shipments": 7, "reviews": 3,
    }  # fmt: skip


def test_an_order(taken: Taken) -> None:
    order = taken.row(bronze.ORDERS, "olist:order:o1")
    assert order.occurred_at == order.known_at == utc(2017, 10, 2, 13, 56, 33)
    assert order.ds == date(2017, 10, 2)
    assert (order.buyer_id, order.currency, order.shipping_region) == ("u1", "BRL", "SP")
    assert (order.total_minor, order.shipping_minor) == (13220, 1330)
    assert (order.tax_minor, order.discount_minor, order.payment_method) == (None, None, "card")
    assert order.extra == {"customer_id": "c1", "order_estimated_delivery_date": "2017-10-18"}
    assert (order.source_file, order.source_line) == ("olist_orders_dataset.csv", 2)


def test_an_order_with_a_line_that_is_bad_or_with_none_has_no_total(taken: Taken) -> None:
    assert taken.row(bronze.ORDERS, "olist:order:o5").total_minor is None
    assert taken.row(bronze.ORDERS, "olist:order:o6").total_minor is None


def test_payment_methods(taken: Taken) -> None:
    methods = {row.order_id: row.payment_method for row in taken.rows(bronze.ORDERS).collect()}
    assert methods == {
        "o1": "card", "o2": "cash_slip", "o3": None, "o4": None, "o5": None, "o6": None
    }  # fmt: skip
    undefined = taken.row(bronze.PAYMENTS, "olist:payment:o3:1")
    assert (undefined.method, undefined.amount_minor, undefined.status) == (None, 0, None)
    assert undefined.extra == {"payment_type": "not_defined"}


def test_a_line(taken: Taken) -> None:
    line = taken.row(bronze.ORDER_ITEMS, "olist:order_item:o1:2")
    assert (line.listing_id, line.seller_id, line.category) == ("p1@s2", "s2", "perfumery")
    assert (line.quantity, line.unit_price_minor, line.line_total_minor) == (1, 6000, 6000)
    assert (line.shipping_minor, line.tax_minor, line.fulfillment) == (1, None, None)
    assert line.ship_by == utc(2017, 10, 6, 14, 7, 15)
    # Promised for the 18th, in daylight saving time: to the last microsecond of that day.
    assert line.deliver_by == utc(2017, 10, 19, 1, 59, 59, 999999)


def test_a_category_without_a_translation_stays_portuguese(taken: Taken) -> None:
    assert taken.row(bronze.ORDER_ITEMS, "olist:order_item:o3:1").category == "pc_gamer"
    assert taken.row(bronze.ORDER_ITEMS, "olist:order_item:o4:1").category is None


def test_a_final_status_without_a_time_has_the_last_of_its_order(taken: Taken) -> None:
    """Two of purchase, approval, carrier, customer; never the estimate."""
    cancelled = taken.row(bronze.ORDER_EVENTS, "olist:order_event:o2:cancelled")
    assert (cancelled.reason, cancelled.actor) == ("canceled", None)
    assert cancelled.known_at == utc(2017, 10, 15, 3, 30)
    unavailable = taken.row(bronze.ORDER_EVENTS, "olist:order_event:o3:cancelled")
    assert unavailable.reason == "unavailable"
    assert unavailable.known_at == utc(2018, 2, 18, 12, 0)
    delivered = taken.row(bronze.SHIPMENTS, "olist:shipment:o4@s3:delivered")
    assert delivered.known_at == utc(2018, 1, 2, 12, 0)


def test_local_times_that_do_not_exist_or_come_twice(taken: Taken) -> None:
    """On 2017-10-15 clocks went from 00:00 to 01:00; on 2018-02-18 at 00:00 back to 23:00."""
    gap = taken.row(bronze.ORDERS, "olist:order:o2")
    assert (gap.occurred_at, gap.ds) == (utc(2017, 10, 15, 3, 30), date(2017, 10, 15))
    twice = taken.row(bronze.ORDERS, "olist:order:o3")
    assert (twice.occurred_at, twice.ds) == (utc(2018, 2, 18, 1, 30), date(2018, 2, 17))


def test_a_parcel_for_each_seller(taken: Taken) -> None:
    parcels = taken.rows(bronze.SHIPMENTS).where("order_id = 'o1'")
    found = {(r.shipment_id, r.event, tuple(r.line_nos), r.known_at) for r in parcels.collect()}
    shipped, delivered = utc(2017, 10, 4, 22, 55), utc(2017, 10, 11, 0, 25, 13)
    assert found == {
        ("o1@s1", "shipped", (1,), shipped), ("o1@s1", "delivered", (1,), delivered),
        ("o1@s2", "shipped", (2,), shipped), ("o1@s2", "delivered", (2,), delivered),
    }  # fmt: skip


def test_reviews(taken: Taken) -> None:
    first = taken.row(bronze.REVIEWS, "olist:review:r1:o1")
    assert first.text == 'Chegou antes.\nMuito "bom", obrigado'
    assert (first.source_line, first.known_at) == (2, utc(2017, 10, 12, 6, 43, 48))
    assert (first.buyer_id, first.seller_id, first.listing_id) == ("u1", None, None)
    assert first.extra["review_comment_title"] == "recomendo"
    second = taken.row(bronze.REVIEWS, "olist:review:r2:o2")
    assert (second.source_line, second.seller_id, second.listing_id) == (4, "s1", "p1@s1")
    assert taken.row(bronze.REVIEWS, "olist:review:r2:o4").review_id == "r2:o4"


def test_parties_are_known_from_their_first_order(taken: Taken) -> None:
    buyer = taken.row(bronze.BUYERS, "olist:buyer:u1")
    assert (buyer.known_at, buyer.region) == (utc(2017, 10, 2, 13, 56, 33), "SP")
    assert (buyer.registered_at, buyer.country) == (None, "BR")
    assert buyer.extra == {"customer_zip_code_prefix": "14409", "customer_city": "franca"}
    seller = taken.row(bronze.SELLERS, "olist:seller:s3")
    assert (seller.currency, seller.marketplace, seller.region) == ("BRL", "BR", None)
    assert (seller.name, seller.status, seller.registered_at) == (None, None, None)
    assert (seller.source_file, seller.source_line) == ("olist_order_items_dataset.csv.gz", 6)
    listing = taken.row(bronze.LISTINGS, "olist:listing:p1@s1")
    assert (listing.price_minor, listing.image_count, listing.category) == (5890, 1, "perfumery")
    assert (listing.title, listing.status) == (None, None)
    assert listing.source_file == "olist_products_dataset.csv.gz"


def test_bad_rows_are_kept_with_their_reasons(taken: Taken) -> None:
    found = {
        (table.name, row.source_line): (row.reasons, row.raw)
        for table in olist.ENTITIES
        for row in taken.rows(bronze.rejected(table)).collect()
    }
    reasons = {place: why for place, (why, _) in found.items()}
    assert reasons == {
        ("order_items", 7): ["fraction"],
        ("order_items", 8): ["sign"],
        ("order_items", 11): ["missing_value"],
        ("order_items", 12): ["short_row"],
        ("payments", 7): ["unknown_code"],
        ("payments", 8): ["exponent"],
        ("buyers", 8): ["missing_value"],
    }
    assert found["order_items", 7][1] == "o5,1,p1,s1,2018-01-05 11:07:15,12.345,1.00"
    assert found["order_items", 12][1] == '"o4",2,"p3"'


def test_files_are_counted_in_their_own_rows(taken: Taken) -> None:
    files = {
        row.path.split(".")[0]: (row.records, row.good, row.rejected, row.duplicate)
        for row in taken.rows(meta.LANDING_FILES).collect()
    }
    assert files == {
        "olist_orders_dataset": (6, 6, 0, 0),
        "olist_order_items_dataset": (11, 6, 4, 1),
        "olist_customers_dataset": (7, 5, 1, 1),
        "olist_order_payments_dataset": (7, 5, 2, 0),
        "olist_products_dataset": (3, 3, 0, 0),
        "product_category_name_translation": (1, 1, 0, 0),
        "sample": (3, 3, 0, 0),
    }


def test_disorder_is_counted(taken: Taken) -> None:
    rows = {row.check: row.rows for row in taken.rows(meta.DATA_QUALITY).collect()}
    assert rows == {
        "shipped_before_purchase": 1,
        "delivered_without_a_time_of_delivery": 1,
        "without_lines": 1,
    }


def test_the_same_again_is_a_no_op_also_once_days_are_closed(
    taken: Taken, caplog: pytest.LogCaptureFixture
) -> None:
    before = taken.versions()
    with caplog.at_level(logging.INFO):
        taken.take()
    assert taken.versions() == before
    assert "all 7 files were taken before" in caplog.text
    assert "olist_sellers_dataset.csv is absent" in caplog.text


def test_other_files_are_refused(taken: Taken, tmp_path: Path) -> None:
    other = write(tmp_path / "other", FILES | {"olist_orders_dataset.csv": ORDERS + "\n"})
    with pytest.raises(ContractBroken, match="taken together, once"):
        olist.run(taken.lake, taken.settings, None, input=str(other), reviews=None)
    late = write(tmp_path / "late", FILES | {"olist_order_reviews_dataset.csv": REVIEWS + "\n"})
    record_day(taken.lake, date(2018, 3, 1), "closed", "test")
    with pytest.raises(ContractBroken, match="2018-03-01 and every earlier day are closed"):
        olist.run(taken.lake, taken.settings, None, input=str(late), reviews=None)


def test_usage(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        olist_files.find(spark, str(tmp_path / "nowhere"), None)
    some = {name: text for name, text in FILES.items() if "items" not in name}
    folder = write(tmp_path / "input", some)
    with pytest.raises(UsageError, match="has no olist_order_items_dataset"):
        olist_files.find(spark, str(folder), None)
    write(folder, FILES | {"olist_orders_dataset.csv.gz": ORDERS})
    with pytest.raises(UsageError, match="plain and packed"):
        olist_files.find(spark, str(folder), None)
    (folder / "olist_orders_dataset.csv.gz").unlink()
    with pytest.raises(UsageError, match="--reviews: there is no file"):
        olist_files.find(spark, str(folder), str(folder / "nowhere.csv"))


def test_texts_are_read_exactly_or_refused(spark: SparkSession) -> None:
    money: dict[str, tuple[object, list[str]]] = {
        "58.90": (5890, []),
        "58.9": (5890, []),
        "7": (700, []),
        "9999999999999999.99": (999999999999999999, []),
        "12.345": (None, ["fraction"]),
        "12.": (None, ["fraction"]),
        "-1.00": (None, ["sign"]),
        "+1.00": (None, ["sign"]),
        "1e3": (None, ["exponent"]),
        "1,00": (None, ["not_a_number"]),
        "NaN": (None, ["not_a_number"]),
        "10000000000000000.00": (None, ["overflow"]),
    }
    assert read(spark, Kind.MONEY, list(money)) == list(money.values())
    times: dict[str, tuple[object, list[str]]] = {
        "2017-10-02 10:56:33": (utc(2017, 10, 2, 13, 56, 33), []),
        "2017-10-15 00:30:00": (utc(2017, 10, 15, 3, 30), []),
        "2018-02-17 23:30:00": (utc(2018, 2, 18, 1, 30), []),
        "2017-02-30 10:00:00": (None, ["bad_time"]),
        "2017-10-02": (None, ["bad_time"]),
        "2017-10-02T10:56:33Z": (None, ["bad_time"]),
        "10/2/2017 10:56": (None, ["bad_time"]),
    }
    assert read(spark, Kind.TIME, list(times)) == list(times.values())


def read(spark: SparkSession, kind: Kind, texts: list[str]) -> list[tuple[object, list[str]]]:
    """The values and the reasons that published texts of that kind give."""
    table = Published("x", bronze.ORDERS, ("x",), {"x": kind})
    ddl = "x string, extra map<string,string>, source_file string, source_line bigint, "
    ddl += "source_sha256 string, _reasons array<string>, _detail string, _raw string"
    rows = [(text, {}, "f", line, "s", [], "", "") for line, text in enumerate(texts)]
    typed = olist_values.typed(spark.createDataFrame(rows, ddl), table)
    return [(row["x"], row["_reasons"]) for row in typed.orderBy("source_line").collect()]
