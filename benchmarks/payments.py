"""Payments against the provider's rate limits: holds of new orders beside captures of earlier ones.

What a full quarter-hour does: --requests holds and as many captures, sent by the gateway (declared
policy, real clock, journal on disk) to the sandbox in a process of its own, with its limits. These
are two endpoints, which are used at once: the limits' own time is that of one. The earlier orders
are held beforehand without limits, which shows that neither gateway nor sandbox is the bound. The
sandbox's books must agree with what was asked. Aims: at most 1.15x, and no refusal by rate.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.payment_requests import ENVIRONMENT, capture, expected, hold, require_equal
from benchmarks.sides import Different, machine, markdown
from conf.settings import GatewayPolicy, load_gateway_policy
from jobs.clock import RealClock
from jobs.gateway.access import SANDBOX_KEY, Access
from jobs.gateway.gateway import JOURNAL_FILE, Gateway
from jobs.gateway.journal import Journal
from jobs.gateway.pacing import endpoint_of
from jobs.gateway.provider import StripeProvider
from jobs.gateway.redaction import Secret
from jobs.gateway.request import Request, State, parsed_body

log = logging.getLogger(__name__)

AIM = 1.15
JOB = "act.payment_intents"
PROJECT = Path(__file__).parents[1]
ENDS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Sending:
    """What became of a batch: requests by key, ids of their objects, and how long it took."""

    requests: Mapping[str, Request]
    provider_ids: Mapping[str, str]
    seconds: float
    runs: int

    @property
    def per_second(self) -> float:
        return len(self.requests) / self.seconds


@dataclass(frozen=True)
class Measured:
    """One measured quarter-hour. `unlimited_per_second`: holds without limits, before it."""

    sending: Sending
    limits_seconds: float
    refused_by_rate: int
    unlimited_per_second: float

    @property
    def ratio(self) -> float:
        return self.sending.seconds / self.limits_seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=_at_least_one, default=10_000, metavar="N",
                        help="holds, and as many captures (default %(default)s)")  # fmt: skip


def run(options: argparse.Namespace) -> str:
    folder = Path(options.work) / "payments"
    policy = load_gateway_policy()
    found = []
    for _ in range(options.runs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        found.append(measured(folder, options.requests, policy))
    shutil.rmtree(folder, ignore_errors=True)
    return f"## Payments against the provider's rate limits\n\n{table(found)}"


def measured(folder: Path, count: int, policy: GatewayPolicy) -> Measured:
    """`count` holds and captures at once; Different when the sandbox's books say otherwise."""
    with Journal(folder / JOURNAL_FILE, RealClock()) as journal:
        journal_id = journal.id
    unpaced = replace(policy, requests_per_second_per_endpoint=10_000, requests_per_second=10_000)
    with sandbox(folder, "--no-limits") as url:
        earlier = sent(folder, url, unpaced, [hold(f"earlier-{n}", n) for n in range(count)],
                       journal_id)  # fmt: skip
    log.info("%d earlier orders are held: %.0f a second", count, earlier.per_second)
    new = [hold(f"new-{n}", n) for n in range(count)]
    captures = [
        capture(request, earlier.provider_ids[key]) for key, request in earlier.requests.items()
    ]
    own_seconds = limits_seconds([*new, *captures], policy)
    with sandbox(folder) as url:
        log.info("%d holds and captures; the limits' own time: %.0f s", 2 * count, own_seconds)
        sending = sent(folder, url, policy, [*new, *captures], journal_id)
        books = _books(url)
    require_equal(books, expected([*earlier.requests.values(), *new], captures))
    return Measured(sending, own_seconds, books["refused_by_rate"], earlier.per_second)


def limits_seconds(requests: Sequence[Request], policy: GatewayPolicy) -> float:
    """How long the provider's limits alone make it: the busiest endpoint's time, or that of all."""
    bodies = [parsed_body(request) for request in requests]
    busiest = max(Counter(endpoint_of(body.method, body.path) for body in bodies).values())
    return max(
        busiest / policy.requests_per_second_per_endpoint, len(bodies) / policy.requests_per_second
    )


def sent(
    folder: Path, url: str, policy: GatewayPolicy, requests: Sequence[Request], journal_id: str
) -> Sending:
    """Sends until all are settled: a gateway of its own for each run of the job.

    Different when one was not accepted; RuntimeError when a run settles nothing.
    """
    now = RealClock().now()
    rows = {r.key: replace(r, planned_at=now, journal_id=journal_id) for r in requests}
    ids: dict[str, str] = {}
    began, runs = time.monotonic(), 0
    while open_rows := [row for row in rows.values() if not row.state.settled]:
        runs += 1
        with _gateway(folder, url, policy) as gateway:
            done = gateway.send(open_rows)
            gateway.mark_reported(done.outcomes)
        for outcome in done.outcomes:
            if outcome.state is State.REJECTED:
                raise Different(f"{outcome.operation} {outcome.key}: {outcome.error_code}")
            row = rows[outcome.key]
            rows[outcome.key] = replace(row, state=outcome.state, attempts=outcome.attempts)
            ids[outcome.key] = outcome.provider_id or ""
        if not any(outcome.state.settled for outcome in done.outcomes):
            why = done.unavailable or "the provider does not say what became of them"
            raise RuntimeError(f"{len(open_rows)} requests stay open: {why}")
    return Sending(rows, ids, time.monotonic() - began, runs)


@contextmanager
def _gateway(folder: Path, url: str, policy: GatewayPolicy) -> Iterator[Gateway]:
    clock = RealClock()
    provider = StripeProvider(Access(ENVIRONMENT, url, Secret(SANDBOX_KEY)), policy)
    with Journal(folder / JOURNAL_FILE, clock) as journal:
        yield Gateway(journal, provider, policy, clock, JOB, ENVIRONMENT, folder)


@contextmanager
def sandbox(folder: Path, *arguments: str) -> Iterator[str]:
    """The URL of a sandbox whose state is in `folder`, for as long as the block lasts."""
    log_file = folder / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--db",
               str((folder / "sandbox.db").resolve()), *arguments]  # fmt: skip
    with (
        log_file.open("a") as messages,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=messages, cwd=PROJECT, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if not (first := process.stdout.readline()):
                raise RuntimeError(f"the sandbox did not start: {log_file.read_text()[-500:]}")
            yield json.loads(first)["url"]
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _books(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/_control/books", timeout=300) as answer:
        return dict(json.load(answer))


def table(found: Sequence[Measured]) -> str:
    """A row for each run, and whether the aims are met."""
    head = ["holds and captures", "limits' own, s", "gateway, s", "ratio", "runs",
            "requests a second", "refused by rate", "holds a second without limits"]  # fmt: skip
    rows = [
        [f"{len(one.sending.requests):,}", f"{one.limits_seconds:.1f}",
         f"{one.sending.seconds:.1f}", f"{one.ratio:.3f}", str(one.sending.runs),
         f"{one.sending.per_second:.1f}", str(one.refused_by_rate),
         f"{one.unlimited_per_second:.0f}"]
        for one in found
    ]  # fmt: skip
    ratio = statistics.median(one.ratio for one in found)
    refused = sum(one.refused_by_rate for one in found)
    met = "met" if ratio <= AIM and not refused else "not met"
    return (
        f"{markdown(head, rows)}\n\n"
        f"Aim: at most {AIM}x and no refusal by rate, found {ratio:.3f}x (median) and {refused}: "
        f"{met}. The sandbox's books agree with all that was asked. {machine()}."
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of requests, 1 or more")
    return int(text)
