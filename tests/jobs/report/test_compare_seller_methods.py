"""The comparison as a job: learnt and measured on a lake, written, logged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import mlflow
import pytest

from conf.method_settings import load_seller_methods
from conf.model_settings import load_seller_segments
from conf.settings import Settings
from conf.tables import features
from jobs import models
from jobs.errors import ContractBroken
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.report import compare_seller_methods as job
from jobs.window import Window
from tests.support.behaviours import months_of_kinds, quick
from tests.support.seller_lakes import put
from tests.support.seller_months import month_ends

pytestmark = pytest.mark.spark

ENDS = month_ends(8)
AS_OF = ENDS[-1] + timedelta(days=60)


@pytest.fixture(scope="module")
def place(spark, settings: Settings, tmp_path_factory) -> tuple[Lake, Settings]:
    here = replace(settings, lake_root=str(tmp_path_factory.mktemp("lake")))
    lake = open_lake(spark, here, zone="UTC", create=True)
    put(lake, months_of_kinds(600, len(ENDS), telling=True))
    return lake, here


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    segments, methods = quick(load_seller_segments()), load_seller_methods()
    few = replace(methods, evaluation=replace(methods.evaluation, bootstraps=50),
                  model=replace(methods.model, rounds=40))  # fmt: skip
    monkeypatch.setattr(job, "load_seller_segments", lambda: segments)
    monkeypatch.setattr(job, "load_seller_methods", lambda: few)


def test_pages_and_figures_are_of_the_test_months(place: tuple[Lake, Settings]) -> None:
    lake, settings = place
    before = lake.version(features.SELLER_SNAPSHOTS)
    job.run(*place, Window.day(AS_OF))
    folder = Path(lake.root, "pages", "seller_methods")
    page = (folder / f"{AS_OF}.html").read_text()
    text = (folder / f"{AS_OF}.md").read_text()
    assert lake.version(features.SELLER_SNAPSHOTS) == before
    with models.registry(settings) as found:
        experiment = found.client.get_experiment_by_name("seller_methods")
        (run,) = found.client.search_runs([experiment.experiment_id])
        assert models.champion_or_none(found, "seller_segments") is None
        logged = mlflow.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="page")
    assert {one.path for one in logged} == {
        "page/seller_methods.html", "page/seller_methods.md",
    }  # fmt: skip
    figures = [value for name, value in run.data.metrics.items() if "model" in name]
    assert figures
    for use in ("queue order", "outreach", "new marketplace without labels", "label outage"):
        assert use in page.lower()
        assert use in text.lower()


def test_too_few_months_are_counted(spark, settings: Settings, tmp_path: Path) -> None:
    here = replace(settings, lake_root=str(tmp_path / "lake"))
    lake = open_lake(spark, here, zone="UTC", create=True)
    put(lake, months_of_kinds(60, 3))
    with pytest.raises(ContractBroken, match="3 missing"):
        job.run(lake, here, Window.day(AS_OF))
