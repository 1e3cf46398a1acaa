"""Every folder of tests/scenarios/bad_input, read by the text reader alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest.text import Record, RefusedFile, read_records

SUITE = Path(__file__).parents[2] / "scenarios" / "bad_input"
CASES = sorted(path.parent for path in SUITE.glob("*/expect.yaml"))
TABLES = {table.name: table for table in bronze.TABLES}
KEYS = {
    "entity", "file", "what", "records", "good", "duplicates", "rejected", "refused", "extra",
}  # fmt: skip


def expected(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "expect.yaml").read_text(encoding="utf-8"))


def read(folder: Path, expect: dict[str, Any]) -> list[Record]:
    path = folder / "landing" / expect["entity"] / "ds=2024-05-01" / expect["file"]
    return list(read_records(path.read_bytes(), path.name, TABLES[expect["entity"]]))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    expect = expected(folder)
    if "refused" in expect:
        with pytest.raises(RefusedFile) as refused:
            read(folder, expect)
        assert refused.value.rejection.code == expect["refused"]
        return
    records = read(folder, expect)
    rejected = expect.get("rejected", [])
    later = {row["line"] for row in rejected if row.get("stage") == "spark"}
    found = {r.line: {reason.code for reason in r.reasons} for r in records if r.reasons}
    lands = [r for r in records if not r.reasons and r.line not in later]
    assert len(records) == expect["records"]
    assert found == {
        row["line"]: set(row["reasons"]) for row in rejected if row["line"] not in later
    }
    assert later <= {r.line for r in records}
    assert sorted(str(r.values["event_id"]) for r in lands) == sorted(
        [*expect.get("good", []), *expect.get("duplicates", [])]
    )
    for event_id, extra in expect.get("extra", {}).items():
        assert [r.values["extra"] for r in lands if r.values["event_id"] == event_id] == [extra]


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case_is_well_formed(folder: Path) -> None:
    expect = expected(folder)
    assert expect.keys() <= KEYS
    assert expect["what"]
    if "refused" in expect:
        assert not expect.keys() & {"records", "good", "duplicates", "rejected"}
        return
    ends = [expect.get(key, []) for key in ("good", "duplicates", "rejected")]
    assert expect["records"] == sum(map(len, ends))


def test_every_rejection_has_a_case() -> None:
    cases = [expected(folder) for folder in CASES]
    shown = {case["refused"] for case in cases if "refused" in case}
    shown |= {code for case in cases for row in case.get("rejected", []) for code in row["reasons"]}
    assert shown == {rejection.code for rejection in Rejection}


def test_every_folder_is_a_case() -> None:
    assert sorted(path for path in SUITE.iterdir() if path.is_dir()) == CASES
