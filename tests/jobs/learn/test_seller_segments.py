"""Fit, freeze, assign, refit: segments on Spark, with a registry of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import functions as F
from sklearn.metrics import adjusted_rand_score

from conf.model_settings import SellerSegments, load_seller_segments
from conf.settings import Settings
from conf.tables import features, meta, scores
from jobs import models
from jobs.errors import ContractBroken, GateNotPassed, NoChampion
from jobs.lake.io import Lake
from jobs.lake.lease import lease
from jobs.lake.records import open_lake
from jobs.learn import assign_segments, promote, rollback
from jobs.learn import seller_segments as job
from jobs.window import Window
from ml.seller_segments import behaviour as behaviours
from ml.seller_segments import distributed
from tests.support.behaviours import LARGE, SLOW, kinds, months_of_kinds, quick
from tests.support.seller_lakes import put
from tests.support.seller_months import month_ends

pytestmark = pytest.mark.spark

SELLERS, MONTHS = 300, 7
ENDS = month_ends(MONTHS + 2)
DS = ENDS[MONTHS - 1]
LAST = ENDS[MONTHS - 1]

Place = tuple[Lake, Settings]


@pytest.fixture(scope="module")
def rules() -> SellerSegments:
    return quick(load_seller_segments())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, rules: SellerSegments) -> None:
    monkeypatch.setattr(job, "load_seller_segments", lambda: rules)


@pytest.fixture(scope="module")
def make_place(spark, settings: Settings, tmp_path_factory) -> Callable[..., Place]:
    """A lake with seller-months, and in it a registry."""

    def make(months: pd.DataFrame) -> Place:
        here = replace(settings, lake_root=str(tmp_path_factory.mktemp("lake")))
        lake = open_lake(spark, here, zone="UTC", create=True)
        put(lake, months)
        return lake, here

    return make


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    return months_of_kinds(SELLERS, MONTHS)


@pytest.fixture(scope="module")
def place(make_place, months: pd.DataFrame) -> Place:
    return make_place(months)


def champion(place: Place):
    with models.registry(place[1]) as found:
        return models.champion_or_none(found, "seller_segments")


def assigned(place: Place, ds: date = LAST) -> pd.DataFrame:
    rows = place[0].read(scores.SELLER_SEGMENTS).where(F.col("ds") == F.lit(ds))
    return rows.toPandas().sort_values("seller_id", ignore_index=True)


def test_without_a_champion_nobody_is_assigned(place: Place) -> None:
    with pytest.raises(NoChampion, match=r"learn\.seller_segments"):
        assign_segments.run(*place, Window.day(LAST))


def test_planted_kinds_of_sellers_are_found_and_frozen(place: Place) -> None:
    job.run(*place, Window.day(DS))
    version, model = champion(place)
    assert version.number == "1"
    assert version.tags["gates"] == "passed"
    assign_segments.run(*place, Window(ENDS[MONTHS - 3], LAST), month_ends=True)
    found = assigned(place)
    assert len(found) == SELLERS
    assert set(found["model_version"]) == {"1"}
    known = (found["segment_id"] > 0).to_numpy()
    assert 0.9 < known.mean() < 1
    kind = kinds(SELLERS)[known]
    names = found["segment_name"][known]
    for planted, phrase in ((SLOW, "late"), (LARGE, "many orders")):
        mine = names[kind == planted]
        assert phrase in mine.mode()[0].lower(), names.unique()
        assert (mine == mine.mode()[0]).mean() > 0.95
    assert set(model.every_name) == {0, *model.ids}


def test_every_row_is_what_plain_python_says(place: Place, months: pd.DataFrame) -> None:
    _, model = champion(place)
    names = ["ds", "seller_id", *behaviours.columns(model.features)]
    shuffled = months[names].sample(frac=1, random_state=5)
    plain = model.assigned(pa.Table.from_pandas(shuffled, preserve_index=False), LAST).to_pandas()
    found = assigned(place)
    for column in ("seller_id", "segment_id", "raw_segment_id", "segment_name"):
        assert (found[column] == plain[column]).all(), column
    np.testing.assert_array_equal(found["distance"], plain["distance"])


def test_the_registered_version_loads_without_jars_and_agrees(
    place: Place, months: pd.DataFrame
) -> None:
    with models.registry(place[1]) as found:
        version = models.champion(found, "seller_segments")[0]
        loaded = found.loaded(version)
    rows = months[months["ds"] == LAST].sort_values("seller_id")
    given = rows.drop(columns=["ds", "seller_id", "label"])
    numbers = given.select_dtypes("number").astype(float)
    said = loaded.predict(given.assign(**{n: numbers[n] for n in numbers}))
    assert (said["segment_id"].to_numpy() == assigned(place)["raw_segment_id"].to_numpy()).all()


def test_days_may_come_in_any_order_and_again(place: Place) -> None:
    lake, _ = place
    days = ENDS[MONTHS - 3 : MONTHS]
    before = {ds: assigned(place, ds) for ds in days}
    for ds in reversed(days):
        assign_segments.run(*place, Window.day(ds))
    for ds, rows in before.items():
        pd.testing.assert_frame_equal(assigned(place, ds), rows)
    assert lake.read(scores.SELLER_SEGMENTS).count() == SELLERS * len(days)


def test_a_day_between_month_ends_shows_the_last_one(place: Place, months: pd.DataFrame) -> None:
    lake, _ = place
    middle = LAST + timedelta(days=10)
    today = months[months["ds"] == LAST].assign(ds=middle)
    slow = today["seller_id"].isin([f"s-{n:05d}" for n in np.flatnonzero(kinds(SELLERS) == SLOW)])
    today.loc[slow, "late_shipment_rate"] = 0.0
    new = today.iloc[:1].assign(seller_id="s-new", orders_placed_90d=300)
    put(lake, pd.concat([today, new]))
    assign_segments.run(*place, Window.day(middle))
    now, then = assigned(place, middle), assigned(place)
    assert (now["segment_id"][:-1] == then["segment_id"]).all()
    last = now.iloc[-1]
    assert last["seller_id"] == "s-new"
    assert last["segment_id"] == last["raw_segment_id"]


def test_labels_enforcement_and_scores_are_of_no_account(
    make_place, place: Place, months: pd.DataFrame
) -> None:
    bare = {"policy_warnings_90d": 0, "suspension_history": 0, "document_verification_age": 1.0,
            "support_tickets_90d": 0, "listing_takedowns_90d": 0, "label": 0}  # fmt: skip
    other = make_place(months.assign(**bare))
    job.run(*other, Window.day(DS))
    assign_segments.run(*other, Window.day(LAST))
    columns = ["seller_id", "segment_id", "raw_segment_id", "distance"]
    pd.testing.assert_frame_equal(assigned(other)[columns], assigned(place)[columns])


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_fit_does_not_depend_on_how_rows_lie(
    place: Place, rules: SellerSegments, partitions: int
) -> None:
    lake, _ = place
    _, model = champion(place)
    rows = lake.read(features.SELLER_SNAPSHOTS).where(F.col("ds").isin(ENDS[1:MONTHS]))
    fits = []
    for laid in (rows, rows.orderBy(F.xxhash64("seller_id")).repartition(partitions)):
        points = distributed.points(laid, model, rules.fit.rows_a_partition).persist()
        fits.append(distributed.fit(points, 4, rules.fit, rules.search, lambda said: None))
        points.unpersist()
    np.testing.assert_allclose(fits[0], fits[1], rtol=0, atol=2e-9)


def test_a_refit_of_the_same_sellers_keeps_ids_and_names(place: Place) -> None:
    _, before = champion(place)
    job.run(*place, Window.day(DS))
    version, after = champion(place)
    assert version.number == "2"
    assert dict(after.names) == dict(before.names)
    crosswalk = place[0].read(meta.SEGMENT_CROSSWALKS).toPandas()
    assert crosswalk["same_identity"].all()
    matched = crosswalk[crosswalk["jaccard"].notna()]
    assert (matched["from_segment_id"] == matched["to_segment_id"]).all()
    assert (matched["jaccard"] == 1).all()


def test_promote_says_what_changes_and_rollback_goes_back(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    promote.run(place[0], place[1], None, model="seller_segments", version="1", why="?", check=True)
    assert '"sellers_with_another_id": 0' in capsys.readouterr().out
    rollback.run(place[0], place[1], None, model="seller_segments", why="a test")
    assert champion(place)[0].number == "1"


def test_what_still_fits_is_not_fitted_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        job.run(*place, Window.day(DS), when_triggered=True)
    assert "still fits" in caplog.text
    assert champion(place)[0].number == "1"


def test_a_change_of_scale_asks_for_a_refit_and_new_ids_lead_over(
    make_place, months: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    """Dollars that become cents in the files of one marketplace."""
    lake, _ = place = make_place(months)
    job.run(*place, Window.day(DS))
    later = months_of_kinds(SELLERS, 1, seed=1).assign(ds=ENDS[MONTHS])
    other_unit = later["marketplace"] == "US"
    for name in ("gmv_30d", "asp"):
        later.loc[other_unit, name] = later.loc[other_unit, name] * 100
    put(lake, later)
    with caplog.at_level(logging.INFO):
        job.run(*place, Window.day(ENDS[MONTHS]), when_triggered=True)
    assert "features have drifted: gmv_30d, asp" in caplog.text
    assert champion(place)[0].number == "2"


def test_no_k_that_passes_leaves_the_champion(
    make_place, months: pd.DataFrame, rules: SellerSegments, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place(months)
    strict = replace(rules, gates=replace(rules.gates, jaccard_least=1.01))
    monkeypatch.setattr(job, "load_seller_segments", lambda: strict)
    with pytest.raises(GateNotPassed, match="registered as a candidate; with 3 segments"):
        job.run(*place, Window.day(DS))
    assert champion(place) is None
    with models.registry(place[1]) as found:
        assert found.version("seller_segments", "1").tags["gates"] == "missed"
    with pytest.raises(GateNotPassed, match="accept-missed"):
        promote.run(*place, None, model="seller_segments", version="1", why="?")
    promote.run(*place, None, model="seller_segments", version="1", why="?", accept_missed=True)
    assert champion(place)[0].number == "1"


def test_too_few_sellers_are_counted(make_place) -> None:
    with pytest.raises(ContractBroken, match="2 sellers have 30 orders"):
        job.run(*make_place(months_of_kinds(2, MONTHS, new=0)), Window.day(DS))


def test_features_that_tell_nothing_are_left_out_and_too_many_are_refused(
    make_place, months: pd.DataFrame, rules: SellerSegments, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    gates = replace(rules.gates, jaccard_least=0, half_sample_ari_least=0, kept_least=0)
    monkeypatch.setattr(job, "load_seller_segments", lambda: replace(rules, gates=gates))
    place = make_place(months.assign(return_rate=0.1, contact_rate=np.nan))
    with caplog.at_level(logging.WARNING):
        job.run(*place, Window.day(DS))
    assert "contact_rate is left out: no value in any row" in caplog.text
    assert "return_rate is left out: the same in all rows" in caplog.text
    assert "contact_rate" not in champion(place)[1].coordinates
    names = list(load_seller_segments().features)[:6]
    with pytest.raises(ContractBroken, match="6 of 16 features tell nothing"):
        job.run(*make_place(months.assign(**dict.fromkeys(names, np.nan))), Window.day(DS))


def test_a_missing_month_and_a_vanished_marketplace_are_said(
    make_place, months: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    gone = (months["ds"] == LAST) & (months["marketplace"] == "GB")
    place = make_place(months[(months["ds"] != ENDS[3]) & ~gone])
    with caplog.at_level(logging.WARNING):
        job.run(*place, Window.day(DS))
        assign_segments.run(*place, Window.day(LAST))
    assert f"no rows of the month-ends {ENDS[3]}" in caplog.text
    assert "marketplace GB has no seller at the newest month-end" in caplog.text
    assert "no seller of marketplace GB is left" in caplog.text
    assert f"no snapshots of the month-ends {ENDS[3]}" in caplog.text


def test_a_version_never_mixes_published_and_estimated_counts(
    make_place, months: pd.DataFrame
) -> None:
    lake, _ = place = make_place(months)
    job.run(*place, Window.day(DS))
    put(lake, months[months["ds"] == LAST].assign(ds=ENDS[MONTHS], orders_placed_90d=None))
    with pytest.raises(ContractBroken, match="orders_placed_90d is missing"):
        assign_segments.run(*place, Window.day(ENDS[MONTHS]))


def test_a_version_of_another_contract_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviours, "definitions", lambda features: {})
    with pytest.raises(ContractBroken, match="knows other features: asp"):
        assign_segments.run(*place, Window.day(LAST))


def test_two_refits_at_once_both_end_and_leave_one_champion(
    spark, make_place, months: pd.DataFrame
) -> None:
    _, settings = place = make_place(months)

    def refit() -> None:
        own = open_lake(spark, settings, zone=None, create=False)
        own.turn = partial(lease, spark, own.root, "learn.seller_segments", 300.0)
        job.run(own, settings, Window.day(DS))

    with ThreadPoolExecutor(2) as pool:
        for ended in [pool.submit(refit) for _ in range(2)]:
            ended.result()
    assert champion(place)[0].number == "2"
    log = place[0].read(meta.MODEL_PROMOTIONS).collect()
    assert sorted(row["version"] for row in log) == ["1", "2"]


def test_the_card_lies_beside_the_version(place: Place) -> None:
    with models.registry(place[1]) as found:
        run = found.version("seller_segments", "1").run_id
        folder = mlflow.artifacts.download_artifacts(f"runs:/{run}/card")
    card = (pa.fs.LocalFileSystem().open_input_stream(f"{folder}/card.html").read()).decode()
    assert "All gates are green" in card
    assert "How many segments" in card


def test_segments_are_no_marketplace_and_no_currency(place: Place, months: pd.DataFrame) -> None:
    found = assigned(place)
    where = months[months["ds"] == LAST].set_index("seller_id")["marketplace"]
    place_of = where[found["seller_id"]].to_numpy()
    overall = pd.Series(place_of).value_counts(normalize=True)
    for _, mine in found.groupby("segment_id"):
        shares = pd.Series(place_of[mine.index]).value_counts(normalize=True)
        assert shares.iloc[0] <= 2 * overall[shares.index[0]]


def test_the_search_agrees_with_spark(place: Place) -> None:
    with models.registry(place[1]) as found:
        run = found.client.get_run(found.version("seller_segments", "1").run_id)
    assert run.data.metrics["ari_of_search_and_final_fit"] > 0.8
    truth = kinds(SELLERS)
    ids = assigned(place)["segment_id"].to_numpy()
    known = ids > 0
    assert adjusted_rand_score(truth[known], ids[known]) > 0.4
