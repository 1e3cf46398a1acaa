"""A canary key and a canary client secret appear nowhere but on the wire."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import pytest

from jobs.errors import JobError
from jobs.gateway.access import Access
from jobs.gateway.gateway import Gateway
from jobs.gateway.journal import Journal
from jobs.gateway.provider import StripeProvider
from jobs.gateway.redaction import RedactingFilter, Secret, redacted
from tests.jobs.gateway.answering import answering
from tests.jobs.gateway.clocks import TestClock
from tests.jobs.gateway.plans import ENVIRONMENT, JOB, planned, policy

CANARY = "canary"
WAYS = (
    "ok", "400", "401", "402", "403", "404", "409", "429", "500", "503!", "404!", "html", "list",
    "odd", "cut", "reset", "close", "hang", "redirect",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_failing_shows_a_secret(
    way: str, folder: Path, clock: TestClock, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    quick = policy(read_timeout_seconds=0.2, attempts_per_run=2)
    shown = ""
    with answering(way) as (url, script), Journal(folder / "journal.sqlite", clock) as journal:
        access = Access("sandbox", url, Secret(f"sk_test_{CANARY}"))
        provider = StripeProvider(access, quick)
        sending = Gateway(journal, provider, quick, clock, JOB, ENVIRONMENT, folder)
        request = planned("authorize", planned_at=clock.now(), journal_id=journal.id)
        try:
            sent = sending.send([request])
            shown += repr(sent) + str(sent.unavailable)
            shown += repr(sending.send([planned("cancel", intent_id="pi_1")]))
        except JobError as error:
            shown += repr(error)
        shown += repr([access, provider, vars(provider), request])
        files = b"".join(file.read_bytes() for file in folder.iterdir())
    assert CANARY in str(script.seen), "it was on the wire"
    assert CANARY not in shown + caplog.text + "".join(capfd.readouterr())
    assert CANARY.encode() not in files


def test_a_secret_shows_itself_to_reveal_alone() -> None:
    secret = Secret("sk_test_canary")
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "sk_test_canary"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_canary",
        "rk_test_canary",
        "whsec_canary",
        "pi_3Nabc_secret_canary",
        "seti_1_secret_canary",
    ],
)
def test_every_kind_of_secret_is_cut_out_of_a_text(text: str) -> None:
    assert CANARY not in redacted(f"Bearer {text}, and more")
    assert redacted("pi_123 and ch_123 stay") == "pi_123 and ch_123 stay"


def test_the_filter_cuts_messages_arguments_and_tracebacks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("jobs.gateway.test")
    logger.addFilter(RedactingFilter())
    try:
        raise ValueError("sk_test_canary")
    except ValueError:
        logger.exception("with %s", "whsec_canary")
    assert CANARY not in caplog.text
    assert "whsec_***" in caplog.text
