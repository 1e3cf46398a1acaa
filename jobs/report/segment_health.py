"""Report whether the frozen seller segments still fit, and how stable they are.

About the newest month-end up to the date, and written under it.

examples:
  ./spark-submit.sh report.segment_health --ds 2026-06-30
"""

from __future__ import annotations

import logging

from conf.model_settings import load_seller_segments
from conf.settings import Settings
from conf.tables import features, reports
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.models import SELLER_SEGMENTS, champion, registry
from jobs.seller_months import behaviour_of, on_days
from jobs.window import Window

READS = (features.SELLER_SNAPSHOTS,)
WRITES = (reports.SEGMENT_HEALTH,)
LOOKS_BACK = 1
"""Month-ends before the newest that figures compare it with."""

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    from ml.seller_segments import health, stability
    from ml.seller_segments.behaviour import month_ends_to
    from ml.seller_segments.transforms import NoCounts

    rules = load_seller_segments()
    ds = month_ends_to(window.last, 1)[-1]
    with registry(settings) as models:
        version, model = champion(models, SELLER_SEGMENTS)
    ends = month_ends_to(ds, model.month_ends + LOOKS_BACK)
    rows = behaviour_of(on_days(lake, ends), model.features, rules.search.driver_rows_most)
    if not len(rows.on(ds)):
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path} has no rows of the month-end {ds}: run "
            f"featurize.seller_snapshots --ds {ds} first"
        )
    try:
        figures = health.figures(model, rows, ds, rules.triggers)
    except NoCounts as error:
        raise ContractBroken(f"{features.SELLER_SNAPSHOTS.path}: {error}") from None
    steps = stability.kept(model, rows, ends[-1 - LOOKS_BACK :])
    common, stay = sum(step[1] for step in steps), sum(step[2] for step in steps)
    measured = {
        **stability.of_fits(model, rows, ds, rules), "kept": stay / common if common else None,
        "noise_kept": stability.noise_kept(model, rows, ds, rules.search.seed),
    }  # fmt: skip
    every = [*figures, *health.stability_figures(measured, rules)]
    names = reports.SEGMENT_HEALTH.column_names
    types = ", ".join(f"{name} {reports.SEGMENT_HEALTH.column(name).type}" for name in names)
    written = [
        (ds, f.metric, f.about, f.value, f.bound, f.tripped, version.number, f.note) for f in every
    ]
    lake.replace_ds(reports.SEGMENT_HEALTH, lake.spark.createDataFrame(written, types), [ds])
    for figure in every:
        log.info("%-16s %-24s %s", figure.metric, figure.about, figure.value)
    for sentence in health.triggers(figures, rules.triggers):
        log.warning("a refit is due: %s", sentence)
