"""The monthly reports of segments on Spark: health, profile, flows and page."""

from __future__ import annotations

import runpy
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import functions as F

from conf.model_settings import SellerSegments, load_seller_segments
from conf.settings import Settings
from conf.tables import reports, scores
from jobs import models
from jobs.errors import NoChampion
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.learn import assign_segments
from jobs.learn import seller_segments as learn
from jobs.report import segment_health, segments
from jobs.window import Window
from tests.support.behaviours import LARGE, SLOW, kinds, months_of_kinds, quick
from tests.support.seller_lakes import put
from tests.support.seller_months import month_ends

pytestmark = pytest.mark.spark

PROJECT = Path(__file__).parents[3]
SELLERS, MONTHS = 300, 8
ENDS = month_ends(MONTHS)
FITTED, LAST = ENDS[-2], ENDS[-1]

Place = tuple[Lake, Settings]


@pytest.fixture(scope="module")
def rules() -> SellerSegments:
    return quick(load_seller_segments())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, rules: SellerSegments) -> None:
    for module in (learn, segment_health, segments):
        monkeypatch.setattr(module, "load_seller_segments", lambda: rules)


@pytest.fixture(scope="module")
def months() -> pd.DataFrame:
    """The last month has another mix: a third of the slow sellers are gone, 40 large ones new."""
    found = months_of_kinds(SELLERS, MONTHS)
    kind = kinds(SELLERS)
    seller = found["seller_id"].str[2:].astype(int)
    last = found["ds"] == LAST
    gone = last & (kind[seller] == SLOW) & (seller % 3 == 0)
    copies = found[last & (kind[seller] == LARGE)].head(40)
    new = copies.assign(seller_id="n" + copies["seller_id"])
    return pd.concat([found[~gone], new], ignore_index=True)


@pytest.fixture(scope="module")
def place(spark, settings: Settings, tmp_path_factory, months, rules) -> Place:
    here = replace(settings, lake_root=str(tmp_path_factory.mktemp("lake")))
    lake = open_lake(spark, here, zone="UTC", create=True)
    put(lake, months)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn, "load_seller_segments", lambda: rules)
        learn.run(lake, here, Window.day(FITTED))
    assign_segments.run(lake, here, Window(FITTED, LAST), month_ends=True)
    return lake, here


@pytest.fixture(scope="module")
def published(place: Place, rules: SellerSegments) -> Lake:
    with pytest.MonkeyPatch.context() as patch:
        for module in (segment_health, segments):
            patch.setattr(module, "load_seller_segments", lambda: rules)
        segment_health.run(*place, Window.day(LAST))
        segments.run(*place, Window.day(LAST))
    return place[0]


def sizes(lake: Lake, ds: date) -> dict[int, int]:
    rows = lake.read(scores.SELLER_SEGMENTS).where(F.col("ds") == F.lit(ds))
    return {row["segment_id"]: row["count"] for row in rows.groupBy("segment_id").count().collect()}


def test_a_month_without_segments_names_the_command(place: Place) -> None:
    with pytest.raises(NoChampion, match=r"learn\.assign_segments --ds 2019-01-31"):
        segments.run(*place, Window.day(date(2019, 2, 3)))


def test_every_segment_has_one_row_that_adds_up(published: Lake) -> None:
    rows = {row["segment_id"]: row for row in published.read(reports.SEGMENTS).collect()}
    assert {n: row["sellers"] for n, row in rows.items()} == sizes(published, LAST)
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1)
    for currency in ("USD", "EUR", "GBP", "JPY"):
        parts = [g for row in rows.values() for g in row["gmv"] if g["currency"] == currency]
        assert sum(part["share"] for part in parts) == pytest.approx(1)
    for segment, row in rows.items():
        strong = [e for e in row["effects"] if abs(e["effect"]) >= 0.5]
        assert segment == 0 or len(strong) >= 2
        assert row["risk_low"] <= row["risk_rate"] <= row["risk_high"]
        assert row["risk_ds"] == ENDS[-3]
        assert row["owner"]
        assert row["action"]
        assert row["watch"]


def test_gmv_is_the_sum_of_the_sellers_of_the_segment(
    published: Lake, months: pd.DataFrame
) -> None:
    of = published.read(scores.SELLER_SEGMENTS).where(F.col("ds") == F.lit(LAST)).toPandas()
    joined = of.merge(months[months["ds"] == LAST], on="seller_id")
    rows = {row["segment_id"]: row for row in published.read(reports.SEGMENTS).collect()}
    minor = {"USD": 100, "EUR": 100, "GBP": 100, "JPY": 1}
    for (segment, currency), mine in joined.groupby(["segment_id", "currency"]):
        said = {g["currency"]: g["amount_minor"] for g in rows[segment]["gmv"]}
        assert said[currency] == pytest.approx(mine["gmv_30d"].sum() * minor[currency], abs=1)


def test_a_change_of_mix_shows_as_entered_and_left_and_all_parts_add_up(published: Lake) -> None:
    flows = published.read(reports.SEGMENT_FLOWS).toPandas()
    before, now = sizes(published, FITTED), sizes(published, LAST)
    totals = sum(before.values()), sum(now.values())
    for segment in {*before, *now}:
        mine = flows[flows["segment_id"] == segment]
        assert mine["sellers"].sum() == pytest.approx(now.get(segment, 0) - before.get(segment, 0))
        change = now.get(segment, 0) / totals[1] - before.get(segment, 0) / totals[0]
        assert mine["share"].sum() == pytest.approx(change, abs=1e-9)
    by_part = flows.groupby("part")["sellers"].sum()
    assert by_part["entered"] == 40
    assert by_part["left"] < -15
    assert "model_changed" not in by_part
    then = published.read(scores.SELLER_SEGMENTS).where(F.col("ds") == F.lit(FITTED)).toPandas()
    kind = kinds(SELLERS)[then["seller_id"].str[2:].astype(int)]
    for part, planted in (("entered", LARGE), ("left", SLOW)):
        theirs = set(then["segment_id"][kind == planted])
        assert set(flows["segment_id"][flows["part"] == part]) <= theirs


def test_health_has_a_row_a_figure_and_says_what_is_above_its_bound(published: Lake) -> None:
    health = published.read(reports.SEGMENT_HEALTH).toPandas()
    assert set(health["metric"]) == {
        "share_psi", "distance_growth", "feature_psi", "ari_seeds", "ari_halves", "ari_months",
        "kept", "noise_kept",
    }  # fmt: skip
    above = health["metric"] != "noise_kept"
    assert (health["tripped"] == (health["value"] > health["bound"]))[above].all()
    assert not health["tripped"][~above].any()
    figures = health.set_index("metric")["value"]
    assert figures["noise_kept"] >= 0.9
    assert figures["kept"] > 0.9
    assert figures["ari_seeds"] > 0.8


def test_the_page_tells_all_of_it(published: Lake) -> None:
    page = Path(published.root, "pages", "segments", f"{LAST}.html").read_text()
    names = [row["segment_name"] for row in published.read(reports.SEGMENTS).collect()]
    for name in names:
        assert page.count(name) >= 3
    assert page.count('<article class="card">') == len(names)
    assert "new here" in page
    assert "Rules of thumb" in page
    assert "chance redraws" in page


def test_the_notebook_walks_through_it(published: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACE_LAKE_ROOT", published.root)
    found = runpy.run_path(str(PROJECT / "notebooks" / "02_segments.py"))
    assert found["newest"]["sellers"].sum() == len(found["again"])
    assert found["apart"].height >= 2 * (found["newest"].height - 1)
    assert set(found["parts"]["part"]) >= {"entered", "left", "denominator"}


def test_another_version_shows_as_model_changed(
    place: Place, months: pd.DataFrame, rules: SellerSegments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit of all money and the definition of three rates change: a refit is asked for, and the
    month-end before, as it was published, is told apart from what the refit makes of it."""
    lake, settings = place
    after = month_ends(MONTHS + 1)[-1]
    changed = months[months["ds"] == LAST].assign(ds=after)
    for name in ("gmv_30d", "asp"):
        changed[name] = changed[name] * 100
    for name in ("defect_rate", "contact_rate", "cancellation_rate"):
        changed[name] = changed[name] / 3
    put(lake, changed)
    # One month-end in the new units is all that the refit has, and thirty of its rows are Japan's.
    few = replace(rules, triggers=replace(rules.triggers, place_rows_least=20))
    monkeypatch.setattr(learn, "load_seller_segments", lambda: few)
    learn.run(lake, settings, Window.day(after), when_triggered=True)
    with models.registry(settings) as found:
        assert models.champion(found, "seller_segments")[0].number == "2"
    assign_segments.run(lake, settings, Window.day(after))
    segments.run(lake, settings, Window.day(after))
    flows = lake.read(reports.SEGMENT_FLOWS).where(F.col("ds") == F.lit(after)).toPandas()
    assert abs(flows[flows["part"] == "model_changed"]["sellers"]).sum() > 0
    before, now = sizes(lake, LAST), sizes(lake, after)
    for segment in {*before, *now}:
        mine = flows[flows["segment_id"] == segment]
        assert mine["sellers"].sum() == pytest.approx(now.get(segment, 0) - before.get(segment, 0))
