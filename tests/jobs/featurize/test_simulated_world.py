"""A simulated marketplace from its landing files to its snapshots, against the oracle."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.settings import Settings
from jobs.featurize import seller_snapshots
from jobs.ingest import landing
from jobs.lake.io import Lake
from jobs.refine import seller_days
from jobs.simulate import world
from jobs.simulate.noise import Rates
from jobs.window import Window
from tests.jobs.featurize.cells import assert_equal, cells, of_oracle
from tests.support.oracle_share import Shares, facts_in

pytestmark = [pytest.mark.spark, pytest.mark.soak]

log = logging.getLogger(__name__)

ZONE = "Europe/Berlin"  # 29 March has 23 hours
DAYS = Window(date(2026, 1, 10), date(2026, 4, 30))
DATES = [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 29), date(2026, 3, 31),
         date(2026, 4, 30)]  # fmt: skip
SELLERS = 200
RATES = Rates(late=0.02, corrected=0.03, retracted=0.02, duplicated=0.03)


def test_every_cell_of_200_sellers_on_5_days_equals_the_oracle(
    spark: SparkSession, make_lake: Callable[..., Lake], settings: Settings, tmp_path: Path
) -> None:
    zoned, out = replace(settings, time_zone=ZONE), str(tmp_path / "landing")
    world.run(
        spark, zoned, DAYS, sellers=400, orders_per_day=80, seed=5, out=out, rates=RATES,
        format="parquet",
    )  # fmt: skip
    lake = make_lake(ZONE)
    landing.run(lake, zoned, DAYS, landing=out, check=False)
    seller_days.run(lake, zoned, DAYS)
    settled = seller_snapshots.settled(lake, DATES)
    found = cells(seller_snapshots.snapshots(lake, *settled, DATES).collect())
    shares = Shares(facts_in(lake))
    sellers = sorted({seller for _, seller in found})[:SELLERS]
    expected = {
        key: columns
        for seller in sellers
        for key, columns in of_oracle(shares.of(seller), ZONE, DATES).items()
        if key[1] == seller
    }
    assert len(sellers) == SELLERS
    log.info("%d sellers and days, of %d", len(expected), len(found))
    assert_equal({key: row for key, row in found.items() if key[1] in set(sellers)}, expected)
