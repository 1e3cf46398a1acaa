"""lake.maintain: fewer files, the same rows, and nothing that a running reader may need is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from conf.settings import Settings
from conf.tables import meta
from jobs.errors import UsageError
from jobs.lake import maintain
from jobs.lake.io import Lake

pytestmark = pytest.mark.spark


def files_of(lake: Lake) -> int:
    return len(lake.read(meta.DAYS).inputFiles())


def test_small_files_become_one_and_the_rows_stay(
    make_lake: Callable[..., Lake], settings: Settings
) -> None:
    lake = make_lake()
    for day in (1, 2, 3):
        row = {"ds": date(2024, 5, day), "event": "closed", "job": "refine", "run_id": "r"}
        lake.append(meta.DAYS, [row])
    before, version = sorted(map(repr, lake.read(meta.DAYS).collect())), lake.version(meta.DAYS)
    assert files_of(lake) == 3
    maintain.run(lake, settings, None, keep_days=7, table=None)
    assert files_of(lake) == 1
    assert sorted(map(repr, lake.read(meta.DAYS).collect())) == before
    old = lake.spark.read.format("delta").option("versionAsOf", version)
    assert old.load(lake.path(meta.DAYS)).count() == 3


def test_days_that_a_reader_may_need_are_kept(
    make_lake: Callable[..., Lake], settings: Settings
) -> None:
    lake = make_lake()
    with pytest.raises(UsageError, match="at least 7"):
        maintain.run(lake, settings, None, keep_days=6, table=None)
    with pytest.raises(UsageError, match=r"--table silver/ordres: .* has no such table"):
        maintain.run(lake, settings, None, keep_days=7, table="silver/ordres")
