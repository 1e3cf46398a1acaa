"""Learn: segments of sellers by behaviour, from the last month-ends known at a date; frozen.

Where no number of segments passes all gates, the least one is registered as a candidate with what
it missed, exit code 5, and the frozen champion stays. In the local environment a version that
passes becomes champion. Segments that are the champion's keep their ids and names; others get new
ids, and meta/segment_crosswalks leads over.

examples:
  ./spark-submit.sh learn.seller_segments --ds 2026-06-30
  ./spark-submit.sh learn.seller_segments --ds 2026-06-30 --when-triggered
"""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Any

from conf.model_settings import SellerSegments, load_seller_segments
from conf.settings import Settings
from conf.tables import features, meta
from jobs.arguments import Argument
from jobs.errors import ContractBroken, GateNotPassed
from jobs.lake.io import Lake
from jobs.learn import promotion
from jobs.models import SELLER_SEGMENTS, champion_or_none, registry
from jobs.seller_months import behaviour_of, on_days
from jobs.window import Window

if TYPE_CHECKING:
    import numpy as np
    from pyspark.sql import DataFrame

    from ml.registry import Registry, Version
    from ml.seller_segments.behaviour import Behaviour
    from ml.seller_segments.model import Model
    from ml.seller_segments.train import Data, Outcome

    Champion = tuple[Version, Model] | None

READS = (features.SELLER_SNAPSHOTS,)
WRITES: tuple[()] = ()
LEASE = False  # minutes of work, and then a few rows
TURN_PATIENCE_SECONDS = 3_600.0
ARGUMENTS = (
    Argument("--when-triggered", "only if the champion no longer fits, or there is none",
             action="store_true", default=False),
)  # fmt: skip

BY_HAND, NO_CHAMPION = "asked for by hand", "there was no champion that knows the features"

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window, *, when_triggered: bool = False) -> None:
    from ml.seller_segments.transforms import NoCounts, TooFew

    with registry(settings) as models:  # asked first: a fit for nothing takes minutes
        with lake.turn():  # a registry is made by one
            champion = champion_or_none(models, SELLER_SEGMENTS)
        try:
            _learn(lake, settings, window.last, models, champion, when_triggered)
        except (TooFew, NoCounts) as error:
            raise ContractBroken(f"{features.SELLER_SNAPSHOTS.path}: {error}") from None


def _learn(
    lake: Lake, settings: Settings, known_on: date, models: Registry, champion: Champion,
    when_triggered: bool,
) -> None:  # fmt: skip
    from jobs.learn.candidates import of_segments
    from jobs.learn.registering import register

    rules = load_seller_segments()
    snapshots, rows = _read(lake, known_on, rules, champion)
    asked_by = [BY_HAND]
    if when_triggered:
        asked_by = _triggers(champion[1], rows, rules) if champion else [NO_CHAMPION]
    if champion and not asked_by:
        log.info("version %s still fits: no refit", champion[0].number)
        return
    data = _prepared(rows, known_on, rules)
    refits, table, final, centres = _searched(data, snapshots, rules)
    with lake.turn():
        newest = champion_or_none(models, SELLER_SEGMENTS)
        outcome = _assembled(data, final, centres, table, refits, rules, known_on, newest,
                             _ids_used(models))  # fmt: skip
        version = register(models, lake, of_segments(data, outcome, rules, asked_by))
        if newest is not None:
            _lead_over(lake, newest[0], version, outcome, rules)
        if outcome.missed:
            raise GateNotPassed(
                f"{SELLER_SEGMENTS} version {version.number} is registered as a candidate; with "
                f"{final.k} segments {'; '.join(outcome.missed)}. The champion stays"
            )
        if rules.promotion == "automatic" and settings.env == "local":
            promotion.promote(models, lake, SELLER_SEGMENTS, version.number, "all gates are green")


def _read(
    lake: Lake, known_on: date, rules: SellerSegments, champion: Champion
) -> tuple[DataFrame, Behaviour]:
    """(snapshots of the month-ends that are looked at, the same for this process), with what the
    champion looks at."""
    from ml.seller_segments.behaviour import columns, month_ends_to

    ends = month_ends_to(known_on, rules.month_ends + rules.gates.kept_steps)
    read = {**(champion[1].features if champion else {}), **rules.features}
    snapshots = lake.settle(on_days(lake, ends).select("ds", "seller_id", *columns(read)))
    rows = behaviour_of(snapshots, read, rules.search.driver_rows_most)
    here = {day.astype(object) for day in set(rows.ds)}
    pool = ends[-rules.month_ends :]
    if missing := [str(day) for day in pool if day not in here]:
        log.warning("%s has no rows of the month-ends %s: the fit does without them",
                    features.SELLER_SNAPSHOTS.path, ", ".join(missing))  # fmt: skip
    if not here & set(pool):
        raise ContractBroken(
            f"{features.SELLER_SNAPSHOTS.path} has no rows of the month-ends {pool[0]} to "
            f"{pool[-1]}: run featurize.seller_snapshots --month-ends for them first"
        )
    return snapshots, rows


def _triggers(model: Model, rows: Behaviour, rules: SellerSegments) -> list[str]:
    """Why the champion no longer fits, in sentences."""
    from ml.seller_segments import health
    from ml.seller_segments.transforms import NoCounts

    newest = rows.ds.max().astype(object)
    try:
        figures = health.figures(model, rows, newest, rules.triggers)
    except NoCounts:
        return ["the counts that the champion was fitted on are no longer published"]
    found = health.triggers(figures, rules.triggers)
    for sentence in found:
        log.info("refit: %s", sentence)
    return found


def _prepared(rows: Behaviour, known_on: date, rules: SellerSegments) -> Data:
    from ml.seller_segments import train

    data = train.prepared(rows, known_on, rules)
    if data.since is not None:
        log.warning("features are in other units before %s: older month-ends are left out",
                    data.since)  # fmt: skip
    for name, why in data.transforms.left_out.items():
        log.warning("%s is left out: %s", name, why)
    for place in train.vanished(data):
        log.warning("marketplace %s has no seller at the newest month-end %s", place, data.days[-1])
    log.info("%d seller-months of %s to %s, %d features, counts %s", len(data.pool), data.days[0],
             data.days[-1], data.matrix.shape[1], data.transforms.counts)  # fmt: skip
    return data


def _searched(data: Data, snapshots: DataFrame, rules: SellerSegments) -> Any:
    """(refits, one row a k, the chosen one, its final centres); the final fits are Spark's."""
    from pyspark.sql import functions as F

    from ml.seller_segments import distributed, train

    refits = train.refitted(data, rules, log.info)
    model = train.plain(data, next(iter(refits.best.values())), rules)
    pool = snapshots.where(F.col("ds").isin(list(data.days)))
    laid = distributed.points(pool, model, rules.fit.rows_a_partition).persist()
    try:

        def fit(k: int) -> np.ndarray[Any, Any]:
            return distributed.fit(laid, k, rules.fit, rules.search, log.info)

        return refits, *train.chosen(data, refits, fit, rules, log.info)
    finally:
        laid.unpersist()


def _assembled(*given: Any) -> Outcome:
    from ml.seller_segments import train

    outcome = train.assembled(*given)
    for sentence in outcome.merges:
        log.warning("%s", sentence)
    log.info("%d segments: %s", len(outcome.model.ids), outcome.model.names)
    return outcome


def _ids_used(models: Registry) -> int:
    """The greatest id that any version has given to a segment: none is given twice."""
    tags = [version.tags for version in models.versions(SELLER_SEGMENTS)]
    return max((int(tag.get("ids_used", 0)) for tag in tags), default=0)


def _lead_over(
    lake: Lake, before: Version, after: Version, outcome: Outcome, rules: SellerSegments
) -> None:
    """Notes how the champion's segments correspond to those of the refit."""
    match = outcome.match
    assert match is not None
    kept = match.holds(rules.identity)
    lake.append(meta.SEGMENT_CROSSWALKS, [
        {"from_version": before.number, "to_version": after.number, "from_segment_id": old,
         "to_segment_id": outcome.new_ids[new], "rows": int(match.overlap[i, j]),
         "jaccard": match.jaccards[old] if match.pairs.get(old) == new else None,
         "ari": match.ari, "same_identity": kept, "run_id": lake.run_id}
        for i, old in enumerate(match.old) for j, new in enumerate(match.new)
        if match.overlap[i, j]
    ])  # fmt: skip
    jaccards = {old: round(value, 2) for old, value in match.jaccards.items()}
    log.info("against version %s: ARI %.2f, Jaccards %s: ids and names %s", before.number,
             match.ari, jaccards, "stay" if kept else "are new")  # fmt: skip
