"""Learn: the segment of every active seller on a date, by the frozen champion.

A day between month-ends shows the smoothed segment of the last one, so days may come in any order.

examples:
  ./spark-submit.sh learn.assign_segments --ds 2026-06-30
  ./spark-submit.sh learn.assign_segments --from 2026-01-01 --to 2026-06-30 --month-ends
  ./spark-submit.sh learn.assign_segments --ds 2026-07-02 --newest-month-end
"""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import features, scores
from jobs.arguments import Argument
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.learn.rows import require_rows
from jobs.models import SELLER_SEGMENTS, champion, registry
from jobs.seller_months import on_days
from jobs.window import Window

if TYPE_CHECKING:
    from ml.seller_segments.model import Model

READS = (features.SELLER_SNAPSHOTS,)
WRITES = (scores.SELLER_SEGMENTS,)
ARGUMENTS = (
    Argument("--month-ends", "only the last days of months", action="store_true", default=False),
    Argument("--newest-month-end", "the last month-end up to the date, and not the date itself",
             action="store_true", default=False),
)  # fmt: skip

log = logging.getLogger(__name__)


def run(
    lake: Lake, settings: Settings, window: Window, *, month_ends: bool = False,
    newest_month_end: bool = False,
) -> None:  # fmt: skip
    from ml.seller_segments.behaviour import month_ends_to
    from ml.seller_segments.distributed import assigned

    if newest_month_end:
        window = Window.day(month_ends_to(window.last, 1)[0])
    with registry(settings) as models:
        version, model = champion(models, SELLER_SEGMENTS)
    for ds in window.month_ends() if month_ends else window:
        require_rows(lake, ds)
        rows = on_days(lake, _looked_at(model, ds))
        _require_counts(rows, model)
        _say_marketplaces(rows.where(F.col("ds") == F.lit(ds)), model, ds)
        _say_missing(rows, model, ds)
        found = lake.settle(assigned(rows, model, ds))
        hindsight = date.fromisoformat(str(model.trained["known_on"])) > ds
        dated = found.withColumns(
            {"ds": F.lit(ds), "model_version": F.lit(version.number),
             "hindsight": F.lit(hindsight)}
        )  # fmt: skip
        lake.replace_ds(scores.SELLER_SEGMENTS, dated, [ds])
        log.info("%s: assigned by version %s", ds, version.number)


def _looked_at(model: Model, ds: date) -> list[date]:
    """The date, and the month-ends that it looks back on."""
    return sorted({ds, *model.ends(ds)})


def _require_counts(rows: DataFrame, model: Model) -> None:
    """A version that was fitted on published counts never guesses them."""
    from ml.seller_segments.behaviour import ORDERS, PUBLISHED

    if model.transforms.counts != PUBLISHED:
        return
    if (lacking := rows.where(f"{ORDERS} is null").agg(F.min("ds").alias("ds")).first()) is None:
        return
    if lacking["ds"] is not None:
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path}, ds {lacking['ds']}: {ORDERS} is missing, and the "
            "champion was fitted on published counts: fit it anew with learn.seller_segments, or "
            "publish the snapshots with their counts"
        )


def _say_marketplaces(rows: DataFrame, model: Model, ds: date) -> None:
    from ml.seller_segments.behaviour import UNKNOWN

    places = rows.select("marketplace").distinct().collect()
    here = {row["marketplace"] or UNKNOWN for row in places}
    if vanished := model.vanished(here):
        log.warning("%s: no seller of marketplace %s is left", ds, ", ".join(vanished))
    if unseen := model.unseen(here):
        log.warning("%s: the champion has not seen marketplace %s: its money is taken relative to "
                    "the median of all", ds, ", ".join(unseen))  # fmt: skip


def _say_missing(rows: DataFrame, model: Model, ds: date) -> None:
    here = {row["ds"] for row in rows.select("ds").distinct().collect()}
    days = _looked_at(model, ds)
    if missing := [str(day) for day in days if min(here) < day and day not in here]:
        log.warning("%s: no snapshots of the month-ends %s: segments are smoothed without them", ds,
                    ", ".join(missing))  # fmt: skip
