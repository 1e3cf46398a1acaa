"""The drawn ledger's own rules, and what is asked of it, without Spark."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from pathlib import Path

import duckdb
import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import ledger, month_ends, sums
from conf.seller_features import WINDOW_DAYS, measures
from conf.tables import silver

TODAY = date(2026, 6, 30)


def test_a_drawn_ledger_counts_all_that_features_sum_and_each_measure_in_one_part() -> None:
    counted = [name for part in ledger.PARTS for name in part.measures]
    assert len(counted) == len(set(counted))
    assert set(counted) <= set(silver.SELLER_DAYS.column_names)
    assert {name for days in WINDOW_DAYS for name in measures(days)} <= set(counted)


def test_parts_of_one_currency_never_meet_in_one_key() -> None:
    for one, other in combinations(ledger.PARTS, 2):
        if one.is_money == other.is_money:
            assert one.lag[1] < other.lag[0] or other.lag[1] < one.lag[0]


def test_a_drawn_state_has_every_column() -> None:
    assert set(ledger.STATE) == set(silver.SELLER_STATE.column_names)


def test_month_ends_are_the_last_ones_in_order() -> None:
    assert month_ends.last_month_ends(3, TODAY) == [
        date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)
    ]  # fmt: skip
    assert len(month_ends.last_month_ends(18, date(2026, 6, 29))) == 18


def test_some_of_the_commands_are_spread_evenly_with_the_last() -> None:
    dates = month_ends.last_month_ends(18, TODAY)
    assert month_ends.spread(dates, 18) == dates
    assert month_ends.spread(dates, 3) == [dates[5], dates[11], dates[17]]
    assert month_ends.spread(dates, 0) == []
    with pytest.raises(SystemExit, match="0 to 18"):
        month_ends.spread(dates, 19)


def test_duckdb_sums_the_windows_that_end_with_the_day(tmp_path: Path) -> None:
    days = {"2026-06-30": 1, "2026-06-01": 10, "2026-05-31": 100, "2026-04-02": 1000,
            "2026-04-01": 10000}  # fmt: skip
    names = dict.fromkeys(name for window in WINDOW_DAYS for name in measures(window))
    counts = ", ".join(f"n as {name}" for name in names)
    rows = ", ".join(f"(date '{day}', {n}::bigint)" for day, n in days.items())
    path = str(tmp_path / "rows.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select 's1' as seller_id, 'USD' as currency, occurred_ds, {counts} "
            f"from (values {rows}) as given(occurred_ds, n)) to '{path}' (format parquet)"
        )
        found = connection.sql(sums.duckdb_sums([path], TODAY))
        assert found.project("seller_id, currency, ds, orders_placed_30d, lines_due_90d").fetchall(
        ) == [("s1", "USD", TODAY, 11, 1111)]  # fmt: skip


def test_every_benchmark_has_its_own_options(capsys: pytest.CaptureFixture[str]) -> None:
    parser = benchmarks.parser()
    assert parser.parse_args(["packed"]).days == 14
    assert parser.parse_args(["sums", "--days", "90"]).days == 90
    assert {parser.parse_args([name]).runs for name in benchmarks.MODULES} == {2}
    with pytest.raises(SystemExit):
        benchmarks.main(["snapshot"])
    assert "snapshots" in capsys.readouterr().err
