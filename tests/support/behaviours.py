"""Made-up seller-months in which three kinds of sellers are planted: ordinary, slow, and large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from conf.model_settings import SellerSegments, load_seller_segments
from conf.seller_features import COUNTS
from ml.seller_segments.behaviour import Behaviour, behaviour, columns
from tests.support.seller_months import PER_DOLLAR, TELLING, seller_months

ORDINARY, SLOW, LARGE = 0, 1, 2
SHARES = (0.45, 0.33, 0.22)
RATES = {  # of ordinary sellers, in log odds; then what slow and large ones have more
    "late_shipment_rate": (-3.0, 2.6, 0.0), "on_time_delivery_rate": (2.5, -2.2, 0.0),
    "valid_tracking_rate": (2.5, -1.6, 0.3), "cancellation_rate": (-3.5, 1.4, 0.0),
    "stockout_rate": (-2.5, 0.6, -0.4), "return_rate": (-2.5, 0.4, 0.0),
    "defect_rate": (-3.5, 1.2, 0.0), "negative_feedback_rate": (-2.0, 1.0, 0.0),
    "contact_rate": (-2.5, 0.8, 0.0), "buy_box_win_rate": (0.0, -0.5, 1.6),
    "repeat_buyer_rate": (-1.5, 0.0, 1.0), "refund_rate": (-2.5, 0.0, 0.0),
}  # fmt: skip
LOGS = {
    "avg_handling_hours": (3.0, 1.0, 0.0), "avg_response_hours": (2.0, 0.7, 0.0),
    "orders_30d": (4.0, 0.0, 2.4), "asp": (3.5, 0.0, 0.3),
}  # fmt: skip


def kinds(sellers: int, seed: int = 1) -> np.ndarray:
    """[sellers] which kind each is."""
    return np.random.default_rng([seed, 1]).choice(3, sellers, p=SHARES)


def months_of_kinds(
    sellers: int, months: int, seed: int = 1, new: float = 0.05, telling: bool = False
) -> pd.DataFrame:
    """(ds, seller_id, 36 columns, currency, counts, label); the share `new` has few orders.
    `telling`: what labels are told by stays as it is in `seller_months`, so that risk can be
    learnt; kinds then differ in the other columns."""
    rng = np.random.default_rng([seed, 2])
    found = seller_months(sellers, months, seed)
    kind = np.tile(kinds(sellers, seed), months)
    low = np.tile(rng.random(sellers) < new, months)

    def drawn(level, slow, large, lasting, fleeting) -> np.ndarray:
        own = np.tile(rng.standard_normal(sellers), months) * lasting
        return (level + np.choose(kind, (0.0, slow, large)) + own
                + fleeting * rng.standard_normal(len(found)))  # fmt: skip

    logs = {name: np.exp(drawn(*levels, 0.3, 0.1)) for name, levels in LOGS.items()}
    orders = np.where(low, 3, rng.poisson(logs["orders_30d"]))
    plain = {name for told in TELLING for name in told} if telling else set()
    per_dollar = found["marketplace"].map(PER_DOLLAR).to_numpy()
    counts = {name: np.maximum(3 * orders, 0) for name in COUNTS}
    for name, levels in RATES.items():
        if name in plain:
            continue
        chance = 1 / (1 + np.exp(-drawn(*levels, 0.3, 0.1)))
        count = np.maximum(counts["orders_placed_90d"], 1)
        found[name] = rng.binomial(count, chance) / count
    if not telling:
        unknown = rng.random(len(found)) < 0.2
        found["avg_handling_hours"] = logs["avg_handling_hours"]
        found["avg_response_hours"] = np.where(unknown, np.nan, logs["avg_response_hours"])
    found["orders_30d"] = orders
    found["asp"] = logs["asp"] * per_dollar
    found["gmv_30d"] = found["asp"] * orders
    found["tenure_days"] = np.where(low, 20, found["tenure_days"] + 100)
    currency = {"US": "USD", "DE": "EUR", "GB": "GBP", "JP": "JPY"}
    return found.assign(currency=found["marketplace"].map(currency), **counts)


def as_behaviour(months: pd.DataFrame, rules: SellerSegments | None = None) -> Behaviour:
    features = (rules or load_seller_segments()).features
    names = ["ds", "seller_id", *(n for n in columns(features) if n in months.columns)]
    return behaviour(pa.Table.from_pandas(months[names], preserve_index=False), features)


def quick(rules: SellerSegments) -> SellerSegments:
    """The settings with fewer draws: enough for kinds that are planted far apart."""
    search = replace(rules.search, resamples=6, half_samples=3, seeds=2, k_most=4)
    triggers = replace(rules.triggers, place_rows_least=100)
    return replace(rules, search=search, fit=replace(rules.fit, seeds=2), triggers=triggers)
