"""Ten times the seller-months against once: training with the native backend, and scoring.

Rows are drawn (`benchmarks/risk_rows.py`), the model is of a fixed size, both sizes take turns in
one warm session. Aim: at most 11x for both.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import risk_rows
from benchmarks.sides import Side, add_sizes, compared, session
from jobs.learn.score_seller_risk import scores_of
from ml.seller_risk import distributed
from ml.seller_risk.training import encoded as encoded_on_spark

AIM = 11
TIMES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(
        parser,
        rows=(130_000, "N", "seller-months of the smaller training (default %(default)s)"),
        sellers=(15_000, "N", "of the smaller scoring (default %(default)s)"),
    )


def run(options: argparse.Namespace) -> str:
    with session("risk-tenfold") as (spark, _):
        trained, scored = _training(spark, options), _scoring(spark, options)
    return f"## Ten times the seller-months\n\n{trained}\n\n{scored}"


def _training(spark: SparkSession, options: argparse.Namespace) -> str:
    threads, chosen = os.cpu_count() or 1, risk_rows.chosen()
    sides = []
    for count in (options.rows, TIMES * options.rows):
        months = risk_rows.drawn(count)
        encoding, _ = risk_rows.encoded(months.head(options.rows))
        path = str(Path(options.work) / f"risk-months-{count}")
        risk_rows.as_parquet(months, path)
        frame = encoded_on_spark(spark.read.parquet(path), encoding).persist()
        frame.count()
        sides.append((Side(f"{count:,} rows"), frame))
    for number in range(options.runs + 1):  # the first to warm up
        for side, frame in sides:
            began = time.monotonic()
            distributed.fit_native(frame, chosen, 1, threads)
            if number:
                side.add(time.monotonic() - began)
    (small, _), (large, _) = sides
    return compared("training", large, small, AIM)


def _scoring(spark: SparkSession, options: argparse.Namespace) -> str:
    model = risk_rows.model(risk_rows.drawn(options.rows), os.cpu_count() or 1)
    sides = []
    for count in (options.sellers, TIMES * options.sellers):
        path = str(Path(options.work) / f"risk-sellers-{count}")
        risk_rows.as_parquet(risk_rows.drawn(count), path)
        sides.append((Side(f"{count:,} sellers"), spark.read.parquet(path)))
    for number in range(options.runs + 1):
        for side, rows in sides:
            began = time.monotonic()
            scores_of(spark, rows, model).write.format("noop").mode("overwrite").save()
            if number:
                side.add(time.monotonic() - began)
    (small, _), (large, _) = sides
    return compared("scoring with reasons", large, small, AIM)
