"""What is to be said to whom, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from conf import currencies
from conf.keys import key_of
from conf.notice_settings import RECIPIENTS, STEPS

SENT = "sent"
WITHHELD = "withheld"
STALE = "stale"
FAILED = "failed"
UNDELIVERABLE = "undeliverable"
UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Facts:
    """What a mail says about one order. Texts come from outside and are hostile.

    `since` is the instant from which the step counts (see the policy); `until`, where there is
    one, the latest moment at which the recipient can still act.
    """

    order_number: str
    amount_minor: int
    currency: str
    since: datetime
    titles: tuple[str, ...] = ()
    until: datetime | None = None
    seller_name: str = ""

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int or self.currency not in currencies.CODES:
            raise ValueError(
                f"order {self.order_number!r}: an amount is an integer of minor units with a "
                f"currency, not {self.amount_minor!r} {self.currency!r}"
            )
        if self.since.tzinfo is None or (self.until and self.until.tzinfo is None):
            raise ValueError(f"order {self.order_number!r}: since and until need a time zone")


@dataclass(frozen=True)
class Notice:
    """One row of the outbox, with what is looked up at send time and never stored there:
    `address` and `recipient_name`. `attempts` counts the failed ones so far.

    The notices of one digest share `mail_key`; else it is the notice's own key.
    """

    key: str
    mail_key: str
    order_id: str
    seller_id: str | None
    step: str
    recipient_kind: str
    recipient_id: str
    country: str | None
    language: str
    due_at: datetime
    expires_at: datetime
    facts: Facts
    attempts: int = 0
    address: str | None = field(default=None, repr=False)
    recipient_name: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.step not in STEPS or self.recipient_kind not in RECIPIENTS:
            raise ValueError(
                f"notice of order {self.order_id!r}: there is no step {self.step!r} to "
                f"{self.recipient_kind!r}"
            )
        for name in ("key", "mail_key"):
            if not re.fullmatch(r"[0-9a-f]{64}", getattr(self, name)):
                raise ValueError(f"notice of order {self.order_id!r}: {name} is no SHA-256 in hex")
        if self.due_at.tzinfo is None or self.expires_at.tzinfo is None:
            raise ValueError(f"notice {self.key}: due_at and expires_at are instants with a zone")


@dataclass(frozen=True)
class Outcome:
    """What became of a notice at `at`.

    `withheld` and `failed` come again at `next_at`. `sent`, `stale` and `undeliverable` are final.
    `unavailable`: it was not tried, and the outbox row stays as it is. `reason` names no person.
    """

    key: str
    mail_key: str
    state: str
    at: datetime
    next_at: datetime | None = None
    reason: str | None = None


def notice_key(order_id: str, seller_id: str | None, step: str) -> str:
    """The key of an order's step: SHA-256, in hex, of its parts."""
    return key_of((order_id, seller_id or "", step))


def digest_key(keys: Iterable[str]) -> str:
    """The mail_key of the notices with these keys: of one notice its key, else SHA-256 of the
    sorted keys."""
    several = sorted(keys)
    return several[0] if len(several) == 1 else key_of(several)


def unavailable(outcomes: Iterable[Outcome]) -> str | None:
    """Why some notices were not tried, for exit code 4; None when all were."""
    return next((o.reason for o in outcomes if o.state == UNAVAILABLE), None)
