"""One sandbox process for all tests that leave nothing behind which another would see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stripe import StripeClient

from tests.support.sandbox import Sandbox, sandbox_process

BEGINS_AT = "2026-06-30T12:00:00Z"


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path_factory.mktemp("sandbox"), "--no-limits") as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """The shared process, emptied, without faults, its clock standing at BEGINS_AT."""
    shared_sandbox.reset()
    shared_sandbox.faults()
    shared_sandbox.set_clock("frozen", BEGINS_AT)
    return shared_sandbox


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Starts processes of the test's own, one after the other on the same database."""
    from contextlib import ExitStack

    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(sandbox_process(tmp_path, *arguments))


@pytest.fixture
def stripe(sandbox: Sandbox) -> StripeClient:
    return client_of(sandbox)


def client_of(sandbox: Sandbox) -> StripeClient:
    """The official SDK, without retries of its own."""
    return StripeClient("sk_test_x", base_addresses={"api": sandbox.url}, max_network_retries=0)
