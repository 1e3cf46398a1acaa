"""One Spark session for each worker, and lakes in folders of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.settings import Settings, load_settings
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from jobs.lake.session import open_session

# Threads of LightGBM and NumPy that wait for each other would else spin, and keep the other
# worker's from ever coming: beside a busy machine a training takes twelve times as long.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

SHARED_LAKES = {"at_once", "as_it_came"}
OWN_PROCESSES = ("tests/dags/", "tests/test_cluster.py")
FIRST = ("tests/jobs/refine/", *OWN_PROCESSES, "tests/jobs/featurize/")
"""What takes minutes begins first, so that no worker waits for it alone at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one worker, with the lakes it makes; so do all that share lakes, and what
    starts processes of its own, of which one at a time is enough for two cores."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def _group(item: pytest.Item) -> str:
    if SHARED_LAKES & set(getattr(item, "fixturenames", ())):
        return "shared lakes"
    if item.nodeid.startswith(OWN_PROCESSES):
        return "processes"
    return item.nodeid.partition("::")[0]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The local environment, small and with a scratch folder of its own."""
    local = load_settings("local")
    scratch = str(tmp_path_factory.mktemp("spark"))
    small = {
        "spark.master": "local[2]",
        "spark.driver.memory": "4g",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:ReservedCodeCacheSize=512m",
        # Thousands of small plans on a few rows: interpreting them costs less than compiling them.
        "spark.sql.codegen.wholeStage": "false",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
    }
    return replace(local, lake_root=None, spark={**local.spark, **small})


@pytest.fixture(scope="session")
def spark(settings: Settings) -> Iterator[SparkSession]:
    session = open_session(settings, "tests")
    yield session
    session.stop()


@pytest.fixture
def make_lake(spark: SparkSession, settings: Settings, tmp_path: Path) -> Callable[..., Lake]:
    """Opens a lake of the test's own; the same name again opens the same lake anew."""

    def make(zone: str = "UTC", name: str = "lake") -> Lake:
        here = replace(settings, lake_root=str(tmp_path / name))
        return open_lake(spark, here, zone=zone, create=True)

    return make
