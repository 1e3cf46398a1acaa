"""Segments in a container: a real process over an /opt/ml folder, equal to the model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from ml.seller_segments.behaviour import columns, month_ends_to
from ml.seller_segments.model import Model
from tests.ml.seller_segments.conftest import (  # noqa: F401
    ENDS,
    data,
    outcome,
    refits,
    rows,
    segment_months,
    segment_rules,
    segments,
)

PROJECT = Path(__file__).parents[2]
DS = ENDS[-1]


@pytest.fixture
def given(segments: Model, segment_months: pd.DataFrame, tmp_path: Path) -> Path:  # noqa: F811
    """An /opt/ml, its input one file a month-end."""
    segments.write(tmp_path / "model")
    folder = tmp_path / "processing" / "input"
    folder.mkdir(parents=True)
    for end in month_ends_to(DS, segments.month_ends):
        month = segment_months[segment_months["ds"] == end]
        month.sample(frac=1, random_state=3).to_parquet(folder / f"{end}.parquet")
    return tmp_path


def assign(root: Path, ds: str = str(DS)) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sagemaker.assign", "--root", str(root), "--ds", ds]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)


def test_a_container_assigns_what_the_model_assigns(
    given: Path, segments: Model, segment_months: pd.DataFrame  # noqa: F811
) -> None:  # fmt: skip
    done = assign(given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 300
    found = pyarrow.parquet.read_table(given / "processing" / "output" / "segments.parquet")
    names = ["ds", "seller_id", *columns(segments.features)]
    whole = pa.Table.from_pandas(segment_months[names], preserve_index=False)
    assert found.equals(segments.assigned(whole, DS))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("no such date", "holds no rows of 2019-01-31"),
        ("twice", "a seller twice"),
        ("nothing", "holds no Parquet file"),
        ("column", "column asp is missing"),
        ("text", "asp"),
        ("touched", "centres.json"),
        ("no counts", "published counts"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(given: Path, wrong: str, said: str) -> None:
    folder, ds = given / "processing" / "input", str(DS)
    newest = folder / f"{DS}.parquet"
    rows = pd.read_parquet(newest)  # noqa: F811
    if wrong == "no such date":
        ds = "2019-01-31"
    elif wrong == "nothing":
        for file in folder.glob("*"):
            file.unlink()
    elif wrong == "touched":
        (given / "model" / "centres.json").write_text("{}")
    else:
        changed = {
            "twice": pd.concat([rows, rows.head(1)]), "column": rows.drop(columns="asp"),
            "text": rows.assign(asp="many"), "no counts": rows.drop(columns="orders_placed_90d"),
        }  # fmt: skip
        changed[wrong].to_parquet(newest)
    done = assign(given, ds)
    assert done.returncode == 3, done.stderr
    assert said in done.stderr
    assert not (given / "processing" / "output").exists()
