"""How predictable a world is from its features: a lake of two months, read without Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks import world_features
from conf.seller_features import SELLER_FEATURES
from conf.tables import features

FIRST, SECOND = date(2025, 1, 31), date(2025, 2, 28)
NUMBER = 40


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, Path]:
    """The second half of the sellers is at risk, and has the more orders for it."""
    sellers = [f"s{n:02}" for n in range(NUMBER)]
    rows = [(seller, day) for day in (FIRST, SECOND, date(2025, 2, 14)) for seller in sellers]
    struck = [int(seller[1:]) >= NUMBER // 2 for seller, _ in rows]
    keys = {"seller_id": [s for s, _ in rows], "ds": [day for _, day in rows]}
    text = {f.name for f in SELLER_FEATURES if f.type == "string"}
    values = {
        f.name: ["books"] * len(rows) if f.name in text else [1.0] * len(rows)
        for f in SELLER_FEATURES
    }
    values["orders_30d"] = [2.0 + hit for hit in struck]
    values["contact_rate"] = [None] * 30 + [0.5] * 90
    lake, truth = tmp_path / "lake", tmp_path / "truth"
    state = ["mature" if day == FIRST else "immature" for _, day in rows]
    label = [hit if kind == "mature" else None for hit, kind in zip(struck, state, strict=True)]
    labels = {"high_risk_60d": label, "label_state": state}
    _write(lake / features.SELLER_SNAPSHOTS.path, keys | values)
    _write(lake / features.SELLER_LABELS.path, keys | labels)
    (truth / "seller_risks").mkdir(parents=True)
    risks = {"seller_id": keys["seller_id"], "day": keys["ds"],
             "risk_60d": [0.1 + 0.5 * hit for hit in struck]}  # fmt: skip
    pl.DataFrame(risks).write_parquet(truth / "seller_risks" / "part.parquet")
    return lake, truth


def _write(path: Path, columns: dict[str, list[object]]) -> None:
    pl.DataFrame(columns).write_delta(str(path))


def test_month_ends_are_counted_and_mature_ones_judged(
    world: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    lake, truth = world
    where = ["--lake-root", str(lake), "--truth", str(truth), "--from", str(FIRST)]
    assert world_features.main(where) == 0
    said = capsys.readouterr().out
    assert "| active | 80 |" in said
    assert "| base rate | 0.5 |" in said
    assert "| ceiling | 1 |" in said
    assert "| orders_30d | 1.000 |" in said
    assert "| contact_rate | 0.375 |" in said
    assert "| 2025-01-31 | 40 | 40 | 0.5000 |" in said
    assert "| 2025-02-28 | 40 | 0 |  |" in said
