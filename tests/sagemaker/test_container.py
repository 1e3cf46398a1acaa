"""The container as a real process: over HTTP and over an /opt/ml folder, equal to the model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from ml.seller_risk.model import Model
from sagemaker.rows import CSV, LINES, PARQUET
from tests.ml.seller_risk.conftest import (  # noqa: F401
    booster,
    chosen,
    data,
    model,
    months,
    rules,
)
from tests.support.seller_months import month_ends

PROJECT = Path(__file__).parents[2]
DS = str(month_ends(8)[-1])


@pytest.fixture(scope="module")
def root(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("opt_ml")
    model.write(folder / "model")
    return folder


@pytest.fixture(scope="module")
def rows(months: pd.DataFrame) -> pd.DataFrame:  # noqa: F811
    return months[months["ds"].astype(str) == DS].reset_index(drop=True)


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ, "MODEL_DIR": str(root / "model"), "PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    process = subprocess.Popen(["sagemaker/entry.sh", "serve"], cwd=PROJECT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=1)
                break
            except OSError:
                assert process.poll() is None, "the container ended"
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def asked(server: str, body: bytes, form: str, accept: str) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"{server}/invocations", body, {"Content-Type": form, "Accept": accept}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def bodies(rows: pd.DataFrame) -> dict[str, bytes]:
    table = pa.Table.from_pandas(rows.drop(columns="ds"), preserve_index=False)
    buffer = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, buffer)
    return {
        CSV: rows.drop(columns="ds").to_csv(index=False).encode(),
        LINES: "\n".join(json.dumps({k: v for k, v in row.items() if v is not None})
                         for row in table.to_pylist()).encode(),
        PARQUET: buffer.getvalue().to_pybytes(),
    }  # fmt: skip


def same(found: list[dict], expected: list[dict]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one["seller_id"] == other["seller_id"]
        assert one["margin"] == pytest.approx(other["margin"], abs=1e-12)
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-12)
        assert one["band"] == other["band"]
        assert [r["code"] for r in one["reasons"]] == [r["code"] for r in other["reasons"]]
        for mine, theirs in zip(one["reasons"], other["reasons"], strict=True):
            assert mine["contribution"] == pytest.approx(theirs["contribution"], abs=1e-12)
            assert mine["text"] == theirs["text"]


@pytest.mark.parametrize("form", [CSV, LINES, PARQUET])
def test_every_format_gives_the_models_own_scores(server, rows, model, form) -> None:  # noqa: F811
    expected = model.scores(pa.Table.from_pandas(rows, preserve_index=False)).to_pylist()
    status, body = asked(server, bodies(rows)[form], form, LINES)
    assert status == 200
    same([json.loads(line) for line in body.decode().splitlines()], expected)


@pytest.mark.parametrize("accept", [CSV, PARQUET])
def test_answers_come_in_the_format_that_is_asked_for(server, rows, accept) -> None:
    status, body = asked(server, bodies(rows)[PARQUET], PARQUET, accept)
    assert status == 200
    if accept == PARQUET:
        assert pyarrow.parquet.read_table(pa.BufferReader(body)).num_rows == len(rows)
    else:
        first, *lines = body.decode().splitlines()
        assert first.startswith('"seller_id"')
        assert len(lines) == len(rows)


@pytest.mark.parametrize(
    ("change", "form", "said"),
    [
        (lambda rows: rows.drop(columns="avg_rating"), CSV, "avg_rating is missing"),
        (lambda rows: rows.assign(seller_id=None), PARQUET, "seller_id has no value"),
        (lambda rows: rows.assign(asp="many"), PARQUET, "asp"),
        (lambda rows: rows, "text/html", "not known"),
    ],
)
def test_rows_that_break_the_contract_are_refused_by_name(server, rows, change, form, said) -> None:
    body = bodies(change(rows)).get(form, b"<html>")
    status, answer = asked(server, body, form, LINES)
    assert status == 400
    assert said in json.loads(answer)["error"]


def test_a_body_that_is_cut_is_refused_and_the_server_lives_on(server, rows) -> None:
    assert asked(server, bodies(rows)[PARQUET][:-100], PARQUET, LINES)[0] == 400
    assert asked(server, bodies(rows)[CSV], CSV, LINES)[0] == 200


def process(root: Path, ds: str = DS) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sagemaker.process", "--root", str(root), "--ds", ds]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)


@pytest.fixture
def given(root: Path, rows: pd.DataFrame, tmp_path: Path) -> Path:
    """An /opt/ml of its own, its input in two files."""
    (tmp_path / "model").symlink_to(root / "model")
    folder = tmp_path / "processing" / "input"
    folder.mkdir(parents=True)
    rows.iloc[:250].to_parquet(folder / "a.parquet")
    rows.iloc[250:].to_parquet(folder / "b.parquet")
    return tmp_path


def test_processing_writes_every_sellers_score(given: Path, rows, model) -> None:  # noqa: F811
    done = process(given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == len(rows)
    output = given / "processing" / "output"
    expected = model.scores(pa.Table.from_pandas(rows, preserve_index=False)).to_pylist()
    same(pyarrow.parquet.read_table(output / "scores.parquet").to_pylist(), expected)
    assert json.loads((output / "summary.json").read_text())["ds"] == DS


@pytest.mark.parametrize("wrong", ["another day", "twice", "nothing", "touched model"])
def test_processing_refuses_and_writes_nothing(given: Path, rows, wrong: str, root: Path) -> None:
    folder, ds = given / "processing" / "input", DS
    if wrong == "another day":
        ds = "2026-01-01"
    elif wrong == "twice":
        rows.iloc[:1].to_parquet(folder / "c.parquet")
    elif wrong == "nothing":
        for file in folder.glob("*"):
            file.unlink()
    else:
        (given / "model").unlink()
        (given / "model").mkdir()
        for file in (root / "model").iterdir():
            (given / "model" / file.name).write_text(file.read_text() + " ")
    done = process(given, ds)
    assert done.returncode == 3
    assert done.stderr.strip()
    assert not (given / "processing" / "output" / "scores.parquet").exists()
