"""Fitting segments: Spark's bisecting k-means against scikit-learn's, and the whole search.

The same rows, the same k and number of seeds, the best of them; scikit-learn splits the largest
cluster. Aims: at most 10x the time at a cost within 3 %, and a search within 15 minutes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.cluster import BisectingKMeans

from benchmarks import segment_rows
from benchmarks.sides import Side, add_sizes, compared, session
from conf.model_settings import SellerSegments
from ml.seller_segments import distributed, train
from ml.seller_segments.behaviour import behaviour, columns
from ml.seller_segments.bisecting import inertia

AIM, COST_AIM, SEARCH_AIM_S = 10, 1.03, 900


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        rows=(440_000, "N", "seller-months, of which 240,000 have enough orders to be fitted"),
        k=(5, "N", "segments (default %(default)s)"),
        resamples=(100, "N", "of the search; 0 leaves it out (default %(default)s)"),
    )


def run(options: argparse.Namespace) -> str:
    rules, months = segment_rows.rules(), segment_rows.drawn(options.rows, options.work)
    names = ["ds", "seller_id", *columns(rules.features)]
    rows = behaviour(pa.Table.from_pandas(months[names], preserve_index=False), rules.features)
    data = train.prepared(rows, max(months["ds"]), rules)
    spark_side, scikit = Side("Spark ML"), Side("scikit-learn")
    costs = {}
    with session("segment-fit") as (spark, _):
        path = str(Path(options.work) / "segment-fit")
        segment_rows.as_parquet(months, path)
        model = train.plain(data, np.zeros((2, data.matrix.shape[1])), rules)
        laid = distributed.points(
            spark.read.parquet(path), model, rules.fit.rows_a_partition
        ).persist()
        laid.count()
        ones = np.ones(len(data.matrix))
        for number in range(options.runs + 1):  # the first to warm up
            began = time.monotonic()
            found = distributed.fit(laid, options.k, rules.fit, rules.search, lambda said: None)
            half = time.monotonic()
            fits = [BisectingKMeans(options.k, n_init=1, random_state=seed,
                                    bisecting_strategy="largest_cluster").fit(data.matrix)
                    for seed in range(rules.fit.seeds)]  # fmt: skip
            if number:
                spark_side.add(half - began)
                scikit.add(time.monotonic() - half)
            costs = {
                "Spark ML": inertia(data.matrix, ones, found),
                "scikit-learn": min(inertia(data.matrix, ones, f.cluster_centers_) for f in fits),
            }
    ratio = costs["Spark ML"] / costs["scikit-learn"]
    title = f"fit of {len(data.matrix):,} rows, k = {options.k}, {rules.fit.seeds} seeds"
    table = compared(title, spark_side, scikit, AIM)
    cost = f"Cost of Spark's fit: {ratio:.3f}x of scikit-learn's (aim: at most {COST_AIM}x)."
    return f"## Fitting segments\n\n{table}\n\n{cost}{_search(data, rules, options.resamples)}"


def _search(data: train.Data, rules: SellerSegments, resamples: int) -> str:
    if not resamples:
        return ""
    few = replace(rules, search=replace(rules.search, resamples=resamples))
    began = time.monotonic()
    refits = train.refitted(data, few, lambda said: None)
    table = [train.judge(data, refits.best[k], refits, few) for k in sorted(refits.best)]
    seconds = time.monotonic() - began
    passed = [one.k for one in table if not one.missed]
    return (
        f"\n\nSearch over {len(table)} k on {len(data.matrix):,} rows with {resamples} resamples: "
        f"{seconds:.0f} s (aim: at most {SEARCH_AIM_S} s); k that pass: {passed or 'none'}."
    )
