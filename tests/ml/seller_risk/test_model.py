"""A model is text and JSON: what it says is the same wherever it is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.artefact import Tampered
from ml.seller_risk import model as files
from ml.seller_risk.encoding import CATEGORIES, NAMES
from ml.seller_risk.explain import MOST_REASONS
from ml.seller_risk.model import LOWEST_BAND, Model, OtherContract


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    model.write(tmp_path / "model")
    return tmp_path / "model"


def rows(months: pd.DataFrame, count: int = 400) -> pa.Table:
    return pa.Table.from_pandas(months.tail(count), preserve_index=False)


def test_it_says_the_same_when_it_is_read_back(model: Model, folder: Path, months) -> None:
    assert files.read(folder).scores(rows(months)).equals(model.scores(rows(months)))


def test_one_row_at_a_time_says_the_same(model: Model, months) -> None:
    whole = model.scores(rows(months)).to_pylist()
    for number in (0, 17, 399):
        assert model.scores(rows(months).slice(number, 1)).to_pylist()[0] == whole[number]


def test_contributions_add_up_and_reasons_raise_the_risk(model: Model, months) -> None:
    scored = model.scores(rows(months))
    assert max(scored.column("additivity").to_pylist()) < 1e-9
    for reasons in scored.column("reasons").to_pylist():
        parts = [reason["contribution"] for reason in reasons]
        assert len(parts) <= MOST_REASONS
        assert parts == sorted(parts, reverse=True)
        assert all(part > 0 for part in parts)
        assert len({reason["family"] for reason in reasons}) == len(reasons)


def test_reasons_speak_of_the_value_its_peers_and_what_to_do(model: Model, months) -> None:
    riskiest = max(model.scores(rows(months)).to_pylist(), key=lambda row: row["margin"])
    seller = months.tail(400).set_index("seller_id").loc[riskiest["seller_id"]]
    assert riskiest["band"] == "critical"
    for reason in riskiest["reasons"]:
        assert reason["text"].endswith(".")
        assert reason["action"].endswith(".")
        if reason["value"] is not None and reason["feature"] not in CATEGORIES:
            assert float(reason["value"]) == pytest.approx(seller[reason["feature"]], rel=1e-5)
            assert 0 <= reason["peer_percentile"] <= 100
            assert "comparable sellers" in reason["text"]


def test_a_missing_value_has_a_sentence_of_its_own(model: Model, months) -> None:
    gone = months.tail(400).assign(**{n: np.nan for n in NAMES if n.startswith("avg_")})
    reasons = [r for row in model.scores(rows(gone)).to_pylist() for r in row["reasons"]]
    missing = [reason for reason in reasons if reason["code"].endswith("_missing")]
    assert missing
    assert all(r["value"] is None and r["peer_percentile"] is None for r in missing)
    assert not [r for r in reasons if "nan" in r["text"].lower()]


def test_hostile_text_stays_text(model: Model, months) -> None:
    hostile = months.tail(400).assign(primary_category="{0.__class__} <script>=cmd()")
    for row in model.scores(rows(hostile)).to_pylist():
        for reason in row["reasons"]:
            if reason["feature"] == "primary_category":
                assert "{0.__class__}" in reason["text"]


def test_bands_follow_the_margin(model: Model) -> None:
    least = list(model.bands.values())
    assert least == sorted(least, reverse=True)
    margins = np.array([least[0], least[0] - 1e-9, least[-1] - 1e-9])
    names = list(model.bands)
    assert list(model.band(margins)) == [names[0], names[1], LOWEST_BAND]


@pytest.mark.parametrize("change", ["changed", "removed", "added"])
def test_files_that_were_touched_are_named_before_they_are_used(folder: Path, change: str) -> None:
    file = folder / ("bands.json" if change != "added" else "more.py")
    if change == "removed":
        file.unlink()
    else:
        file.write_text('{"critical": -99}')
    with pytest.raises(Tampered, match=file.name):
        files.read(folder)


def test_a_model_of_other_features_is_refused(folder: Path) -> None:
    texts = {file.name: file.read_text() for file in folder.iterdir()}
    encoding = json.loads(texts["encoding.json"])
    encoding["features"] = encoding["features"][1:]
    with pytest.raises(OtherContract, match="marketplace"):
        files.of_files({**texts, "encoding.json": json.dumps(encoding)})
