"""Made-up seller-months by the contract of the 36 features, with a risk that they tell of."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from conf.seller_features import COUNT, HOURS, MONEY, SELLER_FEATURES, SHARE, STARS

PER_DOLLAR = {"US": 1.0, "DE": 0.9, "GB": 0.8, "JP": 150.0}
LEVELS = {
    "business_type": ("individual", "company"),
    "fulfillment_channel": ("merchant", "platform", "mixed"),
    "primary_category": ("books", "toys", "garden"),
}
TELLING = (
    {"late_shipment_rate": 1.0, "avg_handling_hours": 1.0, "buy_box_win_rate": -0.8,
     "cancellation_rate": 0.9, "on_time_ship_rate": -0.8},
    {"defect_rate": 1.0, "avg_response_hours": 1.0, "policy_warnings_90d": 1.0,
     "return_rate": 0.9, "avg_rating": -0.8},
)  # fmt: skip
"""How strongly features tell of a seller's shipping, and of his goods."""
MISSING = {"ad_spend_30d": 0.12, "ad_attributed_gmv_30d": 0.12, "contact_rate": 0.06,
           "avg_response_hours": 0.2, "dispute_loss_rate": 0.5}  # fmt: skip


def month_ends(count: int, first: date = date(2025, 1, 31)) -> list[date]:
    found = []
    for number in range(count):
        year, month = divmod(first.year * 12 + first.month + number, 12)
        found.append(date(year, month + 1, 1) - timedelta(days=1))
    return found


def seller_months(sellers: int, months: int, seed: int = 1) -> pd.DataFrame:
    """(ds, seller_id, 36 columns, label): about one in nine is positive."""
    rng = np.random.default_rng(seed)
    marketplace = rng.choice(list(PER_DOLLAR), sellers, p=[0.45, 0.25, 0.2, 0.1])
    troubles = rng.standard_normal((len(TELLING), sellers))
    parts = []
    for number, ds in enumerate(month_ends(months)):
        troubles = 0.9 * troubles + np.sqrt(1 - 0.9**2) * rng.standard_normal(troubles.shape)
        columns = {f.name: _column(f.name, f.unit, troubles, rng) for f in SELLER_FEATURES}
        columns["marketplace"] = marketplace
        columns["tenure_days"] = 30 * number + rng.integers(1, 2_000, sellers)
        for name in ("gmv_30d", "asp", "ad_spend_30d", "ad_attributed_gmv_30d"):
            columns[name] = columns[name] * [PER_DOLLAR[place] for place in marketplace]
        for name, share in MISSING.items():
            columns[name] = np.where(rng.random(sellers) < share, np.nan, columns[name])
        # One bad trouble is enough, and two are little worse: what a linear model cannot learn.
        chance = 1 / (1 + np.exp(6.8 - 4 * troubles.max(axis=0)))
        columns["label"] = (rng.random(sellers) < chance).astype(int)
        frame = pd.DataFrame(columns)
        frame.insert(0, "seller_id", [f"s-{n:05d}" for n in range(sellers)])
        frame.insert(0, "ds", ds)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def as_a_file(months: pd.DataFrame, path: Path) -> None:
    """As others hand seller-months over: see `ingest.seller_months`."""
    names = [feature.name for feature in SELLER_FEATURES]
    months[["seller_id", *names]].assign(
        snapshot_month=[str(ds)[:7] for ds in months["ds"]], high_risk_60d=months["label"]
    ).to_parquet(path, index=False)


def _column(name: str, unit: str, troubles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sellers = troubles.shape[1]
    told = sum(told.get(name, 0.0) * trouble
               for told, trouble in zip(TELLING, troubles, strict=True))  # fmt: skip
    signal = told + rng.standard_normal(sellers)
    if name in LEVELS:
        return rng.choice(LEVELS[name], sellers)
    if unit == SHARE:
        return 1 / (1 + np.exp(2.5 - signal))
    if unit == STARS:
        return np.clip(4.2 + 0.3 * signal, 1, 5)
    if unit in (HOURS, MONEY):
        return np.exp(3 + 0.7 * signal)
    return rng.poisson(np.exp(0.6 * signal)) if unit == COUNT else np.exp(5 + 0.5 * signal).round()
