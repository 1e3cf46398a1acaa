"""Report the segments of sellers on a month-end, as rows and as a page: pages/segments/<ds>.html.

Their size and GMV, what sets them apart, how they changed and why, the risk that followed, and who
does what about them. About the newest month-end up to the date, and written under it.

examples:
  ./spark-submit.sh report.segments --ds 2026-06-30
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.currencies import exponent
from conf.model_settings import SellerSegments, load_seller_segments
from conf.settings import Settings
from conf.tables import features, reports, scores
from jobs.errors import NoChampion
from jobs.lake.io import Lake
from jobs.models import SELLER_SEGMENTS, registry, version_model
from jobs.report import html, segments_page
from jobs.report.segments_page import Segment
from jobs.seller_months import behaviour_of, on_days
from jobs.window import Window

if TYPE_CHECKING:
    from ml.evaluation import Interval
    from ml.seller_segments.model import Model
    from ml.seller_segments.profile import Sheet

READS = (scores.SELLER_SEGMENTS, features.SELLER_SNAPSHOTS, features.SELLER_LABELS,
         reports.SEGMENT_HEALTH)  # fmt: skip
WRITES = (reports.SEGMENTS, reports.SEGMENT_FLOWS)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Change:
    """How segments changed since the month-end before, both by the same version."""

    counts: Mapping[tuple[int, int], tuple[int, Sequence[int]]]  # sellers and families' weights
    published: Mapping[int, int]  # sizes as they were published
    total: int
    total_before: int


def run(lake: Lake, settings: Settings, window: Window) -> None:
    from ml.seller_segments.behaviour import month_ends_to

    rules = load_seller_segments()
    before, ds = month_ends_to(window.last, 2)
    assigned = lake.settle(_assigned(lake, ds))
    newest = assigned.select("model_version").first()
    if newest is None:
        raise NoChampion(
            f"{scores.SELLER_SEGMENTS.path} has no rows of the month-end {ds}: run "
            f"learn.assign_segments --ds {ds} first, with a champion"
        )
    with registry(settings) as models:
        model = version_model(models, SELLER_SEGMENTS, newest["model_version"])
    found, sheet = _segments(lake, assigned, model, rules, ds)
    change = _change(lake, model, before, ds)
    flows = _flows(model, change)
    version = newest["model_version"]
    _write(lake, reports.SEGMENTS, [segment.row(ds, version) for segment in found], ds)
    _write(lake, reports.SEGMENT_FLOWS, [(ds, *flow, version) for flow in flows], ds)
    health = lake.read(reports.SEGMENT_HEALTH).where(F.col("ds") == F.lit(ds)).collect()
    page = segments_page.page(
        found, flows, {pair: sellers for pair, (sellers, _) in change.counts.items()}, sheet,
        [row.asDict() for row in health], ds, version,
    )  # fmt: skip
    path = f"{lake.root}/pages/{reports.SEGMENTS.name}/{ds}.html"
    html.write_text(lake.spark, path, html.rendered("segments", page=page))
    log.info("wrote %s", path)


def _assigned(lake: Lake, ds: date) -> DataFrame:
    return lake.read(scores.SELLER_SEGMENTS).where(F.col("ds") == F.lit(ds))


def _segments(
    lake: Lake, assigned: DataFrame, model: Model, rules: SellerSegments, ds: date
) -> tuple[list[Segment], Sheet]:
    """Every segment with what is known of it, and the sheet of rules."""
    from ml.seller_risk.train import half_of
    from ml.seller_segments import profile

    sizes = {row["segment_id"]: row["count"]
             for row in assigned.groupBy("segment_id").count().collect()}  # fmt: skip
    names, gmv = _names(assigned, model), _gmv(lake, assigned, ds)
    risk_ds, risks = _risks(lake, model, ds)
    rows = behaviour_of(on_days(lake, [ds]), model.features, rules.search.driver_rows_most)
    of_seller = {row["seller_id"]: row["segment_id"] for row in _of_these(assigned, rows).collect()}
    own = np.array([of_seller[seller] for seller in rows.seller])
    matrix, known = model.matrix(rows), own > 0
    effects = profile.effects(matrix[known], own[known], model.ids)
    found = []
    for segment in sorted(names):
        row = effects[model.ids.index(segment)] if segment in model.ids else None
        owner = rules.owners[_family(row, model, rules)]
        values = rows.values[owner.watch][own == segment] if owner.watch in rows.values else []
        found.append(Segment(
            segment_id=segment, name=names[segment], sellers=sizes.get(segment, 0),
            share=sizes.get(segment, 0) / max(sum(sizes.values()), 1), gmv=gmv.get(segment, []),
            effects=[] if row is None else _largest(row, model), risk=risks.get(segment),
            risk_ds=risk_ds, owner=owner,
            watch_value=float(np.nanmedian(values)) if np.isfinite(values).any() else None,
        ))  # fmt: skip
    sheet = profile.sheet(_readable(rows, model), own, half_of(rows.seller))
    return found, sheet


def _of_these(assigned: DataFrame, rows: Any) -> DataFrame:
    """The segments of the sellers whom this process sees, which may be a part of all."""
    seen = assigned.sparkSession.createDataFrame([(s,) for s in rows.seller], "seller_id string")
    return assigned.join(seen, "seller_id").select("seller_id", "segment_id")


def _names(assigned: DataFrame, model: Model) -> dict[int, str]:
    published = assigned.select("segment_id", "segment_name").distinct().collect()
    return {**model.every_name, **{row["segment_id"]: row["segment_name"] for row in published}}


def _family(effects: Any, model: Model, rules: SellerSegments) -> str:
    """Whose segment it is: the family that stands out on the bad side, or none."""
    from ml.seller_segments.profile import bad_family

    if effects is None:
        return "none"
    family = bad_family(effects, model.coordinates, model.features,
                        rules.gates.distinct_effect_least)  # fmt: skip
    return family if family is not None and family in rules.owners else "none"


def _largest(effects: Any, model: Model) -> list[tuple[str, float]]:
    order = np.argsort(-np.abs(effects), kind="stable")
    return [(model.coordinates[n], float(effects[n])) for n in order]


def _readable(rows: Any, model: Model) -> dict[str, Any]:
    """Features in units that people know; money as times of the marketplace's median, because a
    rule is for all currencies."""
    from ml.seller_segments.transforms import OVERALL, orders_90d

    found = {
        "tenure_days": rows.tenure_days,
        "orders of 90 days": orders_90d(rows, model.transforms.counts),
    }
    for name, scale in model.transforms.scales.items():
        values = rows.values[name]
        if scale.medians is not None:
            medians = np.expm1([scale.medians.get(m, scale.medians[OVERALL])
                                for m in rows.marketplace])  # fmt: skip
            name, values = f"{name} / marketplace median", values / np.maximum(medians, 1e-9)
        found[name] = values
    return found


def _gmv(lake: Lake, assigned: DataFrame, ds: date) -> dict[int, list[tuple[str, int, float]]]:
    """By segment: (currency, minor units, share of all sellers' GMV in it)."""
    snapshots = on_days(lake, [ds]).select("seller_id", "currency", "gmv_30d")
    sums = (
        assigned.select("seller_id", "segment_id").join(snapshots, "seller_id")
        .where("currency is not null")
        # Whole units before the sum: that of doubles depends on the order of the rows.
        .groupBy("segment_id", "currency")
        .agg(F.sum(F.round(F.col("gmv_30d") * 10_000).cast("bigint")).alias("parts"))
        .collect()
    )  # fmt: skip
    totals: dict[str, int] = {}
    for row in sums:
        totals[row["currency"]] = totals.get(row["currency"], 0) + (row["parts"] or 0)
    found: dict[int, list[tuple[str, int, float]]] = {}
    for row in sorted(sums, key=lambda row: -(row["parts"] or 0)):
        parts, currency = row["parts"] or 0, row["currency"]
        minor = round(parts * 10 ** exponent(currency) / 10_000)
        share = parts / totals[currency] if totals[currency] else 0.0
        found.setdefault(row["segment_id"], []).append((currency, minor, share))
    return found


def _risks(
    lake: Lake, model: Model, ds: date
) -> tuple[date | None, dict[int, tuple[Interval, int]]]:
    """(the newest month-end whose labels are sure on ds, rate and sellers by segment then)."""
    from ml.evaluation import wilson
    from ml.seller_segments.distributed import assigned

    sure = lake.read(features.SELLER_LABELS).where(
        (F.col("label_available_on") <= F.lit(ds)) & F.col("high_risk_60d").isNotNull()
        & (F.last_day("ds") == F.col("ds"))
    )  # fmt: skip
    newest = sure.agg(F.max("ds").alias("ds")).first()
    if newest is None or newest["ds"] is None:
        return None, {}
    then: date = newest["ds"]
    segments = assigned(lake.read(features.SELLER_SNAPSHOTS), model, then)
    labels = sure.where(F.col("ds") == F.lit(then)).select("seller_id", "high_risk_60d")
    counts = segments.join(labels, "seller_id").groupBy("segment_id").agg(
        F.count_if("high_risk_60d").alias("positives"), F.count("*").alias("sellers")
    )  # fmt: skip
    return then, {
        row["segment_id"]: (wilson(row["positives"], row["sellers"]), row["sellers"])
        for row in counts.collect()
    }


def _change(lake: Lake, model: Model, before: date, ds: date) -> Change:
    from ml.seller_segments.distributed import moved
    from ml.seller_segments.flows import sizes_before
    from ml.seller_segments.smoothing import ABSENT

    rows = moved(lake.read(features.SELLER_SNAPSHOTS), model, before, ds).collect()
    counts = {(row["before"], row["now"]): (row["sellers"], list(row["families"])) for row in rows}
    recomputed = sizes_before(counts)
    sizes = _assigned(lake, before).groupBy("segment_id").count().collect()
    published = {row["segment_id"]: row["count"] for row in sizes}
    if not published and recomputed:
        log.warning("%s has no rows of %s: what another version changed is not known",
                    scores.SELLER_SEGMENTS.path, before)  # fmt: skip
    published = published or recomputed
    now = sum(sellers for (_, then), (sellers, _) in counts.items() if then != ABSENT)
    return Change(counts, published, now, sum(published.values()))


def _flows(model: Model, change: Change) -> list[tuple[int, str, str, str, float, float]]:
    """(segment, part, family, counterpart, sellers, share), the parts of each change."""
    from ml.seller_segments.flows import denominator, families, parts

    if not change.total_before:
        return []
    found = [
        (part.segment, part.part, part.family, "" if part.other is None else str(part.other),
         float(part.sellers), part.sellers / change.total)
        for part in parts(change.counts, change.published, families(model))
    ]  # fmt: skip
    found += [
        (segment, "denominator", "", "", 0.0, denominator(size, change.total_before, change.total))
        for segment, size in sorted(change.published.items())
    ]
    return found


def _write(lake: Lake, table: Any, rows: list[Any], ds: date) -> None:
    types = ", ".join(f"`{name}` {table.column(name).type}" for name in table.column_names)
    lake.replace_ds(table, lake.spark.createDataFrame(rows, types), [ds])
