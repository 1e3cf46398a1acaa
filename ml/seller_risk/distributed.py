"""The final fit on Spark: SynapseML, or LightGBM 4 in a barrier stage, with the same outcome.

Both take rows (seller_id, ds, features array<double>, label int) and give LightGBM's text. Rows are
put into one order and one partitioning first, so that a rerun grows the same trees.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark import BarrierTaskContext
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ml.seller_risk.encoding import NAMES
from ml.seller_risk.train import Chosen

FEATURES = "vector"


def ordered(rows: DataFrame, tasks: int) -> DataFrame:
    """Rows by a hash of the seller in `tasks` parts, each sorted: the same wherever they lay."""
    return rows.repartition(tasks, F.xxhash64("seller_id")).sortWithinPartitions("ds", "seller_id")


def fit_synapse(rows: DataFrame, chosen: Chosen, tasks: int, threads: int) -> tuple[str, Any]:
    """(text, the fitted Spark model, for the parity check)."""
    from synapse.ml.lightgbm import LightGBMClassifier  # needs a running JVM

    given = dict(chosen.parameters)
    classifier = LightGBMClassifier(
        featuresCol=FEATURES, labelCol="label", slotNames=list(NAMES), objective="binary",
        numIterations=chosen.rounds, learningRate=given["learning_rate"],
        numLeaves=given["num_leaves"], minDataInLeaf=given["min_data_in_leaf"],
        featureFraction=given["feature_fraction"], baggingFraction=given["bagging_fraction"],
        baggingFreq=given["bagging_freq"], lambdaL2=given["lambda_l2"], maxBin=given["max_bin"],
        monotoneConstraints=list(given["monotone_constraints"]), seed=given["seed"],
        deterministic=True, isUnbalance=False, verbosity=-1, dataTransferMode="streaming",
        numTasks=tasks, numThreads=threads, samplingMode="global", useBarrierExecutionMode=True,
        passThroughArgs="force_row_wise=true",
    )  # fmt: skip
    # The bits of a vector keep NaN, which stands for missing and is routed natively.
    fitted = classifier.fit(
        ordered(rows, tasks).withColumn(FEATURES, array_to_vector(F.col("features")))
    )
    return str(fitted.getNativeModel()), fitted


def fit_native(rows: DataFrame, chosen: Chosen, tasks: int, threads: int) -> str:
    """LightGBM's own distributed learner; its workers find each other through Spark's barrier."""
    parameters = {**chosen.parameters, "num_threads": threads}

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        text = _worker(pa.Table.from_batches(list(batches)), parameters, chosen.rounds)
        yield pa.RecordBatch.from_pydict({"text": pa.array([text] if text else [], pa.string())})

    narrow = ordered(rows, tasks).select("features", "label")
    found = narrow.mapInArrow(work, "text string", barrier=True).collect()
    return str(found[0]["text"])


def _worker(rows: pa.Table, parameters: dict[str, Any], rounds: int) -> str | None:
    """Trains one worker's share; the first worker has the model."""
    import lightgbm

    context = BarrierTaskContext.get()
    assert context is not None
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    host = context.getTaskInfos()[context.partitionId()].address.split(":")[0]
    machines = context.allGather(f"{host}:{port}")
    network = {} if len(machines) == 1 else {
        "machines": ",".join(machines), "local_listen_port": port, "num_machines": len(machines),
        "tree_learner": "data", "pre_partition": True,
    }  # fmt: skip
    values = rows.column("features").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    data = lightgbm.Dataset(values.reshape(len(rows), len(NAMES)), rows.column("label").to_numpy(),
                            feature_name=list(NAMES))  # fmt: skip
    booster = lightgbm.train({**parameters, **network}, data, rounds)
    context.barrier()
    return booster.model_to_string() if context.partitionId() == 0 else None


def parity(rows: DataFrame, fitted: Any, text: str, seller_share: float = 0.05) -> float:
    """The largest distance of SynapseML's own probabilities from those of its text, on a sample."""
    import lightgbm
    import numpy as np

    part = F.pmod(F.xxhash64("seller_id"), F.lit(10_000)) < int(10_000 * seller_share)
    sample = rows.where(part).withColumn(FEATURES, array_to_vector(F.col("features")))
    found = fitted.transform(sample).select("features", "probability").toPandas()
    mine = lightgbm.Booster(model_str=text).predict(np.stack(found["features"].to_list()))
    theirs = np.array([vector[1] for vector in found["probability"]])
    return float(np.abs(mine - theirs).max())
