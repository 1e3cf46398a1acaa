"""The report's two jobs on a lake: rows first, then the page made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from conf.contract import Table
from conf.settings import Settings
from conf.tables import reports, silver
from jobs.errors import UsageError
from jobs.lake.ddl import struct_of
from jobs.lake.io import Lake
from jobs.report import daily, daily_page
from jobs.window import Window

DS = date(2018, 6, 30)
DAYS = [DS - timedelta(days=n) for n in range(80, -1, -1)]
HISTORY = Window(DAYS[0], DS)
MakeLake = Callable[..., Lake]


def put(lake: Lake, table: Table, **values: object) -> None:
    """A ledger row a day, known by the Saturday after, with these measures; 0 for all others."""
    rows = []
    for ds in DAYS:
        dates = {"occurred_ds": ds, "known_ds": ds + timedelta(days=(5 - ds.weekday()) % 7)}
        rows.append(tuple({**dates, **values}.get(name, 0) for name in table.column_names))
    lake.replace_ds(table, lake.spark.createDataFrame(rows, struct_of(table)), HISTORY)


@pytest.fixture
def lake(make_lake: MakeLake) -> Lake:
    """Every day one buyer orders three times from one seller, in reais."""
    opened = make_lake()
    put(opened, silver.BUYER_DAYS, buyer_id="b", currency="BRL", orders=3, total_minor=9_000)
    put(opened, silver.SELLER_DAYS, seller_id="s", currency="BRL", lines_placed=3,
        gmv_minor=8_000, orders_placed=3)  # fmt: skip
    put(opened, silver.SELLER_CATEGORY_DAYS, seller_id="s", category="<b>toys</b>",
        currency="BRL", lines_placed=3, gmv_minor=8_000)  # fmt: skip
    put(opened, silver.REGION_DAYS, country="BR", region="SP", currency="BRL", orders=3,
        total_minor=9_000)  # fmt: skip
    return opened


def test_rows_then_page(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    here = replace(settings, lake_root=lake.root)
    with pytest.raises(UsageError, match=r"report\.daily --ds 2018-06-30"):
        daily_page.run(lake, here, Window.day(DS))

    daily.run(lake, here, Window.day(DS))
    found = {
        (r["metric"], r["dimension"]): r for r in lake.read(reports.DAILY_MARKETPLACE).collect()
    }
    assert found["orders", "all"]["value"] == found["orders", "all"]["baseline"] == 3
    assert found["gmv", "all"]["numerator"] == 8_000
    assert found["gmv_mtd", "all"]["change"] == 0
    assert found["gmv_7d", "category"]["member"] == "<b>toys</b>"
    assert found["order_value_7d", "region"]["member"] == "BR-SP"
    assert found["gmv_reporting", "all"]["value"] is None
    assert "no rate" not in (found["orders", "all"]["note"] or "")
    assert "rate to USD" in found["gmv_reporting", "all"]["note"]

    daily_page.run(lake, here, Window(DAYS[-2], DS))
    pages = list(Path(lake.root, "pages", "daily_marketplace").iterdir())
    assert [path.name for path in pages] == ["2018-06-30.html"]
    html = pages[0].read_text()
    assert "3 orders, about as many as on a usual Saturday, worth BRL\u00a080.00." in html
    assert "Nothing changed against the week before." in html
    assert html.count('role="img"') == 2
