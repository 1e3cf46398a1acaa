"""What the provider told, added up: the same from what refine keeps and from all events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import bronze, provider
from features import provider as told_by_provider
from jobs import history, provider_state
from jobs.lake.io import Lake
from jobs.refine import provider as job
from jobs.window import Window
from tests.support import lakes, order_scenarios

pytestmark = pytest.mark.spark
DAYS = (date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 8))


@pytest.fixture
def lake(make_lake: Callable[..., Lake]) -> Lake:
    lake = make_lake()
    facts = order_scenarios.staged().facts
    lakes.land(lake, {"stripe_events": facts["stripe_events"]})
    return lake


def rows(frames: dict[str, DataFrame]) -> set[str]:
    return {str(row) for frame in frames.values() for row in frame.collect()}


def from_all_events(lake: Lake, ds: date, until: datetime | None = None) -> set[str]:
    """By the events alone, in another order and each twice."""
    events = lake.read(bronze.STRIPE_EVENTS).where(F.col("ds") <= F.lit(ds))
    if until:
        events = events.where(F.col("known_at") < F.lit(until))
    twice = events.unionByName(events).orderBy(F.xxhash64("event_id").desc()).repartition(3)
    told = told_by_provider.told(twice)
    return rows({
        table.name: told_by_provider.with_month(
            table, told_by_provider.added_up(table, told[table.name]), lake.zone
        )
        for table in provider.TABLES
    })  # fmt: skip


def test_silver_and_what_came_since_are_what_all_events_add_up_to(
    lake: Lake, settings: Settings
) -> None:
    noon = datetime(2026, 6, 2, 12, tzinfo=UTC)
    for ds in DAYS:
        job.run(lake, settings, Window.day(ds))
        served = provider_state.of_window(history.of(lake, Window.day(ds)))
        assert rows(served) ^ from_all_events(lake, ds) == set(), ds
        if ds == DAYS[0]:
            open_day = history.of(lake, Window.day(DAYS[1]), noon)
            within = rows(provider_state.of_window(open_day))
            assert within == from_all_events(lake, DAYS[1], noon)
    stored = {table.name: lake.read(table) for table in provider.TABLES}
    assert rows(stored) == from_all_events(lake, DAYS[-1])
    before = provider_state.of_window(history.of(lake, Window.day(DAYS[0])))
    assert rows(before) == from_all_events(lake, DAYS[0])
