"""Learn: the champion's risk of every active seller on a date, with reasons.

examples:
  ./spark-submit.sh learn.score_seller_risk --ds 2026-06-30
  ./spark-submit.sh learn.score_seller_risk --from 2026-01-01 --to 2026-06-30 --month-ends
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.model_settings import load_seller_risk
from conf.settings import Settings
from conf.tables import features, scores
from jobs.arguments import Argument
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.learn.rows import require_values, snapshot
from jobs.models import SELLER_RISK, champion, registry
from jobs.window import Window

if TYPE_CHECKING:
    from ml.seller_risk.model import Model

READS = (features.SELLER_SNAPSHOTS,)
WRITES = (scores.SELLER_RISK,)
ARGUMENTS = (
    Argument("--month-ends", "only the last days of months", action="store_true", default=False),
)

AT_ONCE = 100_000
"""Rows a task scores together: explaining costs as much for a thousand."""
SCORED = (
    "seller_id string, probability double, margin double, band string, "
    f"reasons {scores.REASONS}, additivity double"
)

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False) -> None:
    with registry(settings) as models:
        version, model = champion(models, SELLER_RISK)
    most = load_seller_risk().gates.additivity_most
    for ds in window.month_ends() if month_ends else window:
        rows = snapshot(lake, ds)
        require_values(rows, f"ds {ds}")
        _say_unseen(rows, model)
        scored = lake.settle(scores_of(lake.spark, rows, model))
        _require_whole(rows, scored, most, ds)
        hindsight = date.fromisoformat(str(model.trained["known_on"])) > ds
        dated = scored.withColumns(
            {"ds": F.lit(ds), "model_version": F.lit(version.number),
             "hindsight": F.lit(hindsight)}
        )  # fmt: skip
        lake.replace_ds(scores.SELLER_RISK, dated, [ds])


def _say_unseen(rows: DataFrame, model: Model) -> None:
    """Levels of categories that training has not seen share a code: scored, and said."""
    unseen = {name: F.count_if(~F.col(name).isin(list(levels)))
              for name, levels in model.encoding.codes.items()}  # fmt: skip
    found = rows.agg(*(count.alias(name) for name, count in unseen.items())).first()
    for name in unseen:
        if found is not None and found[name]:
            log.warning("%d sellers have a %s that the model has not seen; it scores them as "
                        "one of the rare ones", found[name], name)  # fmt: skip


def scores_of(spark: SparkSession, rows: DataFrame, model: Model) -> DataFrame:
    """SCORED, one row a seller. Each task takes its rows in large parts."""
    shared = spark.sparkContext.broadcast(model)

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in together(batches):
            yield from shared.value.scores(table).to_batches()

    return rows.drop("ds").mapInArrow(score, SCORED)


def together(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of a task in parts of about AT_ONCE."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= AT_ONCE:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _require_whole(rows: DataFrame, scored: DataFrame, most: float, ds: date) -> None:
    """Every active seller has a score, and reasons that add up to it."""
    found = scored.agg(F.count("*").alias("rows"), F.max("additivity").alias("off")).first()
    active = rows.count()
    assert found is not None
    if found["rows"] != active:
        raise ContractBroken(f"{found['rows']} of {active} active sellers of {ds} were scored")
    if not found["off"] <= most:
        raise ContractBroken(
            f"the contributions of {ds} miss the margin by up to {found['off']:.2e}, more than "
            f"{most:.0e}: the reasons would be wrong"
        )
    log.info("%s: %d sellers scored; contributions add up to %.1e", ds, active, found["off"])
