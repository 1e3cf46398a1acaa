"""Seller-months of the simulated marketplace, drawn from its hidden truth: no Spark, no events.

What events would tell is drawn from the rates behind them, with the noise of small samples, as in
`world_truth`. The file is one that `ingest.seller_months` takes; it has no counts beside its rates.

    python -m benchmarks.truth_months --sellers 22700 --seed 42 --out seller_months.parquet
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import world_truth
from benchmarks.world_truth import PIECE, labels, month_ends, observed
from conf.seller_features import SELLER_FEATURES
from conf.tables.seller_months import CODES
from jobs.simulate.latent import homes, of_size_one
from jobs.simulate.lives import Lives, lives
from jobs.simulate.plan import CATEGORIES, MARKETS
from jobs.simulate.risk import HORIZON, at_risk

NAMES = [feature.name for feature in SELLER_FEATURES]
LATE_ARRIVALS = (0.02, 0.7)
"""Share of parcels that arrive late, and by how much more of late ones."""

log = logging.getLogger("benchmarks.truth_months")


def table(sellers: int, days: int, first: date, orders_per_day: int, seed: int) -> pd.DataFrame:
    """(seller_id, snapshot_month, 36 columns, high_risk_60d): one row an active seller-month."""
    ends = month_ends(first, days)
    parts = []
    for begin in range(0, sellers, PIECE):
        numbers = np.arange(begin, min(begin + PIECE, sellers), dtype=np.int64)
        world = lives(seed, numbers, first, days, keep=ends)
        rng = np.random.default_rng([seed, begin, 1])
        seen = observed(world, ends, of_size_one(orders_per_day, sellers), rng)
        columns = _columns(world, seen, numbers, seed, ends, rng)
        active = seen["orders_90d"] > 0
        wide = {name: np.broadcast_to(values, active.shape)[active]
                for name, values in columns.items()}  # fmt: skip
        months = np.array([str(first + timedelta(day))[:7] for day in ends], object)
        keys = {
            "seller_id": np.array([f"s-{n:07d}" for n in numbers], object)[:, None],
            "snapshot_month": months[None, :],
        }
        wide |= {name: np.broadcast_to(key, active.shape)[active] for name, key in keys.items()}
        wide["high_risk_60d"] = _labels(world, ends)[active]
        parts.append(pd.DataFrame(wide)[["seller_id", "snapshot_month", *NAMES, "high_risk_60d"]])
        log.info("%d of %d sellers", begin + len(numbers), sellers)
    return pd.concat(parts, ignore_index=True)


def _columns(world: Lives, seen: dict[str, Any], numbers: Any, seed: int, ends: Sequence[int],
             rng: np.random.Generator) -> dict[str, Any]:  # fmt: skip
    """The 36 columns [sellers, month-ends], or [sellers, 1] where a seller keeps one."""
    who, shape = world.traits, seen["orders_30d"].shape
    market, category = homes(seed, numbers)
    units = np.array([place.per_dollar for place in MARKETS.values()])[market][:, None]
    dollars = np.array(list(CATEGORIES.values()))[category] / 100
    asp = units * (dollars * np.exp(0.4 * rng.standard_normal(len(numbers))))[:, None]
    asp = asp * np.exp(0.1 * rng.standard_normal(shape))
    loyal = rng.beta(2, 8, (len(numbers), 1))
    orders = seen["orders_30d"].astype(int)
    repeat = rng.binomial(orders, np.broadcast_to(loyal, shape)) / np.maximum(orders, 1)
    base, more = LATE_ARRIVALS
    arrivals = np.clip(base + more * np.nan_to_num(seen["late"]), 0, 1)
    count = np.maximum(seen["orders_90d"], 1).astype(int)
    spend = seen["ad_spend"] * units
    platform = who.platform_share
    channel = np.select([platform <= 0.1, platform >= 0.9], ["merchant", "platform"], "mixed")
    kinds = np.array(CODES["business_type"], object)
    disputes = rng.poisson(count * np.nan_to_num(seen["defect"]))
    return {
        "marketplace": np.array(tuple(MARKETS), object)[market][:, None],
        "tenure_days": seen["tenure"].astype(int),
        "business_type": kinds[rng.integers(0, len(kinds), len(numbers))][:, None],
        "fulfillment_channel": channel[:, None],
        "primary_category": np.array(tuple(CATEGORIES), object)[category][:, None],
        "active_listings": 1 + rng.poisson(3, (len(numbers), 1)),
        "on_time_ship_rate": 1 - seen["late"], "late_shipment_rate": seen["late"],
        "cancellation_rate": seen["cancel"], "return_rate": seen["return"],
        "valid_tracking_rate": 1 - seen["untracked"],
        "on_time_delivery_rate": 1 - rng.binomial(count, arrivals) / count,
        "avg_handling_hours": seen["handling"],
        "refund_rate": np.minimum(0.9 * seen["return"] + seen["cancel"], 1),
        "stockout_rate": np.minimum(seen["stockout"], 1),
        "avg_refund_hours": 48 * np.exp(0.5 * rng.standard_normal(shape)),
        "defect_rate": seen["defect"], "negative_feedback_rate": seen["low_stars"],
        "a_to_z_claim_rate": rng.binomial(count, 0.4 * np.nan_to_num(seen["defect"])) / count,
        "contact_rate": seen["contact"], "chargeback_rate": seen["chargeback"],
        "avg_response_hours": seen["reply"],
        "avg_rating": np.clip(4.8 - 2.2 * seen["low_stars"], 1, 5),
        "dispute_loss_rate": np.where(
            disputes > 0, rng.binomial(disputes, 0.4) / np.maximum(disputes, 1), np.nan
        ),
        "orders_30d": orders, "gmv_30d": orders * asp,
        "asp": np.where(orders > 0, asp, np.nan),
        "ad_spend_30d": spend, "ad_attributed_gmv_30d": 4 * spend,
        "buy_box_win_rate": np.clip(seen["buy_box"], 0, 1),
        "repeat_buyer_rate": np.where(orders > 0, repeat, np.nan),
        "policy_warnings_90d": seen["warnings_90d"].astype(int),
        "suspension_history": seen["suspensions"].astype(int),
        "document_verification_age": seen["document_age"],
        "support_tickets_90d": seen["tickets_90d"].astype(int),
        "listing_takedowns_90d": rng.poisson(0.1 * seen["warnings_90d"]),
    }  # fmt: skip


def _labels(world: Lives, ends: Sequence[int]) -> Any:
    """[sellers, month-ends] true, false, or None: not yet sure, or suspended already."""
    at_stake = np.stack([at_risk(world, day) for day in ends], axis=1)
    sure = np.array([day + HORIZON < world.days for day in ends])
    found = labels(world, ends).astype(object)
    found[~(at_stake & sure[None, :])] = None
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = world_truth.parser()
    parser.prog, parser.description = "python -m benchmarks.truth_months", __doc__
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    first = date.fromisoformat(options.first)
    found = table(options.sellers, options.days, first, options.orders_per_day, options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found.to_parquet(options.out, index=False)
    known = found["high_risk_60d"].notna()
    rate = found.loc[known, "high_risk_60d"].mean()
    print(f"{len(found):,} seller-months, {known.sum():,} labelled, {rate:.4f} positive")
    return 0


if __name__ == "__main__":
    sys.exit(main())
