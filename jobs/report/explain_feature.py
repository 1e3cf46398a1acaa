"""Explain one feature of one seller on one day: the formula, the sums, the events behind them.

example:
  ./spark-submit.sh report.explain_feature --seller s-00012 --ds 2026-06-30 --name refund_rate
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.seller_features import SELLER_FEATURES, WINDOW_DAYS, Feature, measures_of
from conf.settings import Settings
from conf.tables import bronze, features, silver
from features import asof, seller_month
from features.feature_sources import entities_of
from jobs.arguments import Argument
from jobs.errors import UsageError
from jobs.lake.io import Lake
from jobs.state import read_ledger
from jobs.window import Window

READS = (features.SELLER_SNAPSHOTS, silver.SELLER_DAYS, *bronze.TABLES)
WRITES = ()
LEASE = False
TURN_PATIENCE_SECONDS = 60.0
ARGUMENTS = (
    Argument("--seller", "the seller's id", required=True),
    Argument("--name", "the feature's name, see docs/features.md", required=True),
)
MOST_ROWS = 40
NOT_SHOWN = {
    "event_id", "known_at", "retracted", "extra", "source_file", "source_line", "source_sha256",
    "content_hash", "ds",
}  # fmt: skip

OF_ALL_TIME = (bronze.SELLERS, bronze.LISTINGS, bronze.ENFORCEMENT_ACTIONS,
               bronze.DOCUMENT_VERIFICATIONS)  # fmt: skip
"""Entities whose old facts count as much as new ones."""


def run(lake: Lake, settings: Settings, window: Window, *, seller: str, name: str) -> None:
    known = {feature.name: feature for feature in SELLER_FEATURES}
    if name not in known:
        raise UsageError(f"there is no feature {name!r}; known: {', '.join(known)}")
    feature, ds = known[name], window.last
    published = lake.read(features.SELLER_SNAPSHOTS).where(
        (F.col("ds") == F.lit(ds)) & (F.col("seller_id") == seller)
    ).select(name).first()  # fmt: skip
    if published is None:
        raise UsageError(
            f"seller {seller!r} has no snapshot on {ds}: he had no business in the 90 days before, "
            "or featurize.seller_snapshots has not run for that day"
        )
    print(f"{name} of {seller} at the end of {ds}: {published[name]} ({feature.unit})")
    print(f"  {feature.definition}\n  = {feature.sql}\n  null: {feature.null_when}")
    _print_sums(lake, feature, seller, window)
    for entity in entities_of(name, [m for of in measures_of(feature).values() for m in of]):
        _print_facts(lake, entity, seller, window)


def _print_sums(lake: Lake, feature: Feature, seller: str, window: Window) -> None:
    """The ledger's sums that the formula names, over their windows."""
    measures, dates = measures_of(feature), [window.last]
    if not any(measures.values()):
        return
    first = seller_month.first_needed(dates)
    ledger = read_ledger(lake, silver.SELLER_DAYS, first, window.last)
    own = ledger.where(F.col("seller_id") == seller)
    sums = seller_month.window_sums(own, ["currency"], measures, dates).orderBy("currency")
    for row in sums.collect():
        told = {n: v for n, v in row.asDict().items() if v and n not in ("ds", "currency")}
        for name, value in told.items():
            print(f"  {name:32} {value:>14,}  {row['currency'].replace('XXX', '')}")


def _print_facts(lake: Lake, entity: str, seller: str, window: Window) -> None:
    table = next(table for table in bronze.TABLES if table.name == entity)
    rows = lake.read(table).where(F.col("ds") <= F.lit(window.last))
    known = asof.as_of(_of_seller(lake, rows, seller, window), table.natural_key, window.last)
    first = window.last - timedelta(days=max(WINDOW_DAYS) - 1)
    happened = asof.business_date(F.col("occurred_at"), lake.zone)
    shown = known.where(happened >= F.lit(first)) if table not in OF_ALL_TIME else known
    names = [name for name in table.column_names
             if name not in NOT_SHOWN and not table.column(name).personal]  # fmt: skip
    newest = shown.select(*names).orderBy(F.col("occurred_at").desc(), *table.natural_key)
    found = newest.limit(MOST_ROWS + 1).collect()
    print(f"\n{entity}: {len(found[:MOST_ROWS])} rows, newest first"
          f"{' (there are more)' if len(found) > MOST_ROWS else ''}")  # fmt: skip
    for row in found[:MOST_ROWS]:
        print(
            "  "
            + "  ".join(f"{name}={_plain(row[name])}" for name in names if row[name] is not None)
        )


def _of_seller(lake: Lake, rows: DataFrame, seller: str, window: Window) -> DataFrame:
    """The facts that name the seller, or an order with a line of his."""
    if "order_id" not in rows.columns:
        own = "actor_id" if "actor_id" in rows.columns else "seller_id"
        return rows.where(F.col(own) == seller)
    lines = lake.read(bronze.ORDER_ITEMS).where(
        (F.col("ds") <= F.lit(window.last)) & (F.col("seller_id") == seller)
    )
    return rows.join(lines.select("order_id").distinct(), "order_id", "left_semi")


def _plain(value: Any) -> str:
    """A value on one line, without control characters: texts are written by outsiders."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= 60 else text[:57] + "..."
