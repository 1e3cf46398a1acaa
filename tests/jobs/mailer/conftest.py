"""Mailers of the test's own, and a real SMTP server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conf.notice_settings import NoticesPolicy, load_notices_policy
from jobs.mailer.senders import Sender
from tests.jobs.mailer.post import FakeSender, Post
from tests.jobs.mailer.smtp_box import Box, running


@pytest.fixture(scope="session")
def rules() -> NoticesPolicy:
    return load_notices_policy()


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()


@pytest.fixture
def make_post(tmp_path: Path, rules: NoticesPolicy) -> Iterator[Callable[[Sender], Post]]:
    """Opens a mailer anew over the same journal, as a second run would."""
    opened: list[Post] = []

    def make(sender: Sender) -> Post:
        for before in opened:
            before.journal.close()
        opened.append(Post(tmp_path / "outbox", sender, rules))
        return opened[-1]

    yield make
    for post in opened:
        post.journal.close()


@pytest.fixture
def post(make_post: Callable[[Sender], Post], sender: FakeSender) -> Post:
    return make_post(sender)


@pytest.fixture
def box() -> Iterator[Box]:
    with running() as found:
        yield found
