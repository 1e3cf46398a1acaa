"""The latent lives of sellers as frames: who they are, and what each day of theirs is like.

One row a seller, and one a seller and day, computed seller by seller in NumPy (`lives`), so that
partitions change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulate import causes, enforcement, kinds
from jobs.simulate.keyed import Chances, Ids, luck, poisson
from jobs.simulate.kinds import METRICS, NEVER
from jobs.simulate.lives import Lives, lives
from jobs.simulate.plan import CATEGORIES, MARKETS, Plan, partitions_of
from jobs.simulate.risk import at_risk, risk_60d
from jobs.window import Window

SELLERS_AT_ONCE = 512
"""Of one batch: at 640 days some 60 MB."""
SELLING = 0.75
"""Share of all sellers that sell on a usual day: orders a day are theirs."""

MOST_ORDERS = 90.0
"""Of a seller on a day, on average: as many as a draw can give."""

TRAITS = pa.schema([
    ("seller_no", pa.int32()), ("kind", pa.string()), ("size", pa.float64()),
    ("entry", pa.int32()), ("leaves", pa.int32()), ("ring", pa.int32()),
    ("advertises", pa.bool_()), ("platform_share", pa.float64()), ("messaging_from", pa.int32()),
    ("papers", pa.int32()), ("marketplace", pa.string()), ("main_category", pa.string()),
])  # fmt: skip
DAYS = pa.schema([
    ("seller_no", pa.int32()), ("index", pa.int32()), ("orders", pa.int32()),
    ("health", pa.float32()), ("hazard", pa.float32()),
    *((name, pa.float32()) for name in METRICS),
    ("warned", pa.bool_()), ("ads_known", pa.bool_()),
    ("action", pa.string()), ("cause", pa.string()), ("until", pa.int32()),
    ("papers", pa.string()),
])  # fmt: skip


RISKS = pa.schema([
    ("seller_no", pa.int32()), ("index", pa.int32()), ("at_risk", pa.bool_()),
    ("risk_60d", pa.float64()),
])  # fmt: skip


def traits(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row a seller: TRAITS. Days are indices from the first; null: they do not come."""
    return _computed(spark, plan, TRAITS, partial(_traits, plan))


def days(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row a seller and day from his entry on, as long as he is there: DAYS, and `day`.

    `orders` is how many are drawn with him (placed, unless an outage is on); metrics are chances,
    hours and shares as `rates.RATES` tells; `action` is what the platform does to him on the day.
    """
    found = _computed(spark, plan, DAYS, partial(_days, plan))
    return found.withColumn("day", F.date_add(F.lit(plan.first), F.col("index")))


def risks(spark: SparkSession, plan: Plan) -> DataFrame:
    """One row a seller and month-end of the window: RISKS, and `day`; see `risk.risk_60d`."""
    found = _computed(spark, plan, RISKS, partial(_risks, plan))
    return found.withColumn("day", F.date_add(F.lit(plan.first), F.col("index")))


def _computed(spark: SparkSession, plan: Plan, schema: pa.Schema, compute: Any) -> DataFrame:
    def batches(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in given:
            numbers = batch.column(0).to_numpy()
            for start in range(0, len(numbers), SELLERS_AT_ONCE):
                columns = compute(numbers[start : start + SELLERS_AT_ONCE])
                yield pa.RecordBatch.from_pydict(columns, schema=schema)

    ddl = ", ".join(f"`{field.name}` {_SQL[field.type]}" for field in schema)
    # More partitions than cores: a seller's life costs alike, and batches stay small.
    parts = max(partitions_of(spark), plan.sellers // (4 * SELLERS_AT_ONCE))
    return spark.range(0, plan.sellers, 1, parts).mapInArrow(batches, ddl)


_SQL = {
    pa.int32(): "int", pa.float32(): "float", pa.float64(): "double", pa.bool_(): "boolean",
    pa.string(): "string",
}  # fmt: skip


def _traits(plan: Plan, numbers: Ids) -> dict[str, Any]:
    who = kinds.traits(plan.seed, numbers)
    market, category = homes(plan.seed, numbers)
    return {
        "seller_no": who.seller_no.astype(np.int32),
        "kind": np.array(kinds.NAMES)[who.kind],
        "size": who.size.astype(np.float64),
        "entry": who.entry.astype(np.int32),
        "leaves": _until(who.leaves),
        "ring": who.ring.astype(np.int32),
        "advertises": who.advertises,
        "platform_share": who.platform_share.astype(np.float64),
        "messaging_from": _until(who.messaging_from),
        "papers": who.papers.astype(np.int32),
        "marketplace": np.array(tuple(MARKETS))[market],
        "main_category": np.array(tuple(CATEGORIES))[category],
    }


def homes(seed: int, seller_no: Ids) -> tuple[Ids, Ids]:
    """Where each seller trades, and in what above all: indices in MARKETS and in CATEGORIES."""
    chances = Chances(seed, seller_no)
    bounds = np.cumsum([market.share for market in MARKETS.values()])[:-1]
    market = np.searchsorted(bounds, chances.uniform("marketplace"), side="right")
    category = len(CATEGORIES) * chances.uniform("main category")
    return market.astype(np.int64), category.astype(np.int64)


def _until(day: Ids) -> pa.Array:
    return pa.array(np.minimum(day, NEVER).astype(np.int32), mask=day >= NEVER)


def _days(plan: Plan, numbers: Ids) -> dict[str, Any]:
    lived = lives(plan.seed, numbers, plan.first, plan.days)
    index = np.arange(plan.days)
    # Who was suspended for good is told of to the end: his actions and papers are.
    there = (lived.traits.entry[:, None] <= index) & (index < lived.traits.leaves[:, None])
    row, day = np.nonzero(there)
    columns: dict[str, Any] = {
        "seller_no": numbers[row].astype(np.int32),
        "index": day.astype(np.int32),
        "orders": order_counts(plan, lived)[row, day].astype(np.int32),
        "health": lived.health[row, day],
        "hazard": lived.hazard[row, day],
        **{name: rate[row, day] for name, rate in lived.rates.items()},
        "warned": lived.warned[row, day],
        "ads_known": lived.ads_known[row, day],
    }
    return columns | {name: told[row, day] for name, told in _told(lived).items()}


def _risks(plan: Plan, numbers: Ids) -> dict[str, Any]:
    ends = [(day - plan.first).days for day in Window(plan.first, plan.last).month_ends()]
    lived = lives(plan.seed, numbers, plan.first, plan.days, keep=ends)
    return {
        "seller_no": np.tile(numbers, len(ends)).astype(np.int32),
        "index": np.repeat(np.array(ends, np.int32), len(numbers)),
        "at_risk": np.concatenate([np.zeros(0, bool), *(at_risk(lived, day) for day in ends)]),
        "risk_60d": np.concatenate([np.zeros(0), *(risk_60d(lived, day) for day in ends)]),
    }


def of_size_one(orders_per_day: int, sellers: int) -> float:
    """Orders a day that a seller of size 1 can expect, on a usual day."""
    return orders_per_day / (sellers * SELLING)


def order_counts(plan: Plan, lived: Lives) -> Ids:
    """[sellers, days]: how many orders are drawn with each; planted causes move the mean.

    They move nothing else: health, and with it the base rate, knows of no cause.
    """
    scale = of_size_one(plan.orders_per_day, plan.sellers)
    who = lived.traits.seller_no
    moved = causes.demand(plan.seed, plan.first, plan.days)[homes(plan.seed, who)]
    usual = scale * lived.traits.size[:, None] * lived.intensity
    days_of_world = plan.first.toordinal() + np.arange(plan.days)
    lucks = luck(plan.seed, "orders", who)[:, None]
    return poisson(np.minimum(usual * moved, MOST_ORDERS), lucks, days_of_world)


def _told(lived: Lives) -> dict[str, Any]:
    """[sellers, days]: the action with its cause and end, and what happens to the papers."""
    shape = lived.health.shape
    acted, papers = lived.actions, lived.papers
    action, cause, event = (np.full(shape, None, object) for _ in range(3))
    until = np.full(shape, None, object)
    action[acted.row, acted.day] = np.array(enforcement.ACTIONS, object)[acted.action]
    cause[acted.row, acted.day] = np.array(tuple(enforcement.CAUSES), object)[acted.cause]
    until[acted.row, acted.day] = [None if end >= NEVER else int(end) for end in acted.until]
    event[papers.row, papers.day] = np.where(papers.verified, "verified", "expired")
    return {"action": action, "cause": cause, "until": until, "papers": event}
