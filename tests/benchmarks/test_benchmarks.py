"""The benchmarks' own arithmetic and the DuckDB side of Olist, without Spark."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import duckdb
import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import olist
from benchmarks.sides import Side, compared, copied, in_turns

FILES = {
    "olist_orders_dataset": """\
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
o1,c1,delivered,2017-10-02 10:00:00,2017-10-02 11:00:00,2017-10-04 19:00:00,\
2017-10-10 21:00:00,2017-10-18 00:00:00
o2,c2,canceled,2017-10-03 10:00:00,,,,2017-10-18 00:00:00
""",
    "olist_order_items_dataset": """\
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,1,p1,s1,2017-10-06 11:00:00,58.90,13.29
o1,2,p1,s1,2017-10-03 11:00:00,0.1,0.01
o2,1,p1,s1,2017-10-05 11:00:00,1.00,0.00
""",
    "olist_customers_dataset": """\
customer_id,customer_unique_id,customer_state
c1,u1,SP
c2,u1,SP
""",
}


def test_the_duckdb_script_counts_what_happened_on_its_day(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    options = argparse.Namespace(input=str(tmp_path), reviews=None)
    olist._duckdb(tmp_path / "o.duckdb", options)
    with duckdb.connect(str(tmp_path / "o.duckdb")) as connection:
        days = connection.execute(
            "select occurred_ds, sum(lines_placed)::int, sum(gmv_minor)::int, "
            "sum(lines_due)::int, sum(lines_due_on_time)::int, sum(lines_shipped)::int "
            "from silver.seller_days where currency = 'BRL' group by all order by all"
        ).fetchall()
    assert days == [
        (date(2017, 10, 2), 2, 5900, 0, 0, 0),
        (date(2017, 10, 3), 1, 100, 1, 0, 0),
        (date(2017, 10, 4), 0, 0, 0, 0, 2),
        (date(2017, 10, 6), 0, 0, 1, 1, 0),
        (date(2017, 10, 10), 0, 0, 0, 0, 0),
    ]


def test_a_table_shows_medians_and_their_ratio() -> None:
    ours, theirs = Side("ours"), Side("theirs")
    for seconds in (3.0, 1.0, 2.0):
        ours.add(seconds, {"step": seconds})
        theirs.add(4.0)
    told = compared("work", ours, theirs, aim=0.4)
    assert "| **total** |    2.00 |      4.00 |  0.50 |" in told
    assert "found 0.50x: not met" in told


def test_two_sides_change_places_and_others_follow() -> None:
    assert list(in_turns(3, "a", "b")) == ["a", "b", "b", "a", "a", "b"]
    assert list(in_turns(2, "a", "b", "c")) == ["a", "b", "c", "b", "a", "c"]


def test_a_copy_of_a_lake_leaves_the_lake_alone(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "_last_checkpoint").write_text("1")
    (tmp_path / "lake" / "rows.parquet").write_text("rows")
    copy = copied(tmp_path / "lake", tmp_path / "copy")
    (copy / "_last_checkpoint").write_text("2")
    (copy / "rows.parquet").unlink()
    assert (tmp_path / "lake" / "_last_checkpoint").read_text() == "1"
    assert (tmp_path / "lake" / "rows.parquet").read_text() == "rows"


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmarks.main(["--help"])
    assert "python -m benchmarks olist --input" in capsys.readouterr().out
