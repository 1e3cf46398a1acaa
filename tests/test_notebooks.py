"""The notebooks run from top to bottom and say what the tables hold."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def executed(name: str) -> dict[str, Any]:
    """The variables that a notebook's code cells leave behind."""
    cells = json.loads((NOTEBOOKS / name).read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []  # rows of somebody's lake do not belong in the repository
            exec("".join(cell["source"]), names)  # our own file
    return names


def test_first_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    month, day = date(2026, 6, 1), date(2026, 6, 30)
    orders = {
        "status": ["delivered", "delivered", "placed"], "currency": ["EUR", "EUR", "USD"],
        "occurred_month": [month] * 3, "total_minor": [100, 250, 70],
    }  # fmt: skip
    daily = {
        "ds": [date(2026, 6, 29), day, day, day], "metric": ["orders"] * 4,
        "dimension": ["all", "all", "category", "all"], "currency": ["XXX"] * 4,
        "value": [9.0, 3.0, 1.0, 2.0], "baseline": [4.0] * 4, "alert": ["bad"] * 4,
        "mature": [True, True, True, False],
    }  # fmt: skip
    write_deltalake(tmp_path / "silver" / "orders", pa.table(orders))
    write_deltalake(tmp_path / "reports" / "daily_marketplace", pa.table(daily))
    monkeypatch.setenv("MARKETPLACE_LAKE_ROOT", str(tmp_path))
    found = executed("first_look.ipynb")
    assert found["by_status"].fetchall() == [("delivered", 2), ("placed", 1)]
    assert found["by_month"].fetchall() == [(month, "EUR", 2, 350), (month, "USD", 1, 70)]
    assert found["newest"].fetchall() == [("orders", "XXX", 3.0, 4.0, "bad")]
