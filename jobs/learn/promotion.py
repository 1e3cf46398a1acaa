"""Moving the alias `champion`: what would change, and the log of who moved it and why."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from conf.tables import features, meta
from jobs.errors import GateNotPassed
from jobs.lake.io import Lake
from jobs.learn.rows import snapshot
from jobs.models import SELLER_RISK, SELLER_SEGMENTS, version_model
from jobs.seller_months import on_days
from ml.artefact import OtherContract

if TYPE_CHECKING:
    from ml.registry import Registry, Version

QUEUE = ("critical", "high")
"""The bands whose sellers people look at."""
GATES, MISSED, LEAKAGE = "gates", "missed", "leakage"
"""Tags of a version: passed or missed; what was missed; the features that know the label."""
NONE = "none"

log = logging.getLogger(__name__)


def require_fit(version: Version, accept_missed: bool) -> None:
    """GateNotPassed for a version with a leak, or with gates that it missed and nobody accepts."""
    what = f"{version.name} version {version.number}"
    if (leaks := version.tags.get(LEAKAGE, NONE)) != NONE:
        raise GateNotPassed(
            f"{what} cannot become champion: {leaks} looks as if it knew the label; mend the "
            "feature, or take it out of the contract, and train again"
        )
    if version.tags.get(GATES) == "missed" and not accept_missed:
        raise GateNotPassed(
            f"{what} missed gates: {version.tags.get(MISSED, '')}; a reviewer who accepts that "
            "adds --accept-missed"
        )


def promote(models: Registry, lake: Lake, name: str, number: str, why: str) -> None:
    """Makes a version champion; the one before it stays known as the previous champion."""
    from ml.registry import CHAMPION, PREVIOUS

    before, version = models.champion(name), models.version(name, number)
    if before is not None and before.number == version.number:
        log.info("%s version %s is champion already", name, number)
        return
    changed = foreseen(models, lake, name, number)
    if before is not None:
        log.info("with version %s instead of %s: %s", number, before.number, changed)
        models.point(name, before.number, PREVIOUS)
    models.point(name, version.number, CHAMPION)
    lake.append(meta.MODEL_PROMOTIONS, [{
        "model": name, "version": version.number, "why": why, "run_id": lake.run_id,
        "previous_version": before.number if before else None,
        "changes": json.dumps(changed) if changed else None,
    }])  # fmt: skip
    log.info("%s version %s is champion: %s", name, number, why)


def foreseen(models: Registry, lake: Lake, name: str, number: str) -> dict[str, Any] | None:
    """What changes if a version becomes champion; None where there is no champion before it. Reads
    the version's files, which are checked."""
    before, after = models.champion(name), version_model(models, name, number)
    if before is None:
        return None
    try:
        champion = version_model(models, name, before.number)
    except OtherContract as error:  # what can no longer be used can still be replaced
        return {"not_comparable": str(error)}
    newest = lake.newest_ds(features.SELLER_SNAPSHOTS)
    if newest is None:
        return None
    return {"ds": str(newest), **CHANGES[name](lake, champion, after, newest)}


def _of_risk(lake: Lake, before: Any, after: Any, ds: date) -> dict[str, Any]:
    """Sellers by band with either model, and who enters or leaves the queue."""
    from ml.seller_risk.encoding import columns_of

    shared = lake.spark.sparkContext.broadcast((before, after))

    def banded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = columns_of(batch)
            names = [pa.array(m.band(m.margin(columns)), pa.string()) for m in shared.value]
            yield pa.RecordBatch.from_arrays(names, ["before", "after"])

    both = snapshot(lake, ds).mapInArrow(banded, "before string, after string")
    counts = {(r["before"], r["after"]): r["count"]
              for r in both.groupBy("before", "after").count().collect()}  # fmt: skip
    sides: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    queued: Counter[tuple[bool, bool]] = Counter()
    for (old, new), count in counts.items():
        sides["before"][old] += count
        sides["after"][new] += count
        queued[old in QUEUE, new in QUEUE] += count
    return {
        "swap_ins": sum(n for (old, new), n in queued.items() if new and not old),
        "swap_outs": sum(n for (old, new), n in queued.items() if old and not new),
        **{name: dict(sorted(found.items())) for name, found in sides.items()},
    }  # fmt: skip


def _of_segments(lake: Lake, before: Any, after: Any, ds: date) -> dict[str, Any]:
    """Sellers by segment with either version, and how many change their segment's id."""
    from ml.seller_segments.behaviour import ORDERS, PUBLISHED
    from ml.seller_segments.distributed import assigned

    rows = on_days(lake, sorted({ds, *before.ends(ds), *after.ends(ds)}))
    if PUBLISHED in (before.transforms.counts, after.transforms.counts) and not (
        rows.where(f"{ORDERS} is null").isEmpty()
    ):
        return {"not_comparable": f"{ORDERS} is no longer published for all sellers"}
    old, new = (
        assigned(rows, model, ds).select("seller_id", F.col("segment_id").alias(name))
        for model, name in ((before, "before"), (after, "after"))
    )
    pairs = old.join(new, "seller_id").groupBy("before", "after").count().collect()
    sides: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    for row in pairs:
        for name, counted in sides.items():
            counted[str(row[name])] += row["count"]
    return {
        "sellers_with_another_id": sum(row["count"] for row in pairs if row[0] != row[1]),
        **{name: dict(sorted(found.items())) for name, found in sides.items()},
    }


CHANGES = {SELLER_RISK: _of_risk, SELLER_SEGMENTS: _of_segments}
"""By model: what another champion changes on the newest snapshots."""
