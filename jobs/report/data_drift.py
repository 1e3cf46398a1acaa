"""Report how far the sellers' features have drifted from a frozen reference day.

examples:
  ./spark-submit.sh report.data_drift --ds 2026-03-31 --freeze
  ./spark-submit.sh report.data_drift --ds 2026-06-30
"""

from __future__ import annotations

import logging

from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import features, reports
from features import drift
from jobs.arguments import Argument
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.window import Window

READS = (features.SELLER_SNAPSHOTS,)
WRITES = (reports.FEATURE_REFERENCE, reports.FEATURE_DRIFT)
ARGUMENTS = (
    Argument("--freeze", "make this day the reference of itself and of later days",
             action="store_true", default=False),
)  # fmt: skip

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, freeze: bool = False) -> None:
    ds = F.lit(window.last)
    snapshots = lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds") == ds)
    if freeze:
        if snapshots.isEmpty():
            raise ContractBroken(
                f"{features.SELLER_SNAPSHOTS.path} has no rows of ds {window.last} to freeze: run "
                f"featurize.seller_snapshots --ds {window.last} first"
            )
        frozen = drift.reference(snapshots).withColumn("ds", ds)
        lake.replace_ds(reports.FEATURE_REFERENCE, frozen, [window.last])
    references = lake.read(reports.FEATURE_REFERENCE).where(F.col("ds") <= ds)
    newest = references.agg(F.max("ds").alias("ds")).first()
    if newest is None or newest["ds"] is None:
        log.info("no reference is frozen yet: --freeze makes %s one", window.last)
        return
    rows = drift.drift(snapshots, references.where(F.col("ds") == F.lit(newest["ds"])))
    dated = rows.withColumns({"ds": ds, "reference_ds": F.lit(newest["ds"])})
    lake.replace_ds(reports.FEATURE_DRIFT, dated, [window.last])
    for row in dated.where("psi >= 0.1").orderBy(F.col("psi").desc()).limit(36).collect():
        log.warning("%s drifted since %s: PSI %.3f, missing %.1f %% against %.1f %%",
                    row["feature"], newest["ds"], row["psi"], 100 * row["missing_share"],
                    100 * row["reference_missing_share"])  # fmt: skip
