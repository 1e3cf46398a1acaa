"""The flow of data: who writes which table, who reads it, and that nothing flows back."""

from __future__ import annotations

import pytest

from conf import tables
from conf.docs import stale
from conf.tables import decisions
from jobs import day, registry

JOBS = {name: registry.module_of(name) for name in registry.names()}
IN_VERBS = {name: job for name, job in JOBS.items() if name.split(".")[0] in registry.VERBS}
LAYER_OF_VERB = {
    "ingest": "bronze", "refine": "silver", "featurize": "features", "learn": "scores",
    "decide": "decisions", "act": "actions", "report": "reports",
}  # fmt: skip


@pytest.mark.parametrize("name", IN_VERBS)
def test_a_job_writes_only_the_layer_of_its_verb(name: str) -> None:
    written = {table.layer for table in registry.writes_of(JOBS[name])}
    assert written <= {LAYER_OF_VERB[name.split(".")[0]]}


@pytest.mark.parametrize("name", IN_VERBS)
def test_a_job_reads_its_own_layer_or_earlier_ones(name: str) -> None:
    order = list(LAYER_OF_VERB.values())
    own = order.index(LAYER_OF_VERB[name.split(".")[0]])
    assert all(order.index(table.layer) <= own for table in registry.reads_of(JOBS[name]))


@pytest.mark.parametrize(
    "table", [t for t in tables.ALL if t.layer != "meta"], ids=lambda t: t.path
)
def test_a_table_has_one_writing_job(table: tables.Table) -> None:
    writers = {name for name, job in IN_VERBS.items() if table in registry.writes_of(job)}
    if table.layer == "bronze":
        assert writers
        assert all(name.startswith("ingest.") for name in writers)
    else:
        assert writers == {table.writer}


def test_every_table_read_has_a_writer() -> None:
    written = {t.path for job in IN_VERBS.values() for t in registry.writes_of(job)}
    read = {t.path for job in IN_VERBS.values() for t in registry.reads_of(job)}
    assert read <= written | {t.path for t in decisions.AWAITED}


def test_a_table_that_is_awaited_has_no_writer_yet() -> None:
    written = {t.path for job in IN_VERBS.values() for t in registry.writes_of(job)}
    assert not written & {t.path for t in decisions.AWAITED}


def test_the_jobs_of_a_day_come_after_what_they_read() -> None:
    steps = day.steps()
    for table in tables.ALL:
        if table.writer in steps:
            readers = [
                n for n in steps if table in registry.reads_of(JOBS[n]) and n != table.writer
            ]
            assert all(steps.index(table.writer) < steps.index(reader) for reader in readers)


def test_a_day_never_ingests_nor_acts() -> None:
    assert {name.split(".")[0] for name in day.steps()} <= {
        "refine", "featurize", "learn", "decide", "report"
    }  # fmt: skip


def test_a_day_neither_trains_nor_writes_what_is_written_once_a_month() -> None:
    steps = day.steps()
    assert not [name for name in steps if hasattr(JOBS[name], "TURN_PATIENCE_SECONDS")]
    written = {table.path for name in steps for table in registry.writes_of(JOBS[name])}
    assert not written & {table.path for table in tables.MONTHLY}
    assert {"learn.score_seller_risk", "learn.assign_segments"} <= set(steps)


def test_the_generated_documents_are_those_of_the_contracts() -> None:
    assert stale() == []
