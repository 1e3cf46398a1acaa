"""ingest.landing as a job: what lands, what is kept beside it, and that again changes nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.settings import Settings
from conf.tables import bronze, meta
from jobs.errors import ContractBroken, UsageError
from jobs.ingest import landing as job
from jobs.lake.io import Lake
from jobs.lake.records import record_day
from jobs.window import Window

DS = date(2024, 5, 1)
NEXT = date(2024, 5, 2)
pytestmark = pytest.mark.spark


def refund(event_id: str, ds: date = DS, **changed: Any) -> dict[str, Any]:
    at = f"{ds}T10:00:00Z"
    return {
        "event_id": event_id, "occurred_at": at, "known_at": at, "refund_id": f"r-{event_id}",
        "order_id": "o-1", "amount_minor": 500, "currency": "EUR", "reason": "broken",
        "initiated_by": "seller", **changed,
    }  # fmt: skip


def land(
    folder: Path, rows: list[Any], name: str = "a.jsonl", ds: date = DS, entity: str = "refunds"
) -> Path:
    file = folder / entity / f"ds={ds}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


def ingest(
    lake: Lake, settings: Settings, folder: Path, first: date = DS, last: date | None = None,
    check: bool = False, until: datetime | None = None,
) -> None:  # fmt: skip
    window = Window(first, last or first)
    job.run(lake, settings, window, landing=str(folder), check=check, until=until)


def landed(lake: Lake) -> dict[str, int]:
    return {row["event_id"]: row["amount_minor"] for row in lake.read(bronze.REFUNDS).collect()}


def rejected(lake: Lake) -> list[tuple[str, int, list[str]]]:
    table = bronze.rejected(bronze.REFUNDS)
    rows = lake.read(table).collect()
    return sorted((row["source_file"], row["source_line"], row["reasons"]) for row in rows)


def test_good_rows_land_beside_bad_ones_and_again_changes_nothing(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    """Three files, one broken row, one refused file; a duplicate and a conflict across files."""
    folder, lake = tmp_path / "landing", make_lake()
    land(folder, [refund("a"), '{"event_id": "b", ', refund("c", note="x")])
    land(folder, [refund("a"), refund("c", amount_minor=900), refund("d")], "b.jsonl.gz")
    land(folder, ["event_id,refund_id", "e,r-e"], "c.csv")
    ingest(lake, settings, folder)
    assert landed(lake) == {"a": 500, "c": 500, "d": 500}
    bad = [
        (f"refunds/ds={DS}/a.jsonl", 2, ["invalid_json"]),
        (f"refunds/ds={DS}/b.jsonl.gz", 2, ["conflict"]),
        (f"refunds/ds={DS}/c.csv", 0, ["missing_column"]),
    ]
    assert rejected(lake) == bad
    files = {row["path"].rsplit("/", 1)[1]: row for row in lake.read(meta.LANDING_FILES).collect()}
    assert all(f["records"] == f["good"] + f["rejected"] + f["duplicate"] for f in files.values())
    assert (files["b.jsonl.gz"]["good"], files["b.jsonl.gz"]["duplicate"]) == (1, 1)
    assert files["c.csv"]["outcome"] == "refused"
    (extra,) = lake.read(bronze.REFUNDS).where("event_id = 'c'").select("extra").collect()
    assert extra["extra"] == {"note": "x"}
    version = lake.version(bronze.REFUNDS)
    ingest(make_lake(), settings, folder)
    assert (lake.version(bronze.REFUNDS), rejected(lake)) == (version, bad)


def test_a_crash_after_any_commit_then_again_gives_the_same_tables(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = tmp_path / "landing"
    land(folder, [refund("a"), "not json", refund("a")])
    for commits in (1, 2):
        lake = make_lake(name=f"crashed-{commits}")
        wrote, count = Lake._wrote, [0]

        def crash(
            self: Lake, *args: Any, after: int = commits, count: Any = count, wrote: Any = wrote
        ) -> None:
            wrote(self, *args)
            count[0] += 1
            if count[0] == after:
                raise RuntimeError("pulled the plug")

        with monkeypatch.context() as patched:
            patched.setattr(Lake, "_wrote", crash)
            with pytest.raises(RuntimeError, match="plug"):
                ingest(lake, settings, folder)
        land(folder, [refund("z")], "later.jsonl")
        again = make_lake(name=f"crashed-{commits}")
        ingest(again, settings, folder)
        assert landed(again) == {"a": 500, "z": 500}
        assert [entry[1:] for entry in rejected(again)] == [(2, ["invalid_json"])]
        taken = again.read(meta.LANDING_FILES).where("path like '%a.jsonl'").first()
        assert taken is not None
        assert (taken["good"], taken["rejected"], taken["duplicate"]) == (1, 1, 1)


def test_days_close_and_late_files_are_told_where_to_go(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    folder, lake = tmp_path / "landing", make_lake()
    land(folder, [refund("a")])
    ingest(lake, settings, folder)
    record_day(lake, DS, "closed", "refine")
    ingest(lake, settings, folder)
    land(folder, [refund("b")], "late.jsonl")
    with pytest.raises(ContractBroken, match="later ds"):
        ingest(lake, settings, folder)
    land(folder, [refund("b")], "late.jsonl", ds=NEXT)
    ingest(lake, settings, folder, NEXT)
    (row,) = lake.read(bronze.REFUNDS).where("event_id = 'b'").collect()
    assert str(row["known_at"]) == "2024-05-02 23:59:59.999999"
    assert row["extra"] == {"known_at": "2024-05-01T10:00:00.000000Z"}


def test_an_empty_day_is_refused_alone_and_said_within_a_range(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    folder, lake = tmp_path / "landing", make_lake()
    land(folder, [refund("a")])
    with pytest.raises(ContractBroken, match="nothing landed"):
        ingest(lake, settings, folder, NEXT)
    ingest(lake, settings, folder, DS, NEXT)
    assert set(landed(lake)) == {"a"}


def test_too_many_rejected_records_publish_nothing_and_are_kept(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    folder, lake = tmp_path / "landing", make_lake()
    land(folder, [*(refund(f"g{n}") for n in range(940)), *("broken" for _ in range(60))])
    with pytest.raises(ContractBroken, match="60 of 1000"):
        ingest(lake, settings, folder)
    assert landed(lake) == {}
    assert len(rejected(lake)) == 60
    with pytest.raises(ContractBroken):
        ingest(lake, settings, folder)
    assert len(rejected(lake)) == 60


def test_check_says_and_writes_nothing(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    folder, lake = tmp_path / "landing", make_lake()
    land(folder, [refund("a"), "broken"])
    ingest(lake, settings, folder, check=True)
    assert lake.version(bronze.REFUNDS) == -1
    assert lake.version(bronze.rejected(bronze.REFUNDS)) == -1


def test_parquet_is_read_natively_under_the_same_rules(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    """Good rows land; a null key, a foreign currency and a column of another type do not."""
    folder, lake = tmp_path / "landing", make_lake()
    rows = [refund("a"), refund("b", refund_id=None), refund("c", currency="eur"), refund("d")]
    instants = pa.array([1714557600000000] * 4, pa.timestamp("us", "UTC"))
    columns = {name: [row[name] for row in rows] for name in rows[0] if not name.endswith("_at")}
    table = pa.table(
        {**columns, "occurred_at": instants, "known_at": instants, "note": list("wxyz")}
    )
    file = folder / "refunds" / f"ds={DS}" / "a.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(table, file)
    pq.write_table(table.set_column(3, "amount_minor", [["1"] * 4]), file.with_name("b.parquet"))
    ingest(lake, settings, folder)
    assert landed(lake) == {"a": 500, "d": 500}
    assert rejected(lake) == [
        (f"refunds/ds={DS}/a.parquet", 2, ["null_key"]),
        (f"refunds/ds={DS}/a.parquet", 3, ["unknown_currency"]),
        (f"refunds/ds={DS}/b.parquet", 0, ["wrong_type"]),
    ]


def test_an_open_day_in_parts_ends_as_the_day_at_once(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    """Rows known before an instant land early; those without known_at, and what is refused, wait.
    Files grow meanwhile; nothing lands twice, and nothing new is no commit."""
    folder, lake, at_once = tmp_path / "landing", make_lake(), make_lake(name="at_once")
    ten, noon = (datetime(2024, 5, 1, hour, 30, tzinfo=UTC) for hour in (9, 12))
    morning = [refund("a", known_at=f"{DS}T09:00:00Z", occurred_at=f"{DS}T08:00:00Z"), refund("b")]
    waits = refund("c", known_at=None)
    ingest(lake, settings, folder_of(folder, [*morning, waits, '{"event_id": "d", ']), until=ten)
    assert set(landed(lake)) == {"a"}
    folder_of(folder, [*morning, waits, '{"event_id": "d", ', refund("e")])
    ingest(lake, settings, folder, until=noon)
    version = lake.version(bronze.REFUNDS)
    ingest(lake, settings, folder, until=noon)
    assert set(landed(lake)) == {"a", "b", "e"}
    assert lake.version(bronze.REFUNDS) == version
    assert rejected(lake) == []
    assert lake.read(meta.LANDING_FILES).isEmpty()
    for one in (lake, at_once):
        ingest(one, settings, folder)
    columns = [c for c in bronze.REFUNDS.column_names if not c.startswith("source_")]
    assert content(lake, columns) == content(at_once, columns)
    assert rejected(lake) == rejected(at_once)


def test_early_rows_are_of_one_open_day(
    make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    with pytest.raises(UsageError, match="one open day"):
        ingest(make_lake(), settings, tmp_path, DS, NEXT, until=noon)


def folder_of(folder: Path, rows: list[Any]) -> Path:
    land(folder, rows)
    return folder


def content(lake: Lake, columns: list[str]) -> list[str]:
    return sorted(str(row) for row in lake.read(bronze.REFUNDS).select(*columns).collect())
