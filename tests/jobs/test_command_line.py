"""The command line: usage, help and the list answer without Spark; exit codes; the last line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conf.tables import silver
from jobs import registry
from jobs.__main__ import main


def test_without_a_job_the_usage_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "exit codes" in capsys.readouterr().out


def test_the_list_names_every_job_with_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in registry.names())
    assert silver.SELLER_DAYS.path in listed


@pytest.mark.parametrize("job", registry.names())
def test_every_job_has_help(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([job, "--help"])
    assert ended.value.code == 0
    assert "exit codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["refine.nothing", "--ds", "2024-05-01"],
        ["refine.orders"],
        ["refine.orders", "--ds", "2024-05-01", "--from", "2024-05-01", "--to", "2024-05-02"],
        ["refine.orders", "--from", "2024-05-02", "--to", "2024-05-01"],
    ],
)
def test_what_makes_no_sense_ends_with_2(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_a_date_that_is_none_ends_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["refine.orders", "--ds", "2024-02-30"])
    assert ended.value.code == 2


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
def test_the_last_line_is_the_record_also_of_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["refine.orders", "--ds", "2024-05-01", "--lake-root", str(tmp_path / "none")])
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 2
    assert (record["job"], record["ds"], record["status"]) == (
        "refine.orders",
        "2024-05-01",
        "failed",
    )
    assert "ingest something first" in record["error"]
