"""Scoring all sellers with exact reasons through Spark, against native LightGBM in one process.

Native is `predict` and `pred_contrib` on as many threads as there are cores; Spark encodes, scores,
explains and words reasons. Contributions must agree to 1e-9. Aims: at most 0.10x with reasons; a
second table compares scores without reasons: at most 3x.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from benchmarks import risk_rows
from benchmarks.sides import Different, Side, add_sizes, compared, session
from jobs.learn.score_seller_risk import scores_of, together
from ml.seller_risk.encoding import columns_of
from ml.seller_risk.model import Model

AIM, PLAIN_AIM = 0.10, 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(parser, sellers=(150_000, "N", "sellers to score (default %(default)s)"))


def run(options: argparse.Namespace) -> str:
    with session("risk-scoring") as (spark, _):
        return _measure(spark, options)


def _measure(spark: SparkSession, options: argparse.Namespace) -> str:
    threads = os.cpu_count() or 1
    months = risk_rows.drawn(options.sellers)
    model = risk_rows.model(months.head(130_000), threads)
    path = str(Path(options.work) / f"risk-sellers-{options.sellers}")
    risk_rows.as_parquet(months, path)
    rows = spark.read.parquet(path)
    ours, theirs = Side("Spark, with reasons"), Side("native predict + pred_contrib")
    plain, native = Side("Spark, scores alone"), Side("native predict")
    encoded = model.encoding.encode(columns_of(pa.Table.from_pandas(months, preserve_index=False)))
    _same(model, encoded)
    for number in range(options.runs + 1):  # the first to warm up
        sides = (
            (ours, lambda: _noop(scores_of(spark, rows, model))),
            (plain, lambda: _noop(margins_of(spark, rows, model))),
            (native, lambda: model.booster.predict(encoded, num_threads=threads)),
            (theirs, lambda: (model.booster.predict(encoded, num_threads=threads),
                              model.booster.predict(encoded, pred_contrib=True,
                                                    num_threads=threads))),
        )  # fmt: skip
        for side, work in sides:
            if side is theirs and number == 0:
                continue  # it has nothing to warm up, and takes minutes
            began = time.monotonic()
            work()
            if number:
                side.add(time.monotonic() - began)
    what = f"{options.sellers:,} sellers, {risk_rows.TREES} trees of {risk_rows.LEAVES} leaves"
    return (
        f"## Scoring sellers\n\n{compared(what, ours, theirs, AIM)}\n\n"
        f"{compared(what, plain, native, PLAIN_AIM)}\n\n"
        f"As a processing job of its own (`sagemaker.process`), from start to end: "
        f"{_as_a_job(model, months, Path(options.work) / 'risk-job'):.1f} s.\n"
    )


def margins_of(spark: SparkSession, rows: DataFrame, model: Model) -> DataFrame:
    """(seller_id, margin), one row a seller: scores without reasons."""
    shared = spark.sparkContext.broadcast(model)

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in together(batches):
            margin = shared.value.margin(columns_of(table))
            columns = {"seller_id": table["seller_id"], "margin": margin}
            yield from pa.table(columns).to_batches()

    return rows.drop("ds").mapInArrow(score, "seller_id string, margin double")


def _as_a_job(model: Model, months: pd.DataFrame, root: Path) -> float:
    """Seconds of the container's entry over an /opt/ml folder, with reasons."""
    shutil.rmtree(root, ignore_errors=True)
    model.write(root / "model")
    risk_rows.as_parquet(months, str(root / "processing" / "input"))
    began = time.monotonic()
    command = ["-m", "sagemaker.process", "--root", str(root.absolute()), "--ds", str(risk_rows.DS)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return time.monotonic() - began


def _noop(frame: DataFrame) -> None:
    frame.write.format("noop").mode("overwrite").save()


def _same(model: Model, encoded: np.ndarray, rows: int = 2_000) -> None:
    """Different unless a part of the contributions equals LightGBM's own."""
    tables, booster = model.tables, model.booster
    expected = booster.predict(encoded[:rows], pred_contrib=True)[:, :-1]
    off = float(np.abs(tables.contributions(encoded[:rows]) - expected).max())
    if off > 1e-9:
        raise Different(f"contributions differ by up to {off:.1e}")
