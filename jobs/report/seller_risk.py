"""Report the riskiest sellers of a date, with reasons, as a page: pages/seller_risk/<ds>.html.

Also who moved most since the day before, the share of each band, and how the model is doing.

examples:
  ./spark-submit.sh report.seller_risk --ds 2026-06-30
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import reports, scores
from jobs.errors import NoChampion
from jobs.lake.io import Lake
from jobs.report import html, wording
from jobs.window import Window

READS = (scores.SELLER_RISK, reports.MODEL_HEALTH)
WRITES = ()

RISKIEST, MOVERS = 25, 10
BANDS = ("critical", "high", "elevated", "normal")
HEALTH = {
    "score_psi": ("Drift of scores", "population stability; above 0.25 the scores have changed"),
    "feature_psi": ("Drift of features", "population stability, by their part in the model"),
    "expected_average_precision": ("Average precision, expected", "if the probabilities hold"),
    "realised_average_precision": ("Average precision, realised", "on labels that are sure now"),
    "realised_calibration_error": ("Calibration error, realised", "on labels that are sure now"),
    "additivity": ("Reasons add up", "log odds by which they miss, at most"),
    "model_age_days": ("Age of the model", "days since what it was trained on was known"),
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seller:
    """A seller as the page shows him: `change` in percentage points since the day before."""

    name: str
    probability: str
    band: str
    change: str
    tone: str
    reasons: Sequence[Mapping[str, Any]]


def run(lake: Lake, settings: Settings, window: Window) -> None:
    ds = window.last
    today = _scores(lake, ds)
    if today.isEmpty():
        raise NoChampion(
            f"{scores.SELLER_RISK.path} has no rows of ds {ds}: run "
            f"learn.score_seller_risk --ds {ds} first, with a champion"
        )
    both = lake.settle(_with_before(today, _scores(lake, window.earlier(1).last)))
    rendered = html.rendered("seller_risk", page=page(both, _health(lake, ds), ds))
    path = f"{lake.root}/pages/{scores.SELLER_RISK.name}/{ds}.html"
    html.write_text(lake.spark, path, rendered)
    log.info("wrote %s", path)


def page(both: DataFrame, health: Mapping[str, float | None], ds: date) -> dict[str, Any]:
    """What the page says, as plain values: a few dozen sellers and some counts."""
    bands = {row["band"]: row for row in _bands(both).collect()}
    sellers = sum(row["sellers"] for row in bands.values())
    critical = bands["critical"]["sellers"] if "critical" in bands else 0
    has_before = any(row["known_before"] for row in bands.values())
    moved = F.abs("change").desc(), F.col("seller_id")
    return {
        "date_text": wording.day(ds),
        "headline": f"{critical:,} of {sellers:,} sellers are in critical condition",
        "bands": [_band(name, bands.get(name), sellers, has_before) for name in BANDS],
        "riskiest": [_seller(row) for row in
                     both.orderBy(F.col("margin").desc(), "seller_id").limit(RISKIEST).collect()],
        "movers": [_seller(row) for row in
                   both.where("change is not null").orderBy(*moved).limit(MOVERS).collect()],
        "health": [_figure(name, health) for name in HEALTH if name in health],
        "version": next((row["version"] for row in bands.values()), ""),
    }  # fmt: skip


def _scores(lake: Lake, ds: date) -> DataFrame:
    return lake.read(scores.SELLER_RISK).where(F.col("ds") == F.lit(ds))


def _with_before(today: DataFrame, before: DataFrame) -> DataFrame:
    """Today's scores with the change since the day before, where the same version gave both."""
    then = before.select(
        "seller_id", "model_version", F.col("probability").alias("probability_before"),
        F.col("band").alias("band_before"),
    )  # fmt: skip
    change = F.col("probability") - F.col("probability_before")
    joined = today.join(then, ["seller_id", "model_version"], "left")
    return joined.withColumn("change", change)


def _bands(both: DataFrame) -> DataFrame:
    return both.groupBy("band").agg(
        F.count("*").alias("sellers"),
        F.count_if(F.col("band_before").isNotNull() & (F.col("band") != F.col("band_before")))
        .alias("came"),
        F.count("band_before").alias("known_before"),
        F.max("model_version").alias("version"),
    )  # fmt: skip


def _health(lake: Lake, ds: date) -> dict[str, float | None]:
    rows = lake.read(reports.MODEL_HEALTH).where(F.col("ds") == F.lit(ds)).collect()
    return {row["metric"]: row["value"] for row in rows}


def _band(name: str, row: Any, sellers: int, has_before: bool) -> dict[str, str]:
    count, came = (row["sellers"], row["came"]) if row else (0, 0)
    return {
        "label": name.capitalize(),
        "value": f"{count:,}",
        "share": f"{100 * count / max(sellers, 1):.1f} %",
        "came": f"{came:,} new since yesterday" if has_before else "",
    }


def _seller(row: Any) -> Seller:
    change = row["change"]
    return Seller(
        name=wording.name(row["seller_id"]), probability=f"{100 * row['probability']:.0f} %",
        band=row["band"], change="" if change is None else f"{100 * change:+.0f} points",
        tone="" if not change else "bad" if change > 0 else "good",
        reasons=[reason.asDict() for reason in row["reasons"]],
    )  # fmt: skip


def _number(name: str, value: float) -> str:
    if name.endswith("days"):
        return f"{value:.0f}"
    return f"{value:.0e}" if name == "additivity" else f"{value:.3f}"


def _figure(name: str, health: Mapping[str, float | None]) -> dict[str, str]:
    label, about = HEALTH[name]
    value = health[name]
    shown = "nothing to measure yet" if value is None else _number(name, value)
    return {"label": label, "about": about, "value": shown}
