"""Two lakes of random histories, which the tests of the ledger and of the snapshots share.

Both zones change their clocks within the history: in one a day has 23 hours and no midnight, in
the other a day has 25.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from conf.settings import Settings
from jobs.lake.io import Lake
from jobs.lake.records import open_lake
from tests.support import refined
from tests.support.refined import Refined

MORE = [pytest.param((seed, 1 + seed % 3), marks=pytest.mark.soak) for seed in range(6, 16)]


@pytest.fixture(scope="session", params=[(0, 5), *MORE], ids=str)
def at_once(
    request: pytest.FixtureRequest, make_shared_lake: Callable[[str], Lake], settings: Settings,
    spark: SparkSession,
) -> Refined:  # fmt: skip
    """A history, refined on so many partitions in one pass."""
    seed, partitions = request.param
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    try:
        return refined.at_once(make_shared_lake, settings, seed)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", 2)


@pytest.fixture(scope="session")
def as_it_came(make_shared_lake: Callable[[str], Lake], settings: Settings) -> Refined:
    return refined.as_it_came(make_shared_lake, settings, 2)


@pytest.fixture(scope="session")
def make_shared_lake(
    spark: SparkSession, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Lake]:
    def make(zone: str) -> Lake:
        here = replace(settings, lake_root=str(tmp_path_factory.mktemp("lake")))
        return open_lake(spark, here, zone=zone, create=True)

    return make
