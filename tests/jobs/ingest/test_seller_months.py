"""A ready table of seller-months: taken whole or not at all, and published as if from events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from conf.seller_features import SELLER_FEATURES
from conf.settings import Settings
from conf.tables import bronze, features, meta
from conf.tables.seller_months import SELLER_MONTHS
from jobs.errors import ContractBroken, UsageError
from jobs.featurize import seller_labels, seller_snapshots
from jobs.ingest import seller_months as job
from jobs.lake.io import Lake
from jobs.window import Window

pytestmark = pytest.mark.spark

MONTHS = ("2025-01", "2025-02")
RANGE = Window(date(2025, 1, 1), date(2025, 2, 28))
TEXTS = {
    "marketplace": "DE", "business_type": "individual", "fulfillment_channel": "mixed",
    "primary_category": "books",
}  # fmt: skip


def table(**changed: Any) -> pd.DataFrame:
    """Two sellers in two months; `changed` are columns of four values, or one for all."""
    rows = [
        {
            "seller_id": seller, "snapshot_month": month,
            **{f.name: TEXTS.get(f.name, 1 if f.type == "int" else 0.25) for f in SELLER_FEATURES},
            "avg_rating": 4.5, "high_risk_60d": label,
        }
        for seller, label in (("a", 1), ("b", None))
        for month in MONTHS
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changed)


def written(rows: pd.DataFrame, folder: Path, name: str) -> str:
    path = folder / name
    if name.endswith(".parquet"):
        rows.to_parquet(path)
    else:
        rows.to_csv(path, index=False)
    return str(path)


def take(lake: Lake, settings: Settings, path: str) -> None:
    job.run(lake, settings, None, input=path)


@pytest.mark.parametrize("name", ["months.csv", "months.parquet"])
def test_a_table_is_taken_once_and_published_with_its_labels(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path, name: str
) -> None:
    """Columns in another order, a missing value, a category never seen, an unknown column."""
    lake = make_lake()
    given = table(
        contact_rate=[None, 0.5, None, 0.5], primary_category=["never seen", "books", "toys", None],
        mood="calm", tenure_days=[10.0, 20.0, 30.0, 40.0],
    )  # fmt: skip
    path = written(given[sorted(given.columns, reverse=True)], tmp_path, name)
    take(lake, settings, path)
    take(lake, settings, path)
    months = lake.read(SELLER_MONTHS).orderBy("seller_id", "ds").collect()
    assert [(row["seller_id"], str(row["ds"])) for row in months] == [
        ("a", "2025-01-31"), ("a", "2025-02-28"), ("b", "2025-01-31"), ("b", "2025-02-28"),
    ]  # fmt: skip
    assert [row["high_risk_60d"] for row in months] == [True, True, None, None]
    assert {row["extra"]["mood"] for row in months} == {"calm"}
    if name.endswith(".parquet"):
        return  # published as a CSV's rows are
    seller_snapshots.run(lake, settings, RANGE, month_ends=True)
    seller_labels.run(lake, settings, RANGE, month_ends=True)
    published = lake.read(features.SELLER_SNAPSHOTS).orderBy("seller_id", "ds").collect()
    assert [row["contact_rate"] for row in published] == [None, 0.5, None, 0.5]
    assert [row["tenure_days"] for row in published] == [10, 20, 30, 40]
    assert [row["primary_category"] for row in published] == ["never seen", "books", "toys", None]
    labels = lake.read(features.SELLER_LABELS).orderBy("seller_id", "ds").collect()
    assert [row["label_state"] for row in labels] == ["mature", "mature", "immature", "immature"]
    assert labels[0]["label_available_on"] == date(2025, 4, 1)


WRONG = {
    "a share above 1": ({"refund_rate": [0.1, 1.5, 0.2, 0.3]}, r"refund_rate: 1 rows.*'1.5'"),
    "text in a number": ({"asp": ["9", "cheap", "9", "9"]}, r"asp: 1 rows.*'cheap'"),
    "half an order": ({"orders_30d": [1, 2.5, 3, 4]}, r"orders_30d: 1 rows.*a whole number"),
    "no such month": ({"snapshot_month": ["2025-13", "2025-02"] * 2}, r"snapshot_month: 2 rows"),
    "a month twice": ({"seller_id": "a"}, r"seller_id a comes 2 times"),
    "an odd label": ({"high_risk_60d": ["1", "perhaps", "0", ""]}, r"high_risk_60d.*'perhaps'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_with_its_column(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path, case: str
) -> None:
    changed, said = WRONG[case]
    lake = make_lake()
    with pytest.raises(ContractBroken, match=said):
        take(lake, settings, written(table(**changed), tmp_path, "months.csv"))
    assert lake.version(SELLER_MONTHS) < 0


def test_a_missing_column_and_months_that_are_there_are_refused(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    lake = make_lake()
    with pytest.raises(ContractBroken, match=r"asp.*is missing"):
        take(lake, settings, written(table().drop(columns="asp"), tmp_path, "less.csv"))
    with pytest.raises(UsageError, match=r"neither in \.parquet"):
        take(lake, settings, str(tmp_path / "months.xlsx"))
    take(lake, settings, written(table(), tmp_path, "months.csv"))
    with pytest.raises(ContractBroken, match=r"2025-01, which months.csv brought"):
        take(lake, settings, written(table(asp=3.0), tmp_path, "other.csv"))
    of_events = make_lake(name="events")
    file = {"source_sha256": "x", "entity": bronze.ORDERS.name, "path": "p", "outcome": "taken",
            "records": 1, "good": 1, "rejected": 0, "duplicate": 0, "bytes": 1,
            "run_id": "test"}  # fmt: skip
    days = (date(2025, 1, 15), date(2025, 3, 1))
    of_events.append(meta.LANDING_FILES, [{**file, "ds": ds} for ds in days])
    with pytest.raises(ContractBroken, match="of which this lake has events"):
        take(of_events, settings, written(table(), tmp_path, "months.csv"))
