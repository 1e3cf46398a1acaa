"""Train, judge, register, promote, score: the jobs on Spark, with a registry of their own."""

from __future__ import annotations

import json
import logging
import runpy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from sklearn.metrics import average_precision_score

from conf.model_settings import SellerRisk, load_seller_risk
from conf.settings import Settings
from conf.tables import meta, reports, scores
from jobs import models
from jobs.errors import ContractBroken, GateNotPassed, NoChampion, OutsideUnavailable, UsageError
from jobs.lake.io import Lake
from jobs.lake.lease import lease
from jobs.lake.records import open_lake
from jobs.learn import promote, rollback, score_seller_risk
from jobs.learn import seller_risk as job
from jobs.report import model_health, seller_risk
from jobs.seller_months import for_driver
from jobs.window import Window
from ml.seller_risk import encoding
from tests.support.seller_lakes import put
from tests.support.seller_months import month_ends, seller_months

pytestmark = pytest.mark.spark

PROJECT = Path(__file__).parents[3]
MONTHS = 7
DS = month_ends(MONTHS)[-1] + timedelta(days=60)
AS_OF = Window.day(DS)


@pytest.fixture(scope="session")
def rules() -> SellerRisk:
    """Quick, and content with what a few hundred sellers can show."""
    usual = load_seller_risk()
    return replace(
        usual,
        split=replace(usual.split, positives_least=10),
        training=replace(usual.training, backend="native", trials=2, rounds_most=40,
                         early_stopping_rounds=10),
        evaluation=replace(usual.evaluation, bootstraps=50),
        gates=replace(usual.gates, ap_least=0.2, ap_lower_bound_least=0.1, ece_most=0.2,
                      worst_month_ap_least=0.1, over_logistic_least=-1, slice_ap_floor=0.0,
                      trainers_ap_distance_most=1.0),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, rules: SellerRisk) -> None:
    for module in (job, score_seller_risk):
        monkeypatch.setattr(module, "load_seller_risk", lambda: rules)


@pytest.fixture(scope="session")
def months() -> pd.DataFrame:
    return seller_months(400, MONTHS)


@pytest.fixture(scope="module")
def place(spark, settings: Settings, tmp_path_factory, months) -> Settings:
    """A lake with seller-months, and in it a registry."""
    here = replace(settings, lake_root=str(tmp_path_factory.mktemp("lake")))
    put(open_lake(spark, here, zone="UTC", create=True), months)
    return here


@pytest.fixture(scope="module")
def lake(spark, place: Settings) -> Lake:
    return open_lake(spark, place, zone=None, create=False)


@pytest.fixture
def make_place(spark, settings, tmp_path) -> Callable[[pd.DataFrame], tuple[Lake, Settings]]:
    def make(months: pd.DataFrame) -> tuple[Lake, Settings]:
        here = replace(settings, lake_root=str(tmp_path / "lake"))
        lake = open_lake(spark, here, zone="UTC", create=True)
        put(lake, months)
        return lake, here

    return make


def champion(place: Settings) -> str | None:
    with models.registry(place) as found:
        version = found.champion("seller_risk")
    return version.number if version else None


def test_without_a_champion_nothing_is_scored(lake: Lake, place: Settings) -> None:
    with pytest.raises(GateNotPassed, match=r"learn\.promote --model seller_risk"):
        score_seller_risk.run(lake, place, AS_OF)


def test_a_model_that_passes_becomes_champion_and_scores_every_seller(
    lake: Lake, place: Settings, months: pd.DataFrame
) -> None:
    job.run(lake, place, AS_OF)
    assert champion(place) == "1"
    newest = Window.day(month_ends(MONTHS)[-1])
    score_seller_risk.run(lake, place, newest)
    found = lake.read(scores.SELLER_RISK).toPandas()
    assert sorted(found["seller_id"]) == sorted(set(months["seller_id"]))
    assert set(found["model_version"]) == {"1"}
    assert found["hindsight"].all()
    assert (found.sort_values("margin")["probability"].diff().dropna() >= 0).all()
    again = lake.version(scores.SELLER_RISK)
    score_seller_risk.run(lake, place, newest)
    same = lake.read(scores.SELLER_RISK).toPandas()
    order = ["seller_id", "margin", "probability", "band"]
    pd.testing.assert_frame_equal(
        found[order].sort_values("seller_id", ignore_index=True),
        same[order].sort_values("seller_id", ignore_index=True),
    )
    assert lake.version(scores.SELLER_RISK) > again


def test_the_registered_model_loads_by_alias_and_says_the_same(
    lake: Lake, place: Settings, months: pd.DataFrame
) -> None:
    """In plain MLflow, without Spark and without pickle."""
    loaded = mlflow.pyfunc.load_model("models:/seller_risk@champion")
    newest = months[months["ds"] == month_ends(MONTHS)[-1]].sort_values("seller_id")
    plain = newest.drop(columns=["ds", "seller_id", "label"])
    numbers = plain.select_dtypes("number").columns
    said = loaded.predict(plain.astype(dict.fromkeys(numbers, "float64")))
    scored = lake.read(scores.SELLER_RISK).toPandas().sort_values("seller_id")
    assert np.abs(said["margin"].to_numpy() - scored["margin"].to_numpy()).max() < 1e-12
    assert list(said["band"]) == list(scored["band"])
    folder = Path(mlflow.artifacts.download_artifacts("models:/seller_risk@champion"))
    assert not [file for file in folder.rglob("*") if file.suffix in (".pkl", ".pickle")]


def test_a_gate_that_is_missed_leaves_the_champion(
    lake: Lake, place: Settings, rules: SellerRisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = replace(rules, gates=replace(rules.gates, ap_least=0.999))
    monkeypatch.setattr(job, "load_seller_risk", lambda: strict)
    with pytest.raises(GateNotPassed, match=r"average precision is 0\.\d+ instead of 0\.999"):
        job.run(lake, place, AS_OF)
    assert champion(place) == "1"
    with models.registry(place) as found:
        candidate = found.version("seller_risk", "2")
    assert candidate.tags["gates"] == "missed"
    assert "average precision" in candidate.tags["missed"]


def test_a_reviewer_promotes_and_takes_back(
    lake: Lake, place: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    reviewed = partial(promote.run, lake, place, None, model="seller_risk", version="2",
                       why="reviewed the card")  # fmt: skip
    with pytest.raises(GateNotPassed, match=r"average precision is 0\.\d+ .*--accept-missed"):
        reviewed()
    reviewed(accept_missed=True, check=True)
    assert set(json.loads(capsys.readouterr().out)) >= {"swap_ins", "swap_outs", "after"}
    assert champion(place) == "1"
    reviewed(accept_missed=True)
    assert champion(place) == "2"
    rollback.run(lake, place, None, model="seller_risk", why="scores drifted")
    assert champion(place) == "1"
    log = lake.read(meta.MODEL_PROMOTIONS).orderBy("at").collect()
    assert [(row["version"], row["previous_version"]) for row in log] == [
        ("1", None), ("2", "1"), ("1", "2"),
    ]  # fmt: skip
    assert log[1]["why"] == "reviewed the card"
    changes = json.loads(log[1]["changes"])
    assert sum(changes["before"].values()) == sum(changes["after"].values()) == 400
    assert changes["ds"] == str(month_ends(MONTHS)[-1])


def test_a_version_that_is_not_there_is_said(lake: Lake, place: Settings) -> None:
    with pytest.raises(UsageError, match="99"):
        promote.run(lake, place, None, model="seller_risk", version="99", why="?")


def test_a_touched_file_is_refused_before_it_is_run(lake: Lake, place: Settings) -> None:
    texts = {
        code: code.read_text()
        for code in Path(place.lake_root or "", "models", "artifacts").rglob("registered.py")
    }
    for code, text in texts.items():
        code.write_text(text + "\nraise SystemExit('run')\n")
    try:
        with (
            pytest.raises(ContractBroken, match="not those that were registered"),
            models.registry(place) as found,
        ):
            found.loaded(found.version("seller_risk", "1"))
        with pytest.raises(ContractBroken, match="not those that were registered"):
            score_seller_risk.run(lake, place, Window.day(month_ends(MONTHS)[-1]))
    finally:
        for code, text in texts.items():
            code.write_text(text)


def test_a_registry_that_is_down_is_exit_4_before_anything_is_trained(
    lake: Lake, place: Settings
) -> None:
    away = replace(place, mlflow_uri="http://127.0.0.1:9")
    for run in (score_seller_risk.run, job.run):
        with pytest.raises(OutsideUnavailable, match="does not answer"):
            run(lake, away, AS_OF)


def test_too_few_months_are_counted(make_place) -> None:
    lake, place = make_place(seller_months(60, 3))
    with pytest.raises(ContractBroken, match="3 missing"):
        job.run(lake, place, AS_OF)


def test_one_class_only_is_said(make_place) -> None:
    lake, place = make_place(seller_months(60, MONTHS).assign(label=0))
    with pytest.raises(ContractBroken, match="0 positive labels of"):
        job.run(lake, place, AS_OF)


def test_a_label_given_too_early_does_not_count(make_place) -> None:
    lake, place = make_place(seller_months(60, MONTHS))
    early = Window.day(month_ends(MONTHS)[-1])
    with pytest.raises(ContractBroken, match="at least 6 are needed"):
        job.run(lake, place, early)


def test_a_feature_without_a_value_is_named(make_place) -> None:
    lake, place = make_place(seller_months(400, MONTHS).assign(asp=None))
    with pytest.raises(ContractBroken, match="asp has no value"):
        job.run(lake, place, AS_OF)


def test_a_planted_leak_is_named_and_can_never_be_champion(make_place) -> None:
    months = seller_months(400, MONTHS)
    rng = np.random.default_rng(0)
    told = months["label"] + 0.3 * rng.standard_normal(len(months))
    lake, place = make_place(
        months.assign(policy_warnings_90d=np.maximum(10 * told, 0).round().astype(int))
    )
    with pytest.raises(GateNotPassed, match="policy_warnings_90d alone reaches"):
        job.run(lake, place, AS_OF)
    with pytest.raises(GateNotPassed, match="policy_warnings_90d looks as if it knew the label"):
        promote.run(lake, place, None, model="seller_risk", version="1", why="it is so good",
                    accept_missed=True)  # fmt: skip
    assert champion(place) is None


def test_two_trainings_at_once_both_end_and_leave_one_champion(spark, make_place) -> None:
    _, place = make_place(seller_months(400, MONTHS))

    def train() -> None:
        own = open_lake(spark, place, zone=None, create=False)
        own.turn = partial(lease, spark, own.root, "learn.seller_risk", 300.0)
        job.run(own, place, AS_OF)

    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(train) for _ in range(2)]:
            ended.result()
    assert champion(place) == "2"
    log = open_lake(spark, place, zone=None, create=False).read(meta.MODEL_PROMOTIONS)
    assert sorted(row["version"] for row in log.collect()) == ["1", "2"]


def test_a_champion_of_another_contract_is_refused(
    lake: Lake, place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "NAMES", (*encoding.NAMES, "shoe_size"))
    with pytest.raises(ContractBroken, match="knows other features: shoe_size"):
        score_seller_risk.run(lake, place, Window.day(month_ends(MONTHS)[-1]))


def test_unseen_categories_and_gaps_are_scored_and_said(
    lake: Lake, place: Settings, months: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    later = month_ends(MONTHS + 1)[-1]
    odd = months[months["ds"] == month_ends(MONTHS)[-1]].assign(ds=later)
    first = odd["seller_id"] < "s-00030"
    odd.loc[first, "marketplace"] = "BR"
    odd.loc[first, "contact_rate"] = None
    put(lake, odd)
    with caplog.at_level(logging.WARNING):
        score_seller_risk.run(lake, place, Window.day(later))
    assert "30 sellers have a marketplace that the model has not seen" in caplog.text
    scored = lake.read(scores.SELLER_RISK).where(F.col("ds") == F.lit(later))
    assert scored.count() == len(odd)


def test_of_a_large_table_one_process_sees_some_sellers_with_all_their_months(
    lake: Lake, months: pd.DataFrame
) -> None:
    rows = for_driver(lake.spark.createDataFrame(months[["ds", "seller_id"]]), 1_000)
    seen = rows.groupBy("seller_id").count().toPandas()
    assert set(seen["count"]) == {MONTHS}
    assert 600 < seen["count"].sum() < 1_400


def test_synapse_says_what_its_text_says(
    lake: Lake, place: Settings, rules: SellerRisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_champion = replace(rules, gates=replace(rules.gates, champion_difference_least=-1.0))
    monkeypatch.setattr(job, "load_seller_risk", lambda: any_champion)
    job.run(lake, place, AS_OF, backend="synapse")
    with models.registry(place) as found:
        assert found.version("seller_risk", "3").tags["gates"] == "passed"


def test_health_and_page_tell_of_a_day(lake: Lake, place: Settings, months: pd.DataFrame) -> None:
    first, last = (month_ends(MONTHS)[n] for n in (-3, -1))
    for ds in (first, last):
        score_seller_risk.run(lake, place, Window.day(ds))
    model_health.run(lake, place, Window.day(last))
    found = {row["metric"]: row for row in lake.read(reports.MODEL_HEALTH).collect()}
    assert found["sellers"]["value"] == 400
    assert found["score_psi"]["value"] < 0.5
    assert found["feature_psi"]["value"] is None  # no reference is frozen
    assert found["model_age_days"]["value"] == -60
    realised = found["realised_average_precision"]
    assert realised["about_ds"] == first
    scored = lake.read(scores.SELLER_RISK).where(F.col("ds") == F.lit(first)).toPandas()
    label = months[months["ds"] == first].set_index("seller_id")["label"]
    expected = average_precision_score(label[scored["seller_id"]], scored["margin"])
    assert realised["value"] == pytest.approx(expected)
    seller_risk.run(lake, place, Window.day(last))
    page = Path(lake.root, "pages", "seller_risk", f"{last}.html").read_text()
    assert "sellers are in critical condition" in page
    assert page.count('<li class="card">') == seller_risk.RISKIEST
    assert "Average precision, realised" in page


def test_a_day_without_scores_has_no_page(lake: Lake, place: Settings) -> None:
    for run in (model_health.run, seller_risk.run):
        with pytest.raises(NoChampion, match=r"learn\.score_seller_risk --ds 2019-01-01"):
            run(lake, place, Window.day(date(2019, 1, 1)))


def test_the_notebook_runs_on_it(
    lake: Lake, place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETPLACE_LAKE_ROOT", lake.root)
    found = runpy.run_path(str(PROJECT / "notebooks" / "01_seller_risk.py"))
    assert found["by_band"]["sellers"].sum() == 400
    assert found["riskiest"]["reasons"]
    assert found["common"].height > 0
