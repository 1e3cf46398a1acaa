"""Training the same rows with the same parameters: both distributed trainers against native.

Warm, data in memory on each side; quality stands beside time. Aims: the native backend at most 1.5x
(1.15x from a million rows on), SynapseML on one task at most 1.6x.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks import risk_rows
from benchmarks.sides import Side, add_sizes, compared, session
from ml.evaluation import average_precision
from ml.seller_risk import distributed
from ml.seller_risk.train import fit
from ml.seller_risk.training import encoded as encoded_on_spark

AIM, LARGE_AIM, SYNAPSE_AIM = 1.5, 1.15, 1.6
LARGE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(parser, rows=(130_000, "N", "seller-months to train on (default %(default)s)"))


def run(options: argparse.Namespace) -> str:
    with session("risk-training") as (spark, _):
        return _measure(spark, options)


def _measure(spark: SparkSession, options: argparse.Namespace) -> str:
    threads, chosen = os.cpu_count() or 1, risk_rows.chosen()
    months, unseen = risk_rows.drawn(options.rows), risk_rows.drawn(50_000, seed=2)
    encoding, rows = risk_rows.encoded(months)
    test = encoding.encode(risk_rows.columns_of_months(unseen))
    path = str(Path(options.work) / f"risk-months-{options.rows}")
    risk_rows.as_parquet(months, path)
    frame = encoded_on_spark(spark.read.parquet(path), encoding).persist()
    frame.count()
    native = Side("native, one process")
    backend, synapse = Side("native backend, one task"), Side("SynapseML, one task")
    quality: dict[str, float] = {}
    for number in range(options.runs + 1):  # the first to warm up
        for side, work in (
            (native, lambda: fit(rows, chosen, threads).model_to_string()),
            (backend, lambda: distributed.fit_native(frame, chosen, 1, threads)),
            (synapse, lambda: distributed.fit_synapse(frame, chosen, 1, threads)[0]),
        ):
            began = time.monotonic()
            text = work()
            if number:
                side.add(time.monotonic() - began)
                score = risk_rows.scores(text, test)
                quality[side.name] = average_precision(unseen["label"].to_numpy(), score)
    aim = LARGE_AIM if options.rows >= LARGE else AIM
    what = f"{options.rows:,} rows"
    reached = ", ".join(f"{name} {value:.4f}" for name, value in quality.items())
    return (
        f"## Training\n\n{compared(what, backend, native, aim)}\n\n"
        f"{compared(what, synapse, native, SYNAPSE_AIM)}\n\nAverage precision: {reached}."
    )
