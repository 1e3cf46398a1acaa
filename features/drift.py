"""How far features have drifted from a frozen reference: population stability and missing shares.

The population stability index is the sum over bins of (p - q) ln(p / q), p and q being the shares
of the sellers with a value on the day and on the reference day (Siddiqi, Credit Risk Scorecards,
2006). Numbers are binned by the tenths of the reference, categories by themselves.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.seller_features import SELLER_FEATURES

TENTHS = [n / 10 for n in range(1, 10)]
MISSING = "missing"
LEAST_SHARE = 1e-4
"""Stands for the share of an empty bin, whose logarithm does not exist."""


def reference(snapshots: DataFrame) -> DataFrame:
    """(feature, bin, bounds, rows) of one day's snapshots."""
    each = _unpivoted(snapshots)
    tenths = F.array_distinct(F.percentile("number", F.lit(TENTHS))).cast("array<double>")
    bounds = each.groupBy("feature").agg(tenths.alias("bounds"))
    return _counted(each, bounds)


def drift(snapshots: DataFrame, reference: DataFrame) -> DataFrame:
    """`reports.feature_drift` less ds and reference_ds: one row a feature of the reference."""
    bounds = reference.groupBy("feature").agg(F.max("bounds").alias("bounds"))
    now = _counted(_unpivoted(snapshots), bounds).select("feature", "bin", "rows")
    before = reference.select("feature", "bin", F.col("rows").alias("reference_rows"))
    both = now.join(before, ["feature", "bin"], "full").fillna(0, ["rows", "reference_rows"])
    given = F.col("bin") != MISSING
    of_feature = Window.partitionBy("feature")

    def share(count: str) -> Column:
        of_given = F.sum(F.when(given, F.col(count))).over(of_feature)
        return F.greatest(F.col(count) / F.nullif(of_given, F.lit(0)), F.lit(LEAST_SHARE))

    shares = both.withColumns({"p": share("rows"), "q": share("reference_rows")})
    term = F.when(given, (F.col("p") - F.col("q")) * F.ln(F.col("p") / F.col("q")))
    # Summed in the order of the bins: a sum of doubles depends on it.
    terms = F.array_sort(F.collect_list(F.struct("bin", term.alias("term"))))
    psi = F.aggregate(
        terms, F.lit(0.0), lambda total, one: total + F.coalesce(one["term"], F.lit(0.0))
    )
    both_given = (F.sum(F.when(given, F.col("rows"))) > 0) & (
        F.sum(F.when(given, F.col("reference_rows"))) > 0
    )
    return shares.groupBy("feature").agg(
        F.when(both_given, psi).alias("psi"),
        _missing("rows").alias("missing_share"),
        _missing("reference_rows").alias("reference_missing_share"),
        F.sum("rows").alias("rows"),
        F.sum("reference_rows").alias("reference_rows"),
    )


def _missing(count: str) -> Column:
    missing = F.sum(F.when(F.col("bin") == MISSING, F.col(count)).otherwise(0))
    return missing / F.nullif(F.sum(count), F.lit(0))


def _unpivoted(snapshots: DataFrame) -> DataFrame:
    """(feature, number, category): one row a seller and feature."""
    values = [
        F.struct(
            F.lit(feature.name).alias("feature"),
            (F.lit(None) if feature.type == "string" else F.col(feature.name)).cast("double")
            .alias("number"),
            (F.col(feature.name) if feature.type == "string" else F.lit(None)).cast("string")
            .alias("category"),
        )
        for feature in SELLER_FEATURES
    ]  # fmt: skip
    return snapshots.select(F.inline(F.array(*values)))


def _counted(each: DataFrame, bounds: DataFrame) -> DataFrame:
    above = F.size(F.filter("bounds", lambda bound: F.col("number") > bound))
    tenth = F.when(F.col("number").isNotNull(), above.cast("string"))
    category = F.when(F.col("category") == MISSING, F.lit("'missing'")).otherwise(F.col("category"))
    return (
        each.join(F.broadcast(bounds), "feature", "left")
        .withColumn("bin", F.coalesce(tenth, category, F.lit(MISSING)))
        .groupBy("feature", "bin", "bounds")
        .agg(F.count(F.lit(1)).alias("rows"))
        .select("feature", "bin", "bounds", "rows")
    )
