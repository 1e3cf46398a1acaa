"""Report how the seller risk model is doing: drift, age, and what labels say once they are sure.

examples:
  ./spark-submit.sh report.model_health --ds 2026-06-30
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.model_settings import load_seller_risk
from conf.settings import Settings, load_labels_policy
from conf.tables import features, reports, scores
from features import model_health
from jobs.errors import NoChampion
from jobs.lake.io import Lake
from jobs.models import SELLER_RISK, registry, version_model
from jobs.window import Window

if TYPE_CHECKING:
    from ml.seller_risk.model import Model

READS = (scores.SELLER_RISK, features.SELLER_LABELS, reports.FEATURE_DRIFT)
WRITES = (reports.MODEL_HEALTH,)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Figure:
    """One row of reports/model_health, but for ds and model."""

    metric: str
    about_ds: date
    value: float | None
    model_version: str
    note: str


def run(lake: Lake, settings: Settings, window: Window) -> None:
    ds = window.last
    scored = lake.settle(lake.read(scores.SELLER_RISK).where(F.col("ds") == F.lit(ds)))
    newest = scored.select("model_version").first()
    if newest is None:
        raise NoChampion(
            f"{scores.SELLER_RISK.path} has no rows of ds {ds}: run "
            f"learn.score_seller_risk --ds {ds} first, with a champion"
        )
    version = newest["model_version"]
    with registry(settings) as models:
        model = version_model(models, SELLER_RISK, version)
    figures = [*_now(lake, scored, model, version, ds), *_realised(lake, ds)]
    rows = [
        (ds, SELLER_RISK, f.metric, f.about_ds, f.value, f.model_version, f.note) for f in figures
    ]
    names = reports.MODEL_HEALTH.column_names
    types = ", ".join(f"{name} {reports.MODEL_HEALTH.column(name).type}" for name in names)
    lake.replace_ds(reports.MODEL_HEALTH, lake.spark.createDataFrame(rows, types), [ds])
    for figure in figures:
        log.info("%-28s %s (%s)", figure.metric, figure.value, figure.note)


def _now(lake: Lake, scored: DataFrame, model: Model, version: str, ds: date) -> Iterator[Figure]:
    known_on = date.fromisoformat(str(model.trained["known_on"]))
    drift = lake.read(reports.FEATURE_DRIFT).where(F.col("ds") == F.lit(ds))
    figures = {
        "sellers": (float(scored.count()), "active sellers scored"),
        "score_psi": (_value(model_health.score_psi(scored, model.trained["tenths"],
                                                    model.trained["tenth_shares"])),
                      "margins against those of the sellers it was calibrated on"),
        "feature_psi": (_value(model_health.weighted_psi(drift, model.importance)),
                        "drift of features (report.data_drift), by their part in the model"),
        "expected_average_precision": (
            _value(model_health.average_precision(scored, "probability")),
            "if the probabilities are right"),
        "additivity": (_value(scored.agg(F.max("additivity").alias("value"))),
                       "log odds by which the contributions of some seller miss his margin"),
        "model_age_days": (float((ds - known_on).days), f"trained on what was known on {known_on}"),
    }  # fmt: skip
    for metric, (value, note) in figures.items():
        yield Figure(metric, ds, value, version, note)


def _realised(lake: Lake, ds: date) -> Iterator[Figure]:
    """Of the newest scores whose labels are all sure by ds."""
    sure = F.date_add("ds", load_labels_policy().sure_after_days) <= F.lit(ds)
    mature = lake.read(scores.SELLER_RISK).where(sure)
    newest = mature.agg(F.max("ds").alias("ds")).first()
    about = newest["ds"] if newest else None
    if about is None:
        log.info("no scores are old enough for their labels to be sure")
        return
    on_day = F.col("ds") == F.lit(about)
    labels = lake.read(features.SELLER_LABELS).where(on_day & F.col("high_risk_60d").isNotNull())
    labelled = lake.settle(
        mature.where(on_day).join(labels, ["ds", "seller_id"])
        .select("margin", "probability", F.col("high_risk_60d").cast("int").alias("label"),
                "model_version")
    )  # fmt: skip
    first = labelled.select("model_version").first()
    if first is None:
        return
    bins = load_seller_risk().evaluation.ece_bins
    note = f"scores of {about}, whose labels are sure"
    for metric, frame in (
        ("realised_average_precision", model_health.average_precision(labelled, "label")),
        ("realised_calibration_error", model_health.calibration_error(labelled, bins)),
    ):
        yield Figure(metric, about, _value(frame), first["model_version"], note)


def _value(frame: DataFrame) -> float | None:
    row = frame.first()
    return None if row is None or row["value"] is None else float(row["value"])
