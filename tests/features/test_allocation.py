"""An amount divided by weights: nothing lost, nothing made, the same on any partitions."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from pyspark.sql import SparkSession

from features.allocation import allocated

pytestmark = pytest.mark.spark
LARGE = 10**11
"""Products of such amounts do not fit into 64 bits."""


def by_hand(amount: int, weights: list[int]) -> list[int]:
    """Largest remainder in exact fractions; of equal remainders the first gets the unit."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(weights)), key=lambda n: (parts[n] - exact[n], n))
    for n in order[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def cases() -> list[tuple[int, list[int]]]:
    chance = random.Random(7)
    drawn = [
        (chance.choice([0, 1, 100, chance.randrange(LARGE)]),
         [chance.choice([0, 1, 333, chance.randrange(LARGE)]) for _ in range(chance.randint(1, 6))])
        for _ in range(400)
    ]  # fmt: skip
    return [(100, [1, 1, 1]), (1, [0, 0]), (0, [5]), (LARGE, [LARGE, LARGE, 1]), *drawn]


@pytest.mark.parametrize("partitions", [1, 4])
def test_parts_add_up_and_are_those_of_the_largest_remainder(
    spark: SparkSession, partitions: int
) -> None:
    rows = [
        (group, n, amount, weight)
        for group, (amount, weights) in enumerate(cases())
        for n, weight in enumerate(weights)
    ]
    frame = spark.createDataFrame(rows, "g int, n int, amount bigint, weight bigint")
    found = allocated(
        frame.repartition(partitions), "amount", "weight", ["g"], ["n"], "part"
    ).collect()
    parts: dict[int, dict[int, int]] = {}
    for row in found:
        parts.setdefault(row["g"], {})[row["n"]] = row["part"]
    for group, (amount, weights) in enumerate(cases()):
        got = [parts[group][n] for n in range(len(weights))]
        assert got == by_hand(amount, weights), (amount, weights)
        assert sum(got) == (amount if sum(weights) else 0)
