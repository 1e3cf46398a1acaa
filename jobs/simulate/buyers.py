"""Buyers: the accounts there are, and which of them places an order.

Accounts of a market are numbered: the old ones, then the newcomers of day after day. Of a day's
newcomers a few are opened by crooks; nobody else ever orders with these.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    HOUR_WEIGHTS,
    at_habitual_hour,
    draw,
    pick,
    skewed,
    token,
    weighted,
    whole,
)
from jobs.simulate.people import REGIONS
from jobs.simulate.plan import MARKETS, Plan, of_market, partitions_of

RECENT_DAYS = 30
"""Days before the window from which on newcomers are known by their day."""
WAYS = {"regular": 0.35, "newcomer": 0.08, "anybody": 1.0}
"""How an honest order comes about: one of the seller's regulars, an account of the last week, or
any account, older ones more often."""
REGULARS = 150
"""Of a seller; some of them come far more often than others."""
NEW_FOR_DAYS = 7
TRIES = 3
"""Buyers who might have placed an order; it is the one whose usual hour is nearest."""


@dataclass(frozen=True)
class Pool:
    """Accounts of a market: the old ones, and a day's newcomers, honest and crooked."""

    old: int
    honest: int
    crooked: int

    @property
    def daily(self) -> int:
        return self.honest + self.crooked


def pool(plan: Plan, market: str) -> Pool:
    """As large as the market; no rate of fraud changes it, so that honest orders stay the same."""
    daily = MARKETS[market].share * plan.orders_per_day
    return Pool(
        old=max(20, round(12 * daily)),
        honest=max(2, round(0.28 * daily)),
        crooked=max(1, round(0.02 * daily)),
    )


def buyers(spark: SparkSession, plan: Plan) -> DataFrame:
    """Every account. A newcomer registers on the day before the first on which he may order."""
    numbered = reduce(DataFrame.union, [_accounts(spark, plan, market) for market in MARKETS])
    lucky = numbered.withColumn("luck", plan.luck("buyer", "country", "buyer_no"))
    long_ago = -RECENT_DAYS - 2 - whole(1_200, draw("tenure"))
    registered = F.coalesce(F.col("begins") - 1, long_ago)
    return lucky.select(
        at_habitual_hour(plan.day_of(registered), "joins", plan.zone).alias("registered_at"),
        buyer_id(F.col("country"), F.col("buyer_no")).alias("buyer_id"),
        "country",
        "luck",
    )


def _accounts(spark: SparkSession, plan: Plan, market: str) -> DataFrame:
    """Numbers from 0; `begins` is null for old ones, else the first day on which he may order."""
    its = pool(plan, market)
    count = its.old + its.daily * (RECENT_DAYS + plan.days + 1)  # up to who joins on the last day
    begins = F.expr(f"cast((id - {its.old}) div {its.daily} - {RECENT_DAYS} as int)")
    return spark.range(0, count, 1, partitions_of(spark)).select(
        F.lit(market).alias("country"),
        F.col("id").alias("buyer_no"),
        F.when(F.col("id") >= its.old, begins).alias("begins"),
    )


def buyer_id(market: Column, number: Column) -> Column:
    digits = F.lpad(number.cast("string"), 9, "0")
    return F.concat(F.lit("b-"), F.lower(market), F.lit("-"), digits)


def buyer_versions(buyers: DataFrame) -> DataFrame:
    return buyers.select(
        F.col("registered_at").alias("occurred_at"),
        "buyer_id", "registered_at", "country",
        pick(REGIONS, "region").alias("region"),
        F.concat("buyer_id", F.lit("@buyers.example")).alias("email"),
        token("address", "luck", "0").alias("address_hash"),
    )  # fmt: skip


def with_buyer(plan: Plan, orders: DataFrame) -> DataFrame:
    """Adds `buyer_no`, who would place each order honestly, the sizes of his market's pool, and
    `regular`, the number of one of the seller's regulars.

    Three accounts might have placed it; that whose usual hour is nearest to the order's `hour` has,
    so that buyers keep hours of their own and the day as a whole keeps its course.
    """
    sizes = {code: asdict(pool(plan, code)) for code in MARKETS}
    sized = orders.withColumns(
        {
            part: of_market({code: sizes[code][part] for code in MARKETS}, "first.marketplace")
            .cast("int")
            for part in ("old", "honest", "crooked")
        }
        | {"way": weighted(WAYS, "way")}
        | {f"seat_{n}": whole(REGULARS, skewed(f"which regular {n}")) for n in range(TRIES)}
    )  # fmt: skip
    drawn = sized.withColumns({f"honest_{n}": _honest(n) for n in range(TRIES)})
    numbered = drawn.withColumns({f"buyer_{n}": _account(f"honest_{n}") for n in range(TRIES)})
    known = numbered.withColumns(
        {f"luck_{n}": plan.luck("buyer", "first.marketplace", f"buyer_{n}") for n in range(TRIES)}
    )
    apart = known.withColumns({f"apart_{n}": _hours_apart(f"luck_{n}") for n in range(TRIES)})
    nearest = (
        "case when apart_0 <= least(apart_1, apart_2) then buyer_0"
        " when apart_1 <= apart_2 then buyer_1 else buyer_2 end"
    )
    of_tries = [f"{name}_{n}" for name in ("seat", "honest", "buyer", "luck", "apart")
                for n in range(TRIES)]  # fmt: skip
    return (
        apart.withColumn("buyer_no", F.expr(nearest))
        .withColumn("regular", _regular(0).cast("long"))
        .drop("way", *of_tries)
    )


def _honest(n: int) -> Column:
    """A place among the honest accounts that may order on the day of that `index`."""
    lag = whole(NEW_FOR_DAYS, skewed(f"new for {n}"))
    new = (
        F.col("old")
        + F.col("honest") * (F.col("index") + RECENT_DAYS - lag)
        + whole(F.col("honest"), draw(f"newcomer {n}"))
    )
    so_far = F.col("old") + F.col("honest") * (F.col("index") + RECENT_DAYS + 1)
    anybody = whole(so_far, F.pow(draw(f"anybody {n}"), F.lit(1.5)))
    way = F.col("way")
    return F.when(way == "regular", _regular(n)).when(way == "newcomer", new).otherwise(anybody)


def _regular(n: int) -> Column:
    return whole(F.col("old"), draw("regulars", "first.seller_luck", f"seat_{n}"))


def _account(place: str) -> Column:
    """The number of the account at a place among the honest ones."""
    begins = f"(({place} - old) div honest - {RECENT_DAYS})"
    new = newcomer(begins, f"crooked + ({place} - old) % honest")
    return F.expr(f"case when {place} < old then cast({place} as long) else {new} end")


def newcomer(begins: str, place: str) -> str:
    """SQL for the number of the account that may order from that day on, at that place of its day:
    crooks come first, but numbers begin elsewhere every day, so that none tells a crook."""
    turned = f"pmod({place} + 7 * {begins}, honest + crooked)"
    return f"cast(old + ({begins} + {RECENT_DAYS}) * (honest + crooked) + {turned} as long)"


def _hours_apart(buyer_luck: str) -> Column:
    """How far the order's hour is from the buyer's usual one, around the clock."""
    hours = ", ".join(str(h) for h, weight in enumerate(HOUR_WEIGHTS) for _ in range(weight))
    place = whole(sum(HOUR_WEIGHTS), draw("habit", buyer_luck))
    apart = F.abs(F.col("hour") - F.element_at(F.expr(f"array({hours})"), place + 1))
    return F.least(apart, 24 - apart)
