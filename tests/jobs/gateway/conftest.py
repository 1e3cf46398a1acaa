"""A clock, a provider in memory, and a folder for the journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.fake_provider import FakeProvider

IN_MEMORY = Path("/dev/shm")
"""Where there is one: a journal syncs at every step, and a thousand of them wait for the disk."""


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def provider(clock: TestClock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def folder() -> Iterator[Path]:
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="gateway-", dir=place) as name:
        yield Path(name)
