"""Drawn behaviour and a frozen version of it, for the benchmarks of seller segments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import truth_months
from conf.model_settings import SellerSegments, load_seller_segments
from conf.seller_features import COUNTS

FIRST = date(2024, 10, 1)
DAYS = 638
ORDERS_A_SELLER = 0.44
"""A day; as in the seed world."""
MONTHS_A_SELLER = 10.9
"""That he is active at the end of, in that world."""


def drawn(rows: int, work: str, seed: int = 42) -> pd.DataFrame:
    """(ds, seller_id, 36 columns): about so many rows of the simulated marketplace, from its truth;
    kept in the work folder."""
    file = Path(work) / f"segment-months-{rows}-{seed}.parquet"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        sellers = max(int(rows / MONTHS_A_SELLER), 8)
        found = truth_months.table(
            sellers, DAYS, FIRST, max(int(ORDERS_A_SELLER * sellers), 1), seed
        )
        month = pd.to_datetime(found["snapshot_month"] + "-01")
        found.insert(0, "ds", (month + pd.offsets.MonthEnd(0)).dt.date)
        found.drop(columns=["snapshot_month", "high_risk_60d"]).to_parquet(file, index=False)
    return pd.read_parquet(file).assign(**dict.fromkeys(COUNTS, np.nan))  # as a foreign table


def rules() -> SellerSegments:
    """The settings, with all months pooled, so that a fit sees all rows."""
    return replace(load_seller_segments(), month_ends=18)


def repeated(months: pd.DataFrame, times: int) -> pd.DataFrame:
    """As many times the sellers, each under names of his own."""
    parts = [months.assign(seller_id=f"{n}-" + months["seller_id"]) for n in range(times)]
    return pd.concat(parts, ignore_index=True)


def as_parquet(months: pd.DataFrame, folder: str, files: int = 4) -> None:
    """The rows in a few files, so that every core has some to read."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for old in Path(folder).glob("*.parquet"):
        old.unlink()
    for number, part in enumerate(np.array_split(np.arange(len(months)), files)):
        months.iloc[part].to_parquet(f"{folder}/{number}.parquet", index=False)
