"""Decides for each mail whether it goes now, waits, or never goes; hands over what goes.

Quiet hours, due time and staleness are looked at mail by mail, at the moment of sending: a long
run may reach into the night.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from conf.notice_settings import NoticesPolicy
from jobs.clock import Clock
from jobs.mailer import notice as states
from jobs.mailer.journal import Journal
from jobs.mailer.message import BadAddress, mail, mail_group
from jobs.mailer.notice import Notice, Outcome
from jobs.mailer.quiet import first_open
from jobs.mailer.senders import NoAccess, Refused, Sender, Temporary

log = logging.getLogger(__name__)

Group = tuple[str, Sequence[Notice]]
Tried = tuple[str, datetime | None, str | None]


@dataclass
class Breaker:
    """Failures of the server in a row; beyond the policy's bound nothing more is tried."""

    most: int
    failures: int = 0
    reason: str | None = None

    def note(self, error: Temporary | NoAccess | None) -> None:
        """`error` of the last mail; None when the server took it."""
        self.failures = self.failures + 1 if error else 0
        if isinstance(error, NoAccess) or self.failures >= self.most:
            self.reason = str(error)


class Mailer:
    """Sends the notices of an outbox. One process, one mail after the other."""

    def __init__(
        self, sender: Sender, policy: NoticesPolicy, clock: Clock, journal: Journal,
        from_address: str,
    ) -> None:  # fmt: skip
        self._sender, self._policy, self._clock = sender, policy, clock
        self._journal, self._from_address = journal, from_address
        self._last_tried = float("-inf")

    def send(self, notices: Iterable[Notice]) -> list[Outcome]:
        """One outcome a notice. The caller has looked that each still holds.

        Running it again with the same notices sends none twice. ValueError for notices that share
        a mail_key but not the recipient, the step and the language; then nothing is sent.
        """
        given = list(notices)
        groups = _groups(given)
        self._journal.forget(self._clock.now())
        sent = self._journal.sent_at([notice.key for notice in given])
        outcomes = [
            Outcome(n.key, n.mail_key, states.SENT, sent[n.key]) for n in given if n.key in sent
        ]
        breaker = Breaker(self._policy.delivery.failures_in_a_row_most)
        for mail_key, members in groups:
            open_ones = [notice for notice in members if notice.key not in sent]
            for one_key, some in self._unsent(mail_key, open_ones):
                outcomes += self._one(one_key, some, breaker)
        _say(outcomes)
        return outcomes

    def _unsent(self, mail_key: str, notices: Sequence[Notice]) -> Iterator[Group]:
        """The mail to send; or, where it went out without these, a mail for each: a second one
        with the same Message-ID would be dropped as a repeat."""
        if notices and self._journal.has_mail(mail_key):
            yield from ((notice.key, [notice]) for notice in notices)
        elif notices:
            yield mail_key, notices

    def _one(self, mail_key: str, notices: Sequence[Notice], breaker: Breaker) -> list[Outcome]:
        """The outcomes of one mail."""
        self._pace()
        now = self._clock.now()
        fresh = [notice for notice in notices if now < notice.expires_at]
        stale = [
            Outcome(n.key, mail_key, states.STALE, now) for n in notices if now >= n.expires_at
        ]
        if not fresh:
            return stale
        state, next_at, reason = self._tried(mail_key, fresh, now, breaker)
        return stale + [Outcome(n.key, mail_key, state, now, next_at, reason) for n in fresh]

    def _tried(
        self, mail_key: str, notices: Sequence[Notice], now: datetime, breaker: Breaker
    ) -> Tried:
        """Sends the mail if it may go now; its state, when it comes again, and why."""
        if (opens_at := self._opens_at(notices, now)) > now:
            return states.WITHHELD, opens_at, None
        if breaker.reason:
            return states.UNAVAILABLE, None, breaker.reason
        self._last_tried = self._clock.monotonic()
        try:
            self._sender.send(mail(mail_key, notices, self._policy, self._from_address, now))
        except (BadAddress, Refused) as error:
            return states.UNDELIVERABLE, None, str(error)
        except NoAccess as error:
            breaker.note(error)
            return states.UNAVAILABLE, None, str(error)
        except Temporary as error:
            if error.server:
                breaker.note(error)
            attempts = max(notice.attempts for notice in notices)
            return states.FAILED, self._clock.now() + self._pause(attempts), str(error)
        breaker.note(None)
        self._journal.note(mail_key, [notice.key for notice in notices], now)
        return states.SENT, None, None

    def _opens_at(self, notices: Sequence[Notice], now: datetime) -> datetime:
        """When to look again: now, if all are due and the recipient is awake."""
        first = notices[0]
        if (due := max(notice.due_at for notice in notices)) > now:
            return due
        quiet = self._policy.quiet_hours.get(first.recipient_kind)
        return first_open(now, quiet, self._policy.zone(first.country))

    def _pause(self, attempts: int) -> timedelta:
        """How long a failed mail waits, after so many failures before this one."""
        delivery = self._policy.delivery
        minutes = delivery.retry_first_minutes * 2 ** min(attempts, 20)
        return timedelta(minutes=min(minutes, delivery.retry_most_minutes))

    def _pace(self) -> None:
        """Waits until the rate allows another mail."""
        at = self._last_tried + 1 / self._policy.delivery.mails_per_second
        wait = at - self._clock.monotonic()
        if wait > 0:
            self._clock.sleep(wait)


def _groups(notices: Iterable[Notice]) -> list[Group]:
    """The notices by mail, the mail that is due first in front."""
    mails: dict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        mails[notice.mail_key].append(notice)
    for mail_key, members in mails.items():
        if len({mail_group(notice) for notice in members}) > 1:
            raise ValueError(f"mail {mail_key}: its notices differ in recipient, step or language")
    return sorted(mails.items(), key=lambda one: (min(n.due_at for n in one[1]), one[0]))


def _say(outcomes: Sequence[Outcome]) -> None:
    counts: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        counts[outcome.state] += 1
    log.info("notices: %s", ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
