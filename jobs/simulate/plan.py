"""What is simulated: the window, the sizes, the seed, the markets and the categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.currencies import exponent
from jobs.simulate.draws import at_local, looked_up, luck


@dataclass(frozen=True)
class Market:
    """A marketplace: its one currency, units of it for a dollar, share of sellers, sales tax."""

    currency: str
    per_dollar: float
    share: float
    tax: float

    @property
    def minor_per_cent(self) -> float:
        """Minor units of the currency for one US cent."""
        return self.per_dollar * 10 ** exponent(self.currency) / 100


MARKETS = {
    "US": Market("USD", 1.0, 0.45, 0.07),
    "DE": Market("EUR", 0.92, 0.25, 0.19),
    "GB": Market("GBP", 0.79, 0.20, 0.20),
    "JP": Market("JPY", 150.0, 0.10, 0.10),
}
CATEGORIES = {
    "books": 1_400, "toys": 2_200, "beauty": 2_600, "garden": 4_500, "apparel": 3_800,
    "kitchen": 5_200, "sports": 6_000, "electronics": 14_000,
}  # fmt: skip
"""Each category with its usual price in US cents."""


@dataclass(frozen=True)
class Plan:
    """One world. Nothing but the days that are landed depends on `last`."""

    seed: int
    zone: str
    first: date
    last: date
    sellers: int
    orders_per_day: int
    listings_a_seller: tuple[int, int] = (2, 6)
    """Fewest and most, all numbers alike."""
    fraud_rate: float = 0.01
    """Share of the orders that are fraudulent."""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def opening(self) -> Column:
        """The first instant: what happened before is learned now."""
        return at_local(F.lit(self.first), 0, self.zone)

    def luck(self, kind: str, *keys: str) -> Column:
        """The luck of rows that stand on their own: the seed and what names them."""
        return luck(kind, f"{self.seed}L", *keys)

    def calendar(self, spark: SparkSession) -> DataFrame:
        """The days of the window: `index` from 0, `day`."""
        numbers = spark.range(0, self.days, 1, partitions_of(spark))
        return numbers.select(
            F.col("id").cast("int").alias("index"),
            F.date_add(F.lit(self.first), F.col("id").cast("int")).alias("day"),
        )

    def day_of(self, index: Column) -> Column:
        """The date of an index of days; null where that is null."""
        return F.date_add(F.lit(self.first), index)


def partitions_of(spark: SparkSession) -> int:
    return int(spark.conf.get("spark.sql.shuffle.partitions") or 1)


def of_market(values: Mapping[str, float | str], market: str = "marketplace") -> Column:
    """The value for the row's marketplace."""
    return looked_up(values, market)
