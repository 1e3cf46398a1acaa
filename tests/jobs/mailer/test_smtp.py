"""Against a real SMTP server that drops repeats."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.mailer.notice import Notice, unavailable
from jobs.mailer.senders import Mail, Sender, Temporary
from jobs.mailer.smtp import SmtpSender
from tests.jobs.mailer.certificate import contexts
from tests.jobs.mailer.post import FROM, Post, notice
from tests.jobs.mailer.smtp_box import Box, running

PROJECT = Path(__file__).parents[3]
Make = Callable[[Sender], Post]


def smtp(port: int, most: int = 100, **given: object) -> SmtpSender:
    usual = {"starttls": False, "own_name": "sender.example", "timeout_seconds": 20}
    return SmtpSender("127.0.0.1", port, **{**usual, "mails_a_connection": most, **given})  # type: ignore[arg-type]


@pytest.fixture
def post(make_post: Make, box: Box) -> Post:
    return make_post(smtp(box.port))


def several(count: int) -> list[Notice]:
    return [notice(number) for number in range(count)]


def test_many_mails_go_over_one_connection(post: Post, box: Box) -> None:
    assert post.states(several(5)) == ["sent"] * 5
    assert sorted(box.subjects()) == [f"Please confirm order A-{n}" for n in range(5)]
    assert len(box.sessions) == 1
    assert set(box.recipients) == {"anna@shop.example"}


def test_a_connection_carries_only_so_many(make_post: Make, box: Box) -> None:
    assert make_post(smtp(box.port, most=2)).states(several(5)) == ["sent"] * 5
    assert len(box.sessions) == 3


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("mail 421 4.3.2 closing", "failed", "refused us with 421 4.3.2"),
        ("mail 451 4.3.0 no room", "failed", "refused us with 451 4.3.0"),
        ("rcpt 450 4.2.1 anna@shop.example is full", "failed",
         "refused the recipient with 450 4.2.1"),
        ("rcpt 421 closing", "failed", "refused the recipient with 421"),
        ("data 451 4.7.1 greylisted", "failed", "refused the content with 451 4.7.1"),
        ("rcpt 550 5.1.1 anna@shop.example who?", "undeliverable",
         "refused the recipient with 550 5.1.1"),
        ("data 554 spam", "undeliverable", "refused the content with 554"),
        ("mail 550 5.7.1 who are you?", "unavailable", "refused us with 550 5.7.1"),
        ("rcpt 530 5.7.0 log in first", "unavailable", "refused the recipient with 530 5.7.0"),
        ("drop", "failed", "SMTPServerDisconnected"),
    ],
)  # fmt: skip
def test_an_answer_means(post: Post, box: Box, fault: str, state: str, reason: str) -> None:
    """What a person's address may stand in is not repeated."""
    box.faults.append(fault)
    (outcome,) = post.mailer.send([notice()])
    server = f"the mail server 127.0.0.1:{box.port}"
    assert outcome.state == state
    assert outcome.reason in (f"{server} {reason}", f"{server}: {reason}")
    assert (outcome.next_at is not None) == (state == "failed")
    if state != "undeliverable":
        assert post.states([notice()]) == ["sent"]
        assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("fault", "server"),
    [("mail 451 no", True), ("rcpt 421 no", True), ("data 452 full", True), ("rcpt 450 no", False)],
)
def test_only_what_says_something_about_the_server_counts_against_it(
    box: Box, fault: str, server: bool
) -> None:
    box.faults.append(fault)
    with pytest.raises(Temporary) as error:
        smtp(box.port).send(Mail("a" * 64, FROM, "anna@shop.example", b"To: anna\r\n\r\n"))
    assert error.value.server is server
    assert "anna" not in str(error.value)


def test_a_mail_whose_receipt_was_lost_comes_again_and_is_dropped(post: Post, box: Box) -> None:
    box.faults.append("drop")
    assert post.states([notice()]) == ["failed"]
    assert post.states([notice()]) == ["sent"]
    assert len(box.arrivals) == 2
    assert len(box.mails) == 1


@pytest.mark.parametrize("fault", ["leave", "drop"])
def test_a_connection_that_served_a_while_and_breaks_is_opened_anew(
    post: Post, box: Box, fault: str
) -> None:
    box.faults.extend(["", fault])
    assert post.states(several(4)) == ["sent"] * 4
    assert len(box.mails) == 4


def test_a_server_that_is_not_there_leaves_the_rest_planned(make_post: Make) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        outcomes = make_post(smtp(nobody.getsockname()[1])).mailer.send(several(5))
    assert [o.state for o in outcomes] == ["failed"] * 3 + ["unavailable"] * 2
    assert str(unavailable(outcomes)).endswith("ConnectionRefusedError")


def test_a_server_that_says_nothing_is_left_in_time(make_post: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        sender = smtp(mute.getsockname()[1], timeout_seconds=0.2)
        (outcome,) = make_post(sender).mailer.send([notice()])
    assert outcome.state == "failed"
    assert str(outcome.reason).endswith("SMTPServerDisconnected")


# Access


def test_over_tls_with_a_login(
    make_post: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, authority = contexts(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with running(server) as box:
        sender = smtp(box.port, starttls=True, user="us", password="right")
        assert make_post(sender).states(several(2)) == ["sent"] * 2
        assert box.logins == [b"us"]
        sender.close()


def test_a_wrong_password_is_a_matter_of_settings_and_is_not_shown(
    make_post: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, authority = contexts(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with running(server) as box:
        sender = smtp(box.port, starttls=True, user="us", password="canary")
        outcomes = make_post(sender).mailer.send(several(2))
    assert [o.state for o in outcomes] == ["unavailable"] * 2
    assert "refused us with 535" in str(unavailable(outcomes))
    assert "canary" not in repr(outcomes)


def test_a_server_without_tls_gets_neither_mail_nor_password(make_post: Make, box: Box) -> None:
    sender = smtp(box.port, starttls=True, user="us", password="x")
    (outcome,) = make_post(sender).mailer.send([notice()])
    assert outcome.state == "unavailable"
    assert "STARTTLS extension not supported" in str(outcome.reason)
    assert not box.mails


def test_a_password_is_not_given_without_tls() -> None:
    with pytest.raises(ValueError, match="would show the password"):
        smtp(25, user="us", password="x")


def test_a_server_that_nobody_vouches_for_gets_no_mail(make_post: Make, tmp_path: Path) -> None:
    server, _ = contexts(tmp_path)
    with running(server) as box:
        (outcome,) = make_post(smtp(box.port, starttls=True)).mailer.send([notice()])
        assert (outcome.state, box.mails) == ("failed", {})
    assert "SSLCertVerificationError" in str(outcome.reason)


# Death


@pytest.mark.parametrize("moment", ["before 0", "after 0", "noted 0", "after 2", "noted 3"])
def test_killed_between_two_mails_and_run_again(
    tmp_path: Path, box: Box, make_post: Make, moment: str
) -> None:
    """Dead before a mail, between the mail and the journal, and after the journal's note."""
    command = [sys.executable, "-m", "tests.jobs.mailer.dying", str(box.port),
               str(tmp_path / "outbox"), *moment.split()]  # fmt: skip
    done = subprocess.run(command, cwd=PROJECT, env=dict(os.environ), timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert make_post(smtp(box.port)).states(several(5)) == ["sent"] * 5
    assert sorted(box.subjects()) == [f"Please confirm order A-{n}" for n in range(5)]
    repeats = len(box.arrivals) - 5
    assert repeats == moment.startswith("after")
