"""Report which method is for what: the risk model or the segments, measured on the same months.

Both are learnt here from the training months that learn.seller_risk would take, and measured on its
test months; champions are not touched. Written to pages/seller_methods/<ds>.html and .md, and
logged to the registry.

examples:
  ./spark-submit.sh report.compare_seller_methods --ds 2026-06-30
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import functions as F

from conf.method_settings import load_seller_methods
from conf.model_settings import SellerRisk, SellerSegments, load_seller_risk, load_seller_segments
from conf.settings import Settings, load_labels_policy
from conf.tables import features
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.models import registry
from jobs.report import html
from jobs.seller_months import behaviour_of, for_driver, labelled, on_days
from jobs.window import Window
from ml.splits import TooLittle, split

if TYPE_CHECKING:
    from ml.comparison import Part
    from ml.registry import Registry
    from ml.seller_risk.training import Data
    from ml.seller_segments.model import Model

READS = (features.SELLER_SNAPSHOTS, features.SELLER_LABELS)
WRITES = ()
NAME = "seller_methods"
RESAMPLES, HALF_SAMPLES = 20, 5
"""Of the search for k here: it needs the number only, and no figures for a card."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Segmented:
    """Segments fitted on the training months alone, of all rows of training and test."""

    model: Model
    of_row: dict[tuple[date, str], int]
    kept: float
    noise_kept: float
    seconds: float
    missed: Sequence[str]  # gates that no k passed


def run(lake: Lake, settings: Settings, window: Window) -> None:
    from ml import comparison, recommendation
    from ml.seller_segments.transforms import NoCounts, TooFew

    rules = load_seller_methods()
    with registry(settings) as models:  # asked first: a comparison takes minutes
        data, columns = _data(lake, window.last, load_seller_risk())
        try:
            segmented = _segmented(lake, data, load_seller_segments())
        except (TooFew, NoCounts) as error:
            raise ContractBroken(f"{features.SELLER_SNAPSHOTS.path}: {error}") from None
        train, test = (_part(data, columns, segmented, days)
                       for days in (data.months.train, data.months.test))  # fmt: skip
        log.info("comparing on %d training and %d test rows", len(train), len(test))
        try:
            found = comparison.compared(train, test, rules, os.cpu_count() or 1,
                                        segmented.model.every_name)  # fmt: skip
        except TooLittle as error:
            raise ContractBroken(f"{features.SELLER_LABELS.path}: {error}") from None
        said = recommendation.recommendations(found, rules)
        pages = _pages(found, said, rules, segmented, window.last)
        for ending, text in pages.items():
            html.write_text(lake.spark, f"{lake.root}/pages/{NAME}/{window.last}.{ending}", text)
        _log_to(models, comparison.metrics(found), pages, window.last)
    for one in said:
        log.info("%s: %s", one.use, one.sentence)
    log.info("wrote %s/pages/%s/%s.html and .md", lake.root, NAME, window.last)


def _data(lake: Lake, known_on: date, rules: SellerRisk) -> tuple[Data, dict[str, Any]]:
    """The labelled rows as a training of the risk model sees them, and their raw columns."""
    from ml.seller_risk import training

    rows = labelled(lake, known_on, load_labels_policy())
    days = [row["ds"] for row in rows.select("ds").distinct().collect()]
    try:
        months = split(days, rules.split)
    except TooLittle as error:
        raise ContractBroken(f"{features.SELLER_LABELS.path}: {error}") from None
    used = rows.where(F.col("ds").isin([*months.train, *months.test]))
    frame = for_driver(used, rules.training.driver_rows_most).toPandas()
    data = training.prepared(frame, months, rules)
    if data.empty:
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path}: {', '.join(data.empty)} has no value in any row of "
            f"the training months {months.train[0]} to {months.train[-1]}"
        )
    return data, dict(data.columns)


def _segmented(lake: Lake, data: Data, rules: SellerSegments) -> Segmented:
    """Segments fitted at the last training month by the search alone, at the k that it finds with
    fewer resamples; where no k passes, the least, and the page says so.

    Tests look back on month-ends of the gap too: behaviour, no labels.
    """
    from ml.seller_segments import stability, train
    from ml.seller_segments.behaviour import month_ends_to

    few = replace(rules.search, resamples=min(rules.search.resamples, RESAMPLES),
                  half_samples=min(rules.search.half_samples, HALF_SAMPLES))  # fmt: skip
    rules, last = replace(rules, search=few), data.months.train[-1]
    days = sorted({day for end in (*data.months.train, *data.months.test)
                   for day in month_ends_to(end, rules.month_ends)})  # fmt: skip
    rows = behaviour_of(on_days(lake, days), rules.features, rules.search.driver_rows_most)
    began = time.perf_counter()
    known = train.prepared(rows.of(rows.ds <= np.datetime64(last)), last, rules)
    refits = train.refitted(known, rules, log.info)
    table = [train.judge(known, refits.best[k], refits, rules) for k in sorted(refits.best)]
    passing = [one for one in table if not one.missed] or table[:1]
    chosen = passing[-1]
    outcome = train.assembled(known, chosen, refits.best[chosen.k], [chosen], refits, rules, last,
                              None, 0)  # fmt: skip
    seconds = time.perf_counter() - began
    model, of_row = outcome.model, {}
    distances = model.distances(model.matrix(rows))
    for day in (*data.months.train, *data.months.test):
        ends = month_ends_to(day, rules.month_ends)
        sellers, at_ends = model.smoothed(rows, ends, distances)
        of_row.update({(day, seller): int(n) for seller, n in zip(sellers, at_ends[:, -1],
                                                                 strict=True)})  # fmt: skip
    return Segmented(
        model, of_row, chosen.kept, stability.noise_kept(model, rows, last, rules.search.seed),
        seconds, chosen.missed,
    )  # fmt: skip


def _part(data: Data, columns: dict[str, Any], segmented: Segmented, days: Any) -> Part:
    from ml.comparison import Part
    from ml.seller_segments.smoothing import ABSENT

    mine = data.part(*days)
    rows = data.rows.of(mine)
    here = {name: values[mine] for name, values in columns.items()}
    medians = data.encoding.medians["gmv_30d"]
    overall = medians[""]
    median = np.array([medians.get(place, overall) for place in here["marketplace"]], float)
    acted = (np.nan_to_num(here["suspension_history"]) > 0) | (
        np.nan_to_num(here["policy_warnings_90d"]) > 0
    )
    keys = zip(rows.month, rows.seller.astype(str), strict=True)
    # Of a large table this process may see fewer sellers' months than labels.
    segment = np.array([segmented.of_row.get(key, ABSENT) for key in keys])
    whole = Part(rows, here["marketplace"], here["gmv_30d"] / median, segment, acted)
    return whole.of(segment != ABSENT)


def _pages(found: Any, said: Any, rules: Any, segmented: Segmented, ds: date) -> dict[str, str]:
    from jobs.report.methods_page import page_of

    page = page_of(
        found, said, rules, ds=ds, segmentation_s=segmented.seconds,
        stability={"kept": segmented.kept, "noise_kept": segmented.noise_kept},
        notes=[f"No number of segments passed all gates: {sentence}." for sentence in
               segmented.missed],
    )  # fmt: skip
    return {"html": html.rendered(NAME, page=page), "md": html.markdown(NAME, page=page)}


def _log_to(models: Registry, metrics: dict[str, float], pages: dict[str, str], ds: date) -> None:
    import mlflow

    with models.run(NAME, f"{NAME} {ds}"), tempfile.TemporaryDirectory() as folder:
        mlflow.set_tag("ds", str(ds))
        mlflow.log_metrics(metrics)
        for ending, text in pages.items():
            Path(folder, f"{NAME}.{ending}").write_text(text, encoding="utf-8")
        mlflow.log_artifacts(folder, "page")
