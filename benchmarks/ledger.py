"""A lake whose silver ledger is drawn, not refined: for as many sellers and days as are asked for.

A seller sells on some days, the more often the larger he is (a heavy tail). What that day added to
the ledger became known on it and, part by part, up to a month later: some 0.76 rows a seller and
day. Part by part a count stays within what it is a part of, so that every share is one. Every draw
is a keyed hash: a longer ledger has the rows of a shorter one.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.grown import checkpoint
from benchmarks.sides import copied, opened
from conf.contract import Table
from conf.currencies import NO_CURRENCY
from conf.seller_features import WINDOW_DAYS
from conf.settings import Settings
from conf.tables import silver
from jobs.lake import ddl
from jobs.lake.io import Lake
from jobs.simulate.draws import draw, luck
from jobs.window import DAY, Window

log = logging.getLogger(__name__)

TODAY = date(2026, 6, 30)
SEED = 7
LEAST_DAYS = max(WINDOW_DAYS)
"""Of history that the windows of a day need: with fewer they would not be full."""
LEDGER = (silver.SELLER_DAYS, silver.SELLER_CATEGORY_DAYS, silver.SELLER_STATE)
"""What is drawn: all that a snapshot reads."""

SMALLEST, TAIL = 0.1, 0.75
"""Orders a day of the smallest sellers, and how fast that grows with the rank: the largest of
150,000 has some 750, the mean is 0.4."""
TOUCHED = 0.01
"""Share of the days on which a seller's state is written anew."""
_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Part:
    """A ledger row of a day on which a seller sold: on which share of such days there is one, how
    many days later it becomes known (the same for a seller, so that no day has two), and what it
    counts: SQL over `n`, the orders of that day, and `r`, a draw in [0, 1)."""

    share: float
    lag: tuple[int, int]
    is_money: bool
    measures: Mapping[str, str]


PLACED = Part(1.0, (0, 0), True, {
    "lines_placed": "n + n div 2", "units_placed": "2 * n",
    "units_platform": "if(pmod(seller_luck, 3) = 0, 2 * n, 0)", "gmv_minor": "n * price",
    "orders_placed": "n", "orders_repeat": "n div 3", "ad_days": "if(r < 0.2D, 1, 0)",
    "ad_spend_minor": "if(r < 0.2D, 500 + 10 * n, 0)",
    "ad_attributed_gmv_minor": "if(r < 0.2D, price, 0)",
})  # fmt: skip
PARTS = (
    PLACED,
    Part(0.95, (1, 4), True, {
        "lines_due": "n", "lines_due_on_time": "n - late", "lines_cancelled_by_seller":
        "if(r < 0.05D, 1, 0)", "lines_shipped": "n", "lines_shipped_late": "late",
        "handling_us": f"n * cast({40 * _HOUR_US} * r as bigint)", "lines_delivered": "n",
        "units_delivered": "2 * n", "lines_delivered_promised": "n",
        "lines_delivered_on_time": "n - late",
    }),
    Part(0.2, (5, 30), True, {
        "orders_refunded": "if(r < 0.5D, 1, 0)", "orders_defective": "if(r < 0.3D, 1, 0)",
        "orders_claimed": "if(r < 0.2D, 1, 0)", "orders_charged_back": "if(r < 0.05D, 1, 0)",
        "orders_contacted": "if(r > 0.5D, 1, 0)",
    }),
    Part(0.3, (1, 20), False, {
        "shipments_shipped": "n", "shipments_tracked": "n - late",
        "units_returned": "if(r < 0.2D, 1, 0)", "refunds_of_returns": "if(r < 0.2D, 1, 0)",
        "refund_delay_us": f"if(r < 0.2D, cast({480 * _HOUR_US} * r as bigint), 0)",
        "reviews": "1", "reviews_negative": "if(r < 0.1D, 1, 0)",
        "review_stars": "if(r < 0.1D, 1, if(r < 0.4D, 4, 5))", "replies": "1",
        "reply_us": f"cast({24 * _HOUR_US} * r as bigint)",
        "disputes_closed": "if(r < 0.1D, 1, 0)", "disputes_lost": "if(r < 0.06D, 1, 0)",
        "policy_warnings": "if(r > 0.98D, 1, 0)", "listing_takedowns": "if(r > 0.99D, 1, 0)",
        "tickets_opened": "if(r > 0.95D, 1, 0)",
    }),
    Part(1.0, (0, 0), False, {
        "listing_days_active": "3", "listing_days_out_of_stock": "if(r < 0.1D, 1, 0)",
        "buy_box_views": "20 * n", "buy_box_featured_views": "8 * n", "logins": "1",
    }),
)  # fmt: skip

_CURRENCY = "array('USD', 'EUR', 'GBP', 'JPY')[cast(pmod(seller_luck, 4) as int)]"
_CATEGORY = "array('books', 'fashion', 'garden', 'home', 'sports', 'tools', 'toys')"
STATE: Mapping[str, str] = {
    "seller_id": "seller_id", "known_ds": "known_ds",
    "marketplace": "array('US', 'DE', 'GB', 'JP')[cast(pmod(seller_luck, 4) as int)]",
    "business_type": "if(pmod(seller_luck, 5) = 0, 'private_company', 'individual')",
    "registered_at":
        "timestamp'2024-01-01' - make_dt_interval(cast(pmod(seller_luck, 900) as int))",
    "status": "'active'", "currency": _CURRENCY, "region": "null",
    "messaging_enabled": "pmod(seller_luck, 11) > 0",
    "active_listings": "1 + pmod(seller_luck, 6)", "suspensions": "0", "last_enforcement": "null",
    "suspended_until": "null",
    "verified_at": "timestamp'2024-06-01' + make_dt_interval(cast(pmod(seller_luck, 300) as int))",
}  # fmt: skip
"""A seller's state, the same whenever it is written: what a day reads of it is a matter of rows."""


def lake_of(
    spark: SparkSession, settings: Settings, work: Path, sellers: int, days: int, *,
    fresh: bool = False, shorter: int | None = None,
) -> Lake:  # fmt: skip
    """The lake of that size, whose last day is TODAY: of an earlier run, or made now.

    `shorter`: the days of one that is there already, to whose rows the earlier days are added.
    """
    if days < LEAST_DAYS:
        raise SystemExit(f"{days} days do not fill the windows: at least {LEAST_DAYS}")
    root = folder(work, sellers, days)
    made = root / "made"
    if fresh or not made.exists():
        shutil.rmtree(root, ignore_errors=True)
        until = TODAY
        if shorter:
            copied(folder(work, sellers, shorter) / "lake", root / "lake")
            until = TODAY - timedelta(days=shorter)
        lake = opened(spark, settings, root / "lake")
        _fill(lake, sellers, Window(TODAY - timedelta(days=days - 1), until))
        made.touch()
    return opened(spark, settings, root / "lake")


def folder(work: Path, sellers: int, days: int) -> Path:
    return (work / f"ledger-{sellers}-{days}").resolve()


def _fill(lake: Lake, sellers: int, days: Window) -> None:
    """Adds the days; straight into Delta, for a lake checks keys with a shuffle of all rows."""
    drawn = {
        silver.SELLER_DAYS: counts, silver.SELLER_CATEGORY_DAYS: sales,
        silver.SELLER_STATE: states,
    }  # fmt: skip
    for table in LEDGER:
        log.info("%s: drawing %d days of %d sellers", table.path, len(days), sellers)
        ddl.open_table(lake.spark, table, lake.path(table))
        rows = drawn[table](lake.spark, sellers, days)
        rows.write.format("delta").mode("append").save(lake.path(table))
        checkpoint(lake, table)


def counts(spark: SparkSession, sellers: int, days: Window) -> DataFrame:
    """Rows of silver.seller_days that became known on these days."""
    sql = {name: f"if(part = {number}, {text}, 0)" for number, part in enumerate(PARTS)
           for name, text in part.measures.items()}  # fmt: skip
    money = ", ".join(str(number) for number, part in enumerate(PARTS) if part.is_money)
    sql["currency"] = f"if(part in ({money}), {_CURRENCY}, '{NO_CURRENCY}')"
    return _as_declared(silver.SELLER_DAYS, _sold(spark, sellers, days, PARTS), sql)


def sales(spark: SparkSession, sellers: int, days: Window) -> DataFrame:
    """Rows of silver.seller_category_days that became known on these days: one of two categories
    of the seller."""
    category = f"{_CATEGORY}[cast(pmod(seller_luck + if(r < 0.7D, 0, 1), 7) as int)]"
    sql = {**PLACED.measures, "currency": _CURRENCY, "category": category}
    return _as_declared(silver.SELLER_CATEGORY_DAYS, _sold(spark, sellers, days, [PLACED]), sql)


def states(spark: SparkSession, sellers: int, days: Window) -> DataFrame:
    """Rows of silver.seller_state: of every seller on the first of these days, then at times."""
    touched = draw("touched", "seller_luck", "known_ds") < TOUCHED
    rows = _known(spark, sellers, days, 1).where((F.col("known_ds") == F.lit(days.first)) | touched)
    return _as_declared(silver.SELLER_STATE, rows, STATE)


def _as_declared(table: Table, rows: DataFrame, sql: Mapping[str, str]) -> DataFrame:
    """The table's columns: by the SQL, else as they stand in the rows, else nothing counted."""

    def text(name: str) -> str:
        return sql.get(name, name if name in rows.columns else "0")

    return rows.select(*(F.expr(text(c.name)).cast(c.type).alias(c.name) for c in table.columns))


def _sold(spark: SparkSession, sellers: int, days: Window, parts: Sequence[Part]) -> DataFrame:
    """One row a seller, day and part that became known on it, with `n`, `r`, `late`, `price`."""
    known = _known(spark, sellers, days, len(parts))
    dated = known.select("*", F.expr(_by_part([_lag(part) for part in parts])).alias("lag")).select(
        "*", F.expr("date_sub(known_ds, lag)").alias("occurred_ds")
    )
    size = SMALLEST * F.pow(1 - draw("size", "seller_luck"), F.lit(-TAIL))
    drawn = dated.select(
        "*", size.alias("size"), luck("seller day", "seller_luck", "occurred_ds").alias("luck")
    )
    share = F.expr(_by_part([f"{part.share}D" for part in parts]))
    sold = drawn.where((draw("sells") < 1 - F.exp(-F.col("size")))
                       & (draw("known", "luck", "part") < share))  # fmt: skip
    orders = (1 + F.floor(F.col("size") * draw("orders"))).cast("bigint")
    return sold.select(
        "*", orders.alias("n"), draw("what", "luck", "part").alias("r"),
        F.expr("1000 + pmod(shiftrightunsigned(seller_luck, 16), 9000)").alias("price"),
    ).withColumn("late", F.expr("cast(0.2D * r * n as bigint)"))  # fmt: skip


def _known(spark: SparkSession, sellers: int, days: Window, parts: int) -> DataFrame:
    """(part, known_ds, seller_id, seller_luck), all there are: a task a day, which writes one file
    as a day's own run would."""
    each = spark.range(0, len(days) * sellers * parts, 1, len(days)).select(
        F.expr(f"cast(id % {parts} as int)").alias("part"),
        F.expr(f"date_add(DATE'{days.first}', cast(id div {parts * sellers} as int))")
        .alias("known_ds"),
        luck("seller", f"{SEED}L", f"id div {parts} % {sellers}").alias("seller_luck"),
    )  # fmt: skip
    return each.select("*", F.expr("concat('s-', lower(hex(seller_luck)))").alias("seller_id"))


def _by_part(values: Sequence[str]) -> str:
    cases = " ".join(f"when {number} then {value}" for number, value in enumerate(values))
    return f"case part {cases} end"


def _lag(part: Part) -> str:
    first, last = part.lag
    return f"cast({first} + pmod(shiftrightunsigned(seller_luck, 8), {last - first + 1}) as int)"


def rows_in(lake: Lake, days: Window) -> int:
    """Rows of seller_days that became known on these days."""
    known = F.col("known_ds").between(F.lit(days.first), F.lit(days.last))
    return lake.read(silver.SELLER_DAYS).where(known).count()


def last_days(days: int, last: date = TODAY) -> Window:
    return Window(last - DAY * (days - 1), last)
