"""Fitting and assigning on Spark. What is computed for a row is what plain Python computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.ml.clustering import BisectingKMeans
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.model_settings import SegmentFit, SegmentSearch
from ml.seller_segments.behaviour import behaviour, columns
from ml.seller_segments.flows import Moves, families, moves
from ml.seller_segments.model import SCHEMA, Model
from ml.seller_segments.smoothing import is_low
from ml.seller_segments.transforms import orders_90d

Array = npt.NDArray[Any]
DIGITS = 9
"""Of a centre: partial sums meet in any order, and the last digits tell of it."""
ASSIGNED = (
    "seller_id string, segment_id int, segment_name string, raw_segment_id int, distance double"
)
MOVED = "before int, now int, families array<bigint>"
assert [field.split()[0] for field in ASSIGNED.split(", ")] == SCHEMA.names


def points(rows: DataFrame, model: Model, rows_a_partition: int) -> DataFrame:
    """(ds, seller_id, point vector) of the rows with enough history.

    Leaves depend on how rows lie in partitions, so they are laid the same way whatever order and
    partitioning they came in: by a hash of their key, and sorted, in as many as their number says.
    """
    partitions = max(1, -(-rows.count() // rows_a_partition))
    shared = rows.sparkSession.sparkContext.broadcast(model)

    def encode(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            its: Model = shared.value
            found = behaviour(pa.Table.from_batches([batch]), its.features)
            orders = orders_90d(found, its.transforms.counts)
            found = found.of(~is_low(found.tenure_days, orders, its.low_history))
            matrix = its.matrix(found)
            offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
            yield pa.RecordBatch.from_pydict({
                "ds": pa.array(found.ds, pa.date32()),
                "seller_id": pa.array(found.seller, pa.string()),
                "point": pa.ListArray.from_arrays(offsets, matrix.ravel()),
            })  # fmt: skip

    encoded = rows.select("ds", "seller_id", *columns(model.features)).mapInArrow(
        encode, "ds date, seller_id string, point array<double>"
    )
    key = ("ds", "seller_id")
    laid = encoded.repartition(partitions, *key).sortWithinPartitions(*key)
    return laid.select(*key, array_to_vector(F.col("point")).alias("point"))


def fit(rows: DataFrame, k: int, rules: SegmentFit, search: SegmentSearch,
        said: Callable[[str], None]) -> Array:  # fmt: skip
    """[k, coordinates] the centres of the seed with the least cost, of laid `points`; fewer where
    no seed finds so many."""
    best: tuple[int, float, Array] | None = None
    for seed in range(search.seed, search.seed + rules.seeds):
        trained = BisectingKMeans(
            k=k, maxIter=rules.rounds, seed=seed, featuresCol="point", predictionCol="leaf"
        ).fit(rows)
        centres = np.round(np.array(trained.clusterCenters(), float), DIGITS)
        rank = (-len(centres), float(trained.summary.trainingCost))
        if best is None or rank < best[:2]:
            best = (*rank, centres)
    assert best is not None
    said(f"k = {k}: least cost {best[1]:.1f} of {rules.seeds} seeds on Spark")
    return best[2]


def assigned(rows: DataFrame, model: Model, ds: date) -> DataFrame:
    """ASSIGNED, one row for each seller with a row of ds; `rows` are snapshots of any days."""
    shared = rows.sparkSession.sparkContext.broadcast(model)

    def assign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if found := list(batches):
            yield from shared.value.assigned(pa.Table.from_batches(found), ds).to_batches()

    return _by_seller(rows, model, [ds]).mapInArrow(assign, ASSIGNED)


def moved(rows: DataFrame, model: Model, before: date, ds: date) -> DataFrame:
    """(before, now, sellers, families): how many sellers went from one segment to another between
    two month-ends, both by this version, and by how much each family of features spoke for it."""
    shared = rows.sparkSession.sparkContext.broadcast(model)

    def compare(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if found := list(batches):
            its: Model = shared.value
            mine = behaviour(pa.Table.from_batches(found), its.features)
            yield _as_batch(moves(its, mine, before, ds))

    each = _by_seller(rows, model, [before, ds]).mapInArrow(compare, MOVED)
    width = len(families(model))
    sums = F.array(*(F.sum(F.element_at("families", n + 1)) for n in range(width)))
    return each.groupBy("before", "now").agg(F.count("*").alias("sellers"), sums.alias("families"))


def _as_batch(found: Moves) -> pa.RecordBatch:
    width = found.families.shape[1]
    offsets = np.arange(len(found.families) + 1, dtype=np.int32) * width
    return pa.RecordBatch.from_pydict({
        "before": pa.array(found.before, pa.int32()), "now": pa.array(found.now, pa.int32()),
        "families": pa.ListArray.from_arrays(offsets, pa.array(found.families.ravel(), pa.int64())),
    })  # fmt: skip


def _by_seller(rows: DataFrame, model: Model, days: list[date]) -> DataFrame:
    """The rows of the days and of the month-ends that they look back on; a seller's lie together,
    because his segment rests on all of them."""
    wanted = {day for ds in days for day in (ds, *model.ends(ds))}
    return (
        rows.where(F.col("ds").isin(sorted(wanted)))
        .select("ds", "seller_id", *columns(model.features))
        .repartition("seller_id")
    )
