"""Dividing an amount of money without losing or making a minor unit."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

EXACT = "decimal(38,0)"
"""Products of two amounts do not fit into a bigint."""


def allocated(
    rows: DataFrame, amount: str, weight: str, group: Sequence[str], tie: Sequence[str], name: str
) -> DataFrame:
    """`rows` with `name`: each row's part of the group's `amount` by `weight`, in minor units.

    Largest remainder (Hamilton's method): everybody gets the whole units of his exact part, and
    the units left go one each to the largest remainders, ties by `tie`, which is unique in a
    group. `amount` (the same in all rows of a group) and `weight` are not negative. Parts add up
    to the amount; without any weight nobody gets anything.
    """
    in_group = Window.partitionBy(*group)
    total = F.sum(F.col(weight).cast(EXACT)).over(in_group)
    product = F.col(amount).cast(EXACT) * F.col(weight).cast(EXACT)
    # Spark's remainder of decimals is exact; a quotient would be rounded.
    remainder = F.when(total > 0, product % total).otherwise(0)
    floor = F.when(total > 0, (product - remainder) / total).otherwise(0)
    shared = rows.withColumns(
        {"_floor": floor.cast("bigint"), "_remainder": remainder, "_any": total > 0}
    )
    left = F.when(
        F.col("_any"), F.coalesce(F.col(amount), F.lit(0)) - F.sum("_floor").over(in_group)
    ).otherwise(0)
    by_remainder = in_group.orderBy(F.col("_remainder").desc(), *tie)
    rank = F.row_number().over(by_remainder)
    extra: Column = F.when(rank <= left, 1).otherwise(0)
    return shared.withColumn(name, (F.col("_floor") + extra).cast("bigint")).drop(
        "_floor", "_remainder", "_any"
    )
