"""Assigning every seller's segment, against the fit of the version that assigns.

Six month-ends a seller; both in one warm session, writing left out. Aim: at most 0.1x of the fit.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from benchmarks import segment_rows
from benchmarks.sides import Side, add_sizes, compared, session
from conf.model_settings import SellerSegments, load_seller_segments
from ml.seller_segments import distributed, train
from ml.seller_segments.behaviour import behaviour, columns, month_ends_to
from ml.seller_segments.bisecting import cheapest
from ml.seller_segments.model import Model

AIM = 0.1
DS = date(2026, 6, 30)
K = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(parser, sellers=(150_000, "N", "to assign (default %(default)s)"))


def run(options: argparse.Namespace) -> str:
    rules = load_seller_segments()
    with session("segment-assign") as (spark, _):
        rows, model = given(spark, options.sellers, options.work, rules)
        fit, assign = Side(f"fit, {rules.fit.seeds} seeds"), Side("assign")
        for number in range(options.runs + 1):  # the first to warm up
            fitted, assigned = fit_s(rows, model, rules), assign_s(rows, model)
            if number:
                fit.add(fitted)
                assign.add(assigned)
    return f"## Assigning segments\n\n{compared(f'{options.sellers:,} sellers', assign, fit, AIM)}"


def given(
    spark: SparkSession, sellers: int, work: str, rules: SellerSegments
) -> tuple[DataFrame, Model]:
    """(snapshots of the last month-ends of so many sellers, a version frozen on some of them)"""
    ends = month_ends_to(DS, rules.month_ends)
    months = segment_rows.drawn(60_000, work)
    months = months[months["ds"].isin(ends)]
    once = months["seller_id"].nunique()
    times = -(-sellers // once)
    wide = segment_rows.repeated(months, times)
    kept = pd.unique(wide["seller_id"])[:sellers]
    path = str(Path(work) / f"segment-assign-{sellers}")
    segment_rows.as_parquet(wide[wide["seller_id"].isin(set(kept))], path)
    names = ["ds", "seller_id", *columns(rules.features)]
    rows = behaviour(pa.Table.from_pandas(months[names], preserve_index=False), rules.features)
    data = train.prepared(rows, DS, rules)
    centres = cheapest(data.matrix, np.ones(len(data.matrix)), [K], [1], rules.fit.rounds)[K]
    model = train.plain(data, centres, rules)
    return spark.read.parquet(path), model


def fit_s(rows: DataFrame, model: Model, rules: SellerSegments) -> float:
    """Seconds of the final fit as `learn.seller_segments` does it."""
    laid = distributed.points(rows, model, rules.fit.rows_a_partition).persist()
    laid.count()
    began = time.monotonic()
    distributed.fit(laid, K, rules.fit, rules.search, lambda said: None)
    seconds = time.monotonic() - began
    laid.unpersist()
    return seconds


def assign_s(rows: DataFrame, model: Model) -> float:
    """Seconds of the assignment, its rows thrown away."""
    began = time.monotonic()
    distributed.assigned(rows, model, DS).write.format("noop").mode("overwrite").save()
    return time.monotonic() - began
