"""The report of a range against figures computed by hand, one date and metric at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.metrics import BY_NAME, METRICS, Against, Metric, Month, Source, Trailing
from conf.settings import AlertsPolicy, load_alerts_policy
from conf.tables import bronze
from features import figures, report
from features.figures import Ledgers
from jobs.lake.ddl import struct_of
from tests.features import report_by_hand as by_hand
from tests.features.report_by_hand import DAY, Rate, Row

BEGIN, LAST = date(2018, 1, 10), date(2018, 5, 31)
FIRST = LAST - DAY * 2
TARGET = "USD"
OUTCOMES = [
    "total_minor", "orders_cancelled", "orders_delivered", "delivery_us", "orders_promised",
    "orders_late", "orders_refunded", "first_orders",
]  # fmt: skip
ZEROS = dict.fromkeys(OUTCOMES, 0)


def ledger_rows() -> tuple[list[Row], list[Row]]:
    """Orders (as buyer and region rows) and sales, many learned late and some taken back."""
    chance = random.Random(20180531)
    orders, sales = [], []
    for number in range(900):
        on = BEGIN + DAY * chance.randrange((LAST - BEGIN).days + 1)
        keys = {"currency": chance.choice(["USD", "USD", "EUR", "JPY"]), "occurred_ds": on,
                "known_ds": on + DAY * chance.choice([0, 0, 0, 1, 9])}  # fmt: skip
        total = chance.randrange(100, 90_000)
        buyer = {**keys, "buyer_id": f"b{chance.randrange(60)}", "region": chance.choice("ABC")}
        sale = {**keys, "seller_id": f"s{chance.randrange(25)}", "category": chance.choice("xyz")}
        order = {
            **buyer,
            **ZEROS,
            "orders": 1,
            "total_minor": total,
            "first_orders": number % 3 // 2,
        }
        line = {**sale, "lines_placed": 1, "gmv_minor": total - 99, "orders_placed": 1,
                "reviews": 0, "review_stars": 0}  # fmt: skip
        orders.append(order)
        sales.append(line)
        later = keys["known_ds"] + DAY * chance.randrange(1, 20)
        outcome = {"known_ds": later, "total_minor": 0, "orders": 0, "first_orders": 0}
        late = chance.randrange(2)
        orders.append({**order, **outcome, **chance.choice([
            {"orders_delivered": 1, "delivery_us": chance.randrange(10**12), "orders_promised": 1,
             "orders_late": late},
            {"orders_cancelled": 1}, {"orders_refunded": 1},
        ])})  # fmt: skip
        sales.append({**sale, "currency": "XXX", "occurred_ds": later, "known_ds": later,
                      "lines_placed": 0, "gmv_minor": 0, "orders_placed": 0, "reviews": 1,
                      "review_stars": chance.randrange(1, 6)})  # fmt: skip
        if chance.random() < 0.15:  # it never was
            back = {"known_ds": later + DAY}
            orders.append({**order, **back, "orders": -1, "total_minor": -total,
                           "first_orders": -order["first_orders"]})  # fmt: skip
            sales.append({**line, **back, "lines_placed": -1, "gmv_minor": 99 - total,
                          "orders_placed": -1})  # fmt: skip
    return orders, sales


def rates() -> list[Rate]:
    """Weekly rates, EUR direct and JPY inverse; one corrected later, none for JPY in February."""
    found = []
    for week in range(30):
        on = BEGIN - DAY * 40 + DAY * 7 * week
        found.append(Rate(on, "EUR", TARGET, Decimal("1.12345678") + week, on))
        if on.month != 2 and on > BEGIN:
            found.append(Rate(on, TARGET, "JPY", Decimal("109.37") + week, on))
    wrong = found[-5]
    fixed = replace(wrong, rate=wrong.rate * 2, known=LAST - DAY)
    return [*(r for r in found if r is not wrong), replace(wrong, until=LAST - DAY), fixed]


ORDERS, SALES = ledger_rows()
RATES = rates()


def frame(spark: SparkSession, rows: list[Row], keys: str, measures: str) -> DataFrame:
    types = dict.fromkeys(["occurred_ds", "known_ds"], "date")
    columns = [*keys.split(), "occurred_ds", "known_ds", *measures.split()]
    schema = ", ".join(
        f"{c} {types.get(c, 'string' if c in keys.split() else 'bigint')}" for c in columns
    )
    return spark.createDataFrame([tuple(row[c] for c in columns) for row in rows], schema)


def rate_rows(spark: SparkSession) -> DataFrame:
    """The rates as bronze rows."""

    def row(rate: Rate, number: int) -> tuple[Any, ...]:
        at = datetime.combine(rate.known, datetime.min.time())
        values = {"event_id": str(number), "occurred_at": at, "known_at": at, "retracted": False,
                  "date": rate.on, "base": rate.base, "quote": rate.quote, "rate": rate.rate,
                  "ds": rate.known, "source_file": "f", "source_line": number,
                  "source_sha256": "s", "content_hash": number}  # fmt: skip
        return tuple(values.get(name) for name in bronze.FX_RATES.column_names)

    rows = [row(rate, number) for number, rate in enumerate(RATES)]
    return spark.createDataFrame(rows, struct_of(bronze.FX_RATES))


@pytest.fixture(scope="module")
def policy() -> AlertsPolicy:
    return load_alerts_policy()


@pytest.fixture(scope="module")
def ledgers(spark: SparkSession) -> Iterator[Ledgers]:
    measures = " ".join(["orders", *ZEROS])
    sales_measures = "lines_placed gmv_minor orders_placed reviews review_stars"
    orders = frame(spark, ORDERS, "buyer_id currency", measures)
    sales = frame(spark, SALES, "seller_id currency", sales_measures)
    lines = frame(
        spark, [r for r in SALES if r["currency"] != "XXX"], "category currency", "gmv_minor"
    )
    regions = frame(spark, ORDERS, "region currency", "total_minor")
    renamed = F.col("region").alias("member")
    yield Ledgers(
        orders=figures.summed(orders, Source.ORDERS).cache(),
        buyers=orders,
        sales=figures.summed(sales, Source.SALES).cache(),
        sellers=sales,
        categories=figures.summed(lines.withColumnRenamed("category", "member"), Source.CATEGORIES),
        regions=figures.summed(regions.select("*", renamed), Source.REGIONS).cache(),
        rates=rate_rows(spark),
    )
    spark.catalog.clearCache()


Key = tuple[date, str, str, str, str]


def collected(rows: DataFrame) -> dict[Key, dict[str, Any]]:
    found = [row.asDict() for row in rows.collect()]
    return {tuple(r[k] for k in ("ds", *figures.KEYS)): r for r in found}  # type: ignore[misc]


@pytest.fixture(scope="module")
def reported(ledgers: Ledgers, policy: AlertsPolicy) -> dict[Key, dict[str, Any]]:
    return collected(report.daily(ledgers, policy, TARGET, FIRST, LAST))


def parts_by_hand(metric: Metric, currency: str, ds: date, age: int) -> tuple[int | None, int]:
    """Numerator and denominator of a figure of the whole marketplace."""
    days = by_hand.days_of(metric.window, ds)
    if metric.presence:
        return presence_by_hand(metric, ds)
    if metric.source is Source.CONVERTED:
        return by_hand.in_target(SALES, RATES, TARGET, days, ds, age), 0
    rows = ORDERS if metric.source in (Source.ORDERS, Source.REGIONS) else SALES
    mine = [row for row in rows if not metric.per_currency or row["currency"] == currency]
    numerator = by_hand.total(mine, metric.numerator, days, ds)
    below = by_hand.total(mine, metric.denominator, days, ds) if metric.denominator else 0
    return numerator, below


def presence_by_hand(metric: Metric, ds: date) -> tuple[int, int]:
    rows, member = (ORDERS, "buyer_id") if metric.source is Source.ORDERS else (SALES, "seller_id")

    def seen(newest: int, oldest: int) -> set[Any]:
        days = by_hand.days_of(Trailing(newest, oldest), ds)
        return by_hand.present(rows, member, metric.numerator, days, ds)

    if metric.name == "new_sellers":
        return len(seen(0, 400) - seen(1, 400)), 0
    if metric.name == "seller_churn":
        return len(seen(30, 59) - seen(0, 29)), len(seen(30, 59))
    return len(seen(0, 29)), 0


def currencies_of(metric: Metric) -> list[str]:
    if metric.per_currency:
        return ["USD", "EUR", "JPY"]
    return [TARGET if metric.source is Source.CONVERTED else "XXX"]


@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_figures_are_those_computed_by_hand(
    metric: Metric, reported: dict[Key, dict[str, Any]], policy: AlertsPolicy
) -> None:
    for ds in (FIRST, LAST):
        for currency in currencies_of(metric):
            numerator, below = parts_by_hand(metric, currency, ds, policy.max_rate_age_days)
            row = reported.get((ds, metric.name, "all", "all", currency))
            if row is None:  # left out where a currency has no business
                assert metric.per_currency
                assert (numerator, below) == (0, 0)
                continue
            assert row["numerator"] == numerator
            assert row["denominator"] == (below or None)
            assert row["value"] == by_hand.figure(metric, numerator, below, currency)


@pytest.mark.parametrize("name", ["orders", "completion_rate", "seller_churn", "gmv_reporting"])
def test_the_usual_is_the_median_of_the_same_weekdays_as_each_stood_then(
    name: str, reported: dict[Key, dict[str, Any]], policy: AlertsPolicy
) -> None:
    metric, (currency,) = BY_NAME[name], currencies_of(BY_NAME[name])
    values = []
    for week in range(1, 9):
        ds = LAST - DAY * 7 * week
        parts = parts_by_hand(metric, currency, ds, policy.max_rate_age_days)
        in_history = ds - DAY * metric.reach_days >= min(row["known_ds"] for row in SALES)
        values.append(by_hand.figure(metric, *parts, currency) if in_history else None)
    row = reported[LAST, name, "all", "all", currency]
    assert row["baseline"] == by_hand.usual(values)
    assert row["baseline_days"] == sum(value is not None for value in values)


def test_month_to_date_is_compared_with_the_same_days_of_last_month(
    reported: dict[Key, dict[str, Any]],
) -> None:
    # May has 31 days and April 30: the 31st is compared with all of April, as the 30th is.
    for ds in (LAST - DAY, LAST):
        month = reported[ds, "gmv_mtd", "all", "all", "EUR"]
        days = by_hand.days_of(Month.LAST, ds)
        assert len(days) == 30
        mine = [row for row in SALES if row["currency"] == "EUR"]
        before = by_hand.total(mine, "gmv_minor", days, ds)
        assert month["baseline"] == before / 100
        assert month["change"] == pytest.approx(month["value"] / month["baseline"] - 1)


def test_movers_are_members_against_the_week_before(reported: dict[Key, dict[str, Any]]) -> None:
    for member in "xyz":
        row = reported[LAST, "gmv_7d", "category", member, "USD"]
        mine = [r for r in SALES if r["category"] == member and r["currency"] == "USD"]
        now = by_hand.total(mine, "gmv_minor", by_hand.days_of(Trailing(0, 6), LAST), LAST)
        before = by_hand.total(mine, "gmv_minor", by_hand.days_of(Trailing(7, 13), LAST), LAST)
        assert (row["numerator"], row["baseline"]) == (now, before / 100)
    assert (LAST, "order_value_7d", "region", "A", "JPY") in reported


def test_a_date_reported_alone_equals_the_same_date_of_a_range(
    ledgers: Ledgers, policy: AlertsPolicy, reported: dict[Key, dict[str, Any]]
) -> None:
    begin = FIRST - timedelta(days=report.history_days(policy))
    in_time = F.col("known_ds").between(F.lit(begin), F.lit(FIRST)) & (
        F.col("occurred_ds") >= F.lit(begin)
    )
    # Only what report.daily reads for that day: nothing later, nothing too old.
    cut = Ledgers(
        **{
            name: getattr(ledgers, name).where(in_time)
            for name in ("orders", "buyers", "sales", "categories", "regions")
        },
        sellers=ledgers.sellers.where(F.col("known_ds") <= F.lit(FIRST)),
        rates=ledgers.rates.where(F.col("ds") <= F.lit(FIRST)),
    )
    alone = collected(report.daily(cut, policy, TARGET, FIRST, FIRST))
    assert alone == {key: row for key, row in reported.items() if key[0] == FIRST}


def test_young_figures_never_alert_and_say_so(reported: dict[Key, dict[str, Any]]) -> None:
    young = [row for row in reported.values() if not row["mature"]]
    assert {row["metric"] for row in young} == {m.name for m in METRICS if m.recent}
    assert all(row["alert"] is None and "Not mature" in row["note"] for row in young)


def test_without_any_history_there_are_rows_and_no_invented_comparisons(
    ledgers: Ledgers, policy: AlertsPolicy
) -> None:
    ds = BEGIN - DAY * 30
    rows = collected(report.daily(ledgers, policy, TARGET, ds, ds))
    assert {key[1] for key in rows} == {m.name for m in METRICS if not m.per_currency}
    assert rows[ds, "orders", "all", "all", "XXX"]["value"] == 0
    assert all(row["baseline"] is None and row["alert"] is None for row in rows.values())
    assert "No comparison" in rows[ds, "orders", "all", "all", "XXX"]["note"]


def test_every_metric_that_alerts_is_compared_with_its_weekdays() -> None:
    assert all(m.against is Against.WEEKDAYS for m in METRICS if m.alerts)
