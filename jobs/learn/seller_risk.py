"""Learn: train a seller risk model on what was known at a date, judge it, and register it.

A model that misses a gate is registered as a candidate, with what it missed, and exit code 5; the
champion stays. In the local environment a model that passes all gates becomes champion.

examples:
  ./spark-submit.sh learn.seller_risk --ds 2026-06-30
  ./spark-submit.sh learn.seller_risk --ds 2026-06-30 --backend native
"""

from __future__ import annotations

import logging
import os
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.model_settings import SellerRisk, load_seller_risk
from conf.settings import Settings, load_labels_policy
from conf.tables import features
from jobs.arguments import Argument
from jobs.errors import ContractBroken, GateNotPassed, OutsideUnavailable
from jobs.lake.io import Lake
from jobs.learn import promotion
from jobs.models import SELLER_RISK, champion_or_none, registry
from jobs.seller_months import for_driver, labelled
from jobs.window import Window
from ml.splits import Months, TooLittle, split

if TYPE_CHECKING:
    from ml.registry import Registry, Version
    from ml.seller_risk.model import Model
    from ml.seller_risk.train import Chosen
    from ml.seller_risk.training import Data, Outcome

    Champion = tuple[Version, Model] | None

READS = (features.SELLER_SNAPSHOTS, features.SELLER_LABELS)
WRITES: tuple[()] = ()
LEASE = False  # minutes of work, and then a row
TURN_PATIENCE_SECONDS = 3_600.0
ARGUMENTS = (
    Argument("--backend", "who grows the trees of the final fit; default: as configured",
             choices=("synapse", "native")),
)  # fmt: skip

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, backend: str | None = None) -> None:
    with registry(settings) as models:  # asked first: a training for nothing takes minutes
        with lake.turn():  # a registry is made by one
            champion = champion_or_none(models, SELLER_RISK)
        _train(lake, settings, window.last, models, champion, backend)


def _train(
    lake: Lake, settings: Settings, known_on: date, models: Registry, champion: Champion,
    backend: str | None,
) -> None:  # fmt: skip
    from jobs.learn.candidates import of_risk
    from jobs.learn.registering import register
    from ml.seller_risk import training

    rules, threads = load_seller_risk(), _threads(lake.spark)
    rows = lake.settle(labelled(lake, known_on, load_labels_policy()))
    months = _split(rows, rules)
    used = rows.where(F.col("ds").isin([*months.train, *months.validation, *months.test]))
    seen = for_driver(used, rules.training.driver_rows_most)
    data = training.prepared(seen.toPandas(), months, rules)
    if data.empty:
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path}: {', '.join(data.empty)} has no value in any row "
            f"of the training months {months.train[0]} to {months.train[-1]}"
        )
    chosen = training.searched(data, rules, threads, log.info)
    text, parity = _grown(used, data, chosen, rules, backend or rules.training.backend)
    model = training.assembled(text, data, chosen, rules, known_on)

    def judged_against(other: Champion) -> Outcome:
        return training.judged(model, data, chosen, rules, threads, parity, other and other[1])

    outcome = judged_against(champion)
    with lake.turn():
        newest = champion_or_none(models, SELLER_RISK)
        if _number(newest) != _number(champion):
            log.info("version %s has become champion meanwhile: judged again", _number(newest))
            outcome = judged_against(newest)
        version = register(models, lake, of_risk(model, data, outcome, rules))
        if outcome.missed:
            raise GateNotPassed(
                f"{SELLER_RISK} version {version.number} is registered as a candidate; it missed: "
                f"{'; '.join(outcome.missed)}. The champion stays"
            )
        if rules.promotion == "automatic" and settings.env == "local":
            promotion.promote(models, lake, SELLER_RISK, version.number, "all gates are green")


def _number(champion: Champion) -> str | None:
    return champion[0].number if champion else None


def _split(rows: DataFrame, rules: SellerRisk) -> Months:
    """The split of the months with sure labels; ContractBroken says what is missing."""
    counts = rows.groupBy("ds").agg(F.count("*").alias("rows"), F.sum("label").alias("positives"))
    found = {row["ds"]: row for row in counts.collect()}
    try:
        months = split(list(found), rules.split)
    except TooLittle as error:
        raise ContractBroken(f"{features.SELLER_LABELS.path}: {error}") from None
    for part in ("train", "validation", "test"):
        days: tuple[date, ...] = getattr(months, part)
        positives, total = (sum(found[day][n] for day in days) for n in ("positives", "rows"))
        least = rules.split.positives_least
        if positives < least or positives == total:
            raise ContractBroken(
                f"{features.SELLER_LABELS.path}: the {part} months {days[0]} to {days[-1]} have "
                f"{positives} positive labels of {total}; at least {least} are needed"
                + (f", {least - positives} are missing" if positives < least else ", and not all")
            )
    return months


def _threads(spark: SparkSession) -> int:
    """Of this process: the cores that Spark has here, or all where Spark works elsewhere."""
    return spark.sparkContext.defaultParallelism if _is_here(spark) else os.cpu_count() or 1


def _is_here(spark: SparkSession) -> bool:
    """One process is the driver and all executors: its tasks would only send each other what its
    threads share."""
    return str(spark.sparkContext.master).startswith("local[")


def _threads_of_executors(spark: SparkSession) -> int:
    if _is_here(spark):
        return _threads(spark)
    return int(spark.conf.get("spark.executor.cores", None) or 1)


def _grown(
    used: DataFrame, data: Data, chosen: Chosen, rules: SellerRisk, backend: str
) -> tuple[str, float]:
    """(LightGBM's text, the largest distance of the trainer's own scores from its text's)."""
    from ml.seller_risk import distributed, training

    slots = used.sparkSession.sparkContext.defaultParallelism
    wanted = 1 if _is_here(used.sparkSession) else rules.training.tasks
    tasks = min(wanted, slots)
    if tasks < wanted:
        log.warning("%d tasks instead of %d: there are no more cores, and the trees will differ",
                    tasks, wanted)  # fmt: skip
    threads = max(1, min(_threads_of_executors(used.sparkSession), slots // tasks))
    train = training.encoded(used.where(F.col("ds").isin(list(data.months.train))), data.encoding)
    log.info("growing %d trees with %s in %d tasks", chosen.rounds, backend, tasks)
    if backend == "native":
        return distributed.fit_native(train, chosen, tasks, threads), 0.0
    try:
        text, fitted = distributed.fit_synapse(train, chosen, tasks, threads)
    except Exception as error:
        raise OutsideUnavailable(
            f"SynapseML could not train ({error}); the same command is safe to run again, and "
            "--backend native trains without it"
        ) from error
    return text, distributed.parity(train, fitted, text)
