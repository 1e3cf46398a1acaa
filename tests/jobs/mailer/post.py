"""Notices to send, a clock that a test moves, and a sender that does what a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from conf.notice_settings import NoticesPolicy, load_notices_policy
from jobs.mailer.journal import Journal
from jobs.mailer.mailer import Mailer
from jobs.mailer.notice import Facts, Notice, notice_key
from jobs.mailer.senders import Mail, Sender

FROM = "notices@marketplace.example"
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
"""A Wednesday, in nobody's quiet hours in Europe."""

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</bdi></li></ul><a href='http://evil.example/x'>click</a>",
    "a\r\nBcc: victim@evil.example\r\n\r\n<p>a second body",
    "https://evil.example www.evil.example mailto:b@evil.example",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "\0\x1b[31m\u202egnp.exe\u2066\u200b\ufeff\ud800\u2028\x85 end",
    "x" * 100_000,
    "\N{COMBINING ACUTE ACCENT}" * 5_000,
    "=?utf-8?q?a=0D=0ABcc=3A_victim=40evil=2Eexample=0D=0A?=",
    "==??utf-8?b?YQ0KQmNjOiBi?= =?us-ascii?q?=0A=0A?=",
    '"; & &lt;b&gt; \\ =?utf-8?q?b=40evil.example?=',
)
"""What a seller may call himself and his things."""

KIND = {name: step.recipient for name, step in load_notices_policy().steps.items()}


def notice(number: int = 1, step: str = "remind_seller", **changed: Any) -> Notice:
    """A notice of order A-`number` that may go at noon; `changed` replaces fields, of its facts
    those of `facts`."""
    key = notice_key(f"order-{number}", "seller-1", step)
    facts = Facts(
        f"A-{number}", 123_450, "EUR", NOON - timedelta(hours=13), ("Green tea", "Cup"),
        **changed.pop("facts", {}),
    )  # fmt: skip
    usual = Notice(
        key, key, f"order-{number}", "seller-1", step, KIND[step], "someone", "DE", "en",
        due_at=NOON - timedelta(hours=1), expires_at=NOON + timedelta(hours=36), facts=facts,
        address="anna@shop.example", recipient_name="Anna",
    )  # fmt: skip
    return replace(usual, **changed)


class FakeClock:
    """Stands still, but for who sleeps."""

    def __init__(self, now: datetime = NOON) -> None:
        self.at = now
        self.slept_seconds = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.slept_seconds += seconds
        self.at += timedelta(seconds=seconds)


class FakeSender:
    """Takes mails; `answers`, where there are any left, says what happens to the next one."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.mails: list[Mail] = []
        self.before: Callable[[], None] = lambda: None

    def send(self, mail: Mail) -> None:
        self.before()
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise answer
        self.mails.append(mail)

    def close(self) -> None:
        return None


class Post:
    """A mailer with what it is made of."""

    def __init__(self, folder: Path, sender: Sender, rules: NoticesPolicy) -> None:
        self.clock = FakeClock()
        self.journal = Journal(folder)
        self.mailer = Mailer(sender, rules, self.clock, self.journal, FROM)

    def states(self, notices: Sequence[Notice]) -> list[str]:
        """The outcomes' states, in the order of the notices."""
        found = {outcome.key: outcome.state for outcome in self.mailer.send(notices)}
        assert len(found) == len(notices)
        return [found[n.key] for n in notices]


def read(mail: Mail) -> EmailMessage:
    parsed = message_from_bytes(mail.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")
