"""How a model is doing on a business date: drift of its scores, and what labels say of them.

Population stability as in `features.drift`. Expected average precision takes the probabilities for
true: it is what the ranking would reach if they were.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.drift import LEAST_SHARE


def score_psi(scores: DataFrame, bounds: Sequence[float], shares: Sequence[float]) -> DataFrame:
    """(value): stability of the margins against the shares that once lay between the bounds."""
    bins = len(shares)
    place = F.lit(0)
    for bound in bounds:
        place = place + (F.col("margin") >= bound).cast("int")
    counts = scores.agg(
        F.count(F.lit(1)).alias("rows"),
        *(F.count_if(place == number).alias(f"n{number}") for number in range(bins)),
    )
    value = F.lit(0.0)
    for number in range(bins):
        share = F.greatest(F.col(f"n{number}") / F.nullif("rows", F.lit(0)), F.lit(LEAST_SHARE))
        expected = max(shares[number], LEAST_SHARE)
        value = value + (share - expected) * F.ln(share / expected)
    return counts.select(F.when(F.col("rows") > 0, value).alias("value"))


def weighted_psi(drift: DataFrame, weights: dict[str, float]) -> DataFrame:
    """(value): mean stability of features (feature, psi), weighted by their part in the model."""
    weight = F.create_map(*(F.lit(part) for item in weights.items() for part in item))
    each = drift.where("psi is not null").select("psi", weight[F.col("feature")].alias("weight"))
    total = F.sum(F.col("psi") * F.col("weight")) / F.nullif(F.sum("weight"), F.lit(0))
    return each.agg(total.alias("value"))


def average_precision(ranked: DataFrame, gain: str) -> DataFrame:
    """(value): the mean precision over `gain` (a label, or a probability), by margin; equal margins
    are one step."""
    steps = ranked.groupBy("margin").agg(F.sum(gain).alias("gain"), F.count("*").alias("rows"))
    # One order over all sellers of one date: as many rows as there are sellers, two numbers each.
    so_far = Window.orderBy(F.col("margin").desc())
    summed = steps.select(
        "gain", F.sum("gain").over(so_far).alias("hits"), F.sum("rows").over(so_far).alias("seen")
    )
    value = F.sum(F.col("gain") * F.col("hits") / F.col("seen"))
    return summed.agg((value / F.nullif(F.sum("gain"), F.lit(0))).alias("value"))


def calibration_error(labelled: DataFrame, bins: int) -> DataFrame:
    """(value): the mean distance of observed from expected in bins of equal numbers of rows."""
    binned = labelled.withColumn("bin", F.ntile(bins).over(Window.orderBy("probability")))
    off = binned.groupBy("bin").agg(
        F.abs(F.avg("label") - F.avg("probability")).alias("off"), F.count("*").alias("rows")
    )
    share = F.sum(F.col("off") * F.col("rows")) / F.nullif(F.sum("rows"), F.lit(0))
    return off.agg(share.alias("value"))
