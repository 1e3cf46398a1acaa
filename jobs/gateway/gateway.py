"""Sending planned requests so that none happens twice and none is lost.

    with open_gateway(settings, "act.payment_intents") as gateway:
        sent = gateway.send(requests, known)
        ...                                   # merge sent.outcomes by key, in one commit
        gateway.mark_reported(sent.outcomes)

What an answer means: `judge.py`. What is done when there is none: `steps.py`. What stays when the
process dies at any point: `journal.py`. An outcome is handed out until it is marked as reported.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conf.settings import GatewayPolicy, Settings, load_gateway_policy
from jobs.clock import Clock, clock_for
from jobs.gateway.access import access_for, gateway_folder
from jobs.gateway.dispatch import Dispatch, Due
from jobs.gateway.entry import Outcome
from jobs.gateway.intake import checked, take_in
from jobs.gateway.journal import Journal
from jobs.gateway.provider import Provider, StripeProvider
from jobs.gateway.request import Request, State
from jobs.gateway.sender import Sender
from jobs.gateway.wire import Switches, Wire

JOURNAL_FILE = "journal.sqlite"

log = logging.getLogger("jobs.gateway")


@dataclass(frozen=True)
class Sent:
    """What came of a batch. `outcomes` are to be merged by key. `counts`: requests by state (lower
    case), `posts`, `reads`, `refused_by_rate`. `unavailable` says why something that could have
    gone out did not: the same command is safe to run again. `contradicted`: keys that were rejected
    and whose objects came back all the same; a person has to look."""

    outcomes: tuple[Outcome, ...]
    counts: Mapping[str, int]
    unavailable: str | None
    contradicted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Withdrawn:
    """Keys that will never be sent, and why others were not withdrawn."""

    keys: tuple[str, ...]
    refused: Mapping[str, str]


class Gateway:
    """Sends the requests of `job`. One at a time for a journal.

    `environment` is the first part of every request key: the provider's mode (sandbox, test, live),
    so that a lake that goes from one to another cannot take a request of the one for the other's.
    """

    def __init__(
        self, journal: Journal, provider: Provider, policy: GatewayPolicy, clock: Clock, job: str,
        environment: str, folder: Path,
    ) -> None:  # fmt: skip
        self._journal, self._policy, self._clock = journal, policy, clock
        self._job, self.environment = job, environment
        self._wire = Wire(provider, policy, clock, Switches(policy, clock, folder))

    @property
    def journal_id(self) -> str:
        """To be written into every row that is planned from now on."""
        return self._journal.id

    def send(self, requests: Sequence[Request], known: Mapping[str, str] | None = None) -> Sent:
        """Sends what is due and settles what it can, within the run's budget of time.

        `known`: ids of objects that came back as events, by request key; such a request is ACCEPTED
        and not sent again. ContractBroken, before anything is sent, when a body is not what was
        frozen or its key was used with another one.
        """
        by_key = {request.key: request for request in requests}
        still_open = {key: one for key, one in by_key.items() if not one.state.settled}
        bodies = checked(requests, self._journal.entries(by_key), self.environment)
        take_in(self._journal, requests, self._job, self._clock.now())
        contradicted = self._adopt_known(known or {}, by_key)
        self._wire.counts.clear()
        sender = Sender(
            self._journal, self._wire, self._policy, self._clock, self._job, by_key, bodies
        )
        due = self._due(still_open)
        Dispatch(self._clock, self._wire.switches.seconds_left, sender.work).run(
            due, self._policy.workers
        )
        return self._sent(by_key, sender, contradicted)

    def withdraw(self, requests: Sequence[Request]) -> Withdrawn:
        """Takes back what was never attempted: no later run sends it, whatever its table says."""
        checked(requests, self._journal.entries(r.key for r in requests), self.environment)
        take_in(self._journal, requests, self._job, self._clock.now())
        entries = self._journal.entries(request.key for request in requests)
        gone, refused = [], {}
        for key, entry in entries.items():
            if entry.state is State.PLANNED and entry.first_attempt_at is None:
                self._journal.change(key, State.WITHDRAWN, next_attempt_at=None)
                gone.append(key)
            elif entry.state is State.WITHDRAWN:
                gone.append(key)
            else:
                refused[key] = f"{entry.state} after {entry.attempts} attempts"
        return Withdrawn(tuple(gone), refused)

    def unreported(self) -> list[Outcome]:
        """Outcomes that no caller has marked as reported, also of earlier runs."""
        return self._journal.unreported()

    def mark_reported(self, outcomes: Iterable[Outcome]) -> None:
        """The outcomes are merged; each is handed out again only if it changes."""
        self._journal.mark_reported(outcomes)

    def _adopt_known(
        self, known: Mapping[str, str], requests: Mapping[str, Request]
    ) -> tuple[str, ...]:
        contradicted = []
        for key, entry in self._journal.entries(set(known) & set(requests)).items():
            if not entry.state.settled:
                self._journal.change(
                    key, State.ACCEPTED, provider_id=known[key], error_code=None,
                    next_attempt_at=None,
                )  # fmt: skip
            elif entry.provider_id != known[key]:
                contradicted.append(key)
                log.error("request %s is %s, and %s came back", key, entry.state, known[key])
        return tuple(contradicted)

    def _due(self, requests: Mapping[str, Request]) -> list[Due]:
        """The open ones, operations in turns, so that each endpoint's rate is used."""
        places: Counter[str] = Counter()
        due: list[Due] = []
        now = self._clock.now()
        entries = self._journal.entries(requests).values()
        for entry in sorted(entries, key=lambda entry: (entry.planned_at, entry.key)):
            if not entry.state.settled:
                due_at = max(entry.next_attempt_at or now, now)
                due.append((due_at, places[entry.operation], entry.key))
                places[entry.operation] += 1
        return due

    def _sent(
        self, requests: Mapping[str, Request], sender: Sender, contradicted: tuple[str, ...]
    ) -> Sent:
        entries = self._journal.entries(requests)
        told = {outcome.key: outcome for outcome in self._journal.unreported()}
        for outcome in self._journal.told(entries.values()):
            request = requests[outcome.key]
            if request.state.settled and request.state is not outcome.state:
                told.pop(outcome.key, None)  # an older copy of the journal; the table is ahead
            elif (outcome.state, outcome.attempts) != (request.state, request.attempts):
                told[outcome.key] = outcome
        counts = Counter(str(entry.state).lower() for entry in entries.values())
        planned = [entry for entry in entries.values() if entry.state is State.PLANNED]
        return Sent(
            tuple(told.values()),
            counts | self._wire.counts,
            sender.unavailable(planned),
            contradicted,
        )


@contextmanager
def open_gateway(
    settings: Settings, job: str, clock: Clock | None = None, provider: Provider | None = None
) -> Iterator[Gateway]:
    """The gateway of the environment. AnotherSender when another process has it; UsageError when
    the key does not fit the environment."""
    access, folder = access_for(settings), gateway_folder(settings)
    policy, clock = load_gateway_policy(), clock or clock_for(access.mode)
    with Journal(folder / JOURNAL_FILE, clock, access.mode) as journal:
        journal.prune()
        yield Gateway(
            journal, provider or StripeProvider(access, policy), policy, clock, job, access.mode,
            folder,
        )  # fmt: skip
