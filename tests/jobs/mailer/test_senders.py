"""The sender of files, and the mailer of an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from conf.notice_settings import NoticesPolicy
from jobs.errors import UsageError
from jobs.mailer.opened import open_mailer
from jobs.mailer.senders import FileSender, Mail, Temporary
from jobs.sender_lock import AnotherSender
from tests.jobs.mailer.post import FakeClock, notice
from tests.jobs.mailer.smtp_box import Box

PROD = {
    "MARKETPLACE_MAIL_FROM": "notices@real.example",
    "MARKETPLACE_MAIL_OPERATIONS": "operations@real.example",
    "MARKETPLACE_SMTP_HOST": "mail.real.example",
    "MARKETPLACE_SMTP_USER": "us",
    "MARKETPLACE_SMTP_PASSWORD": "canary",
}
MAIL = Mail("a" * 64, "from@x.example", "to@x.example", b"the first\r\n")


def test_a_mail_is_a_file_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "mails")
    sender.send(MAIL)
    sender.send(Mail(MAIL.mail_key, MAIL.from_address, MAIL.to_address, b"again\r\n"))
    (file,) = (tmp_path / "mails").iterdir()
    assert (file.name, file.read_bytes()) == (f"{'a' * 64}.eml", b"the first\r\n")


def test_half_a_mail_is_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", dies)
        with pytest.raises(Temporary, match="No space left"):
            FileSender(tmp_path).send(MAIL)
    assert not list(tmp_path.glob("*.eml"))
    FileSender(tmp_path).send(MAIL)
    assert [file.name for file in tmp_path.glob("*.eml")] == [f"{'a' * 64}.eml"]


def test_at_home_mails_are_files(rules: NoticesPolicy, tmp_path: Path) -> None:
    with open_mailer(rules, "local", tmp_path, FakeClock(), {}) as opened:
        opened.mailer.send([notice()])
        assert opened.operations_address == "operations@marketplace.example"
        with (
            pytest.raises(AnotherSender),
            open_mailer(rules, "local", tmp_path, FakeClock(), {}),
        ):
            pass
    assert (tmp_path / "mails" / f"{notice().mail_key}.eml").exists()
    with open_mailer(rules, "local", tmp_path, FakeClock(), {}):
        pass  # the folder is free again


def test_at_home_they_go_to_a_server_of_this_machine_when_told_to(
    rules: NoticesPolicy, tmp_path: Path, box: Box
) -> None:
    variables = {"MARKETPLACE_MAIL_SENDER": "smtp", "MARKETPLACE_SMTP_PORT": str(box.port)}
    with open_mailer(rules, "local", tmp_path, FakeClock(), variables) as opened:
        opened.mailer.send([notice()])
    assert box.subjects() == ["Please confirm order A-1"]


@pytest.mark.parametrize(
    ("env", "variables", "said"),
    [
        ("local", {"MARKETPLACE_MAIL_SENDER": "pigeon"}, "one of file, smtp, not 'pigeon'"),
        ("local", {"MARKETPLACE_MAIL_SENDER": "smtp", "MARKETPLACE_SMTP_HOST": "mail.example"},
         "mail goes to mail.example only with --env prod"),
        ("cluster", {"MARKETPLACE_MAIL_SENDER": "smtp", "MARKETPLACE_SMTP_HOST": "10.0.0.1"},
         "mail goes to 10.0.0.1 only with --env prod"),
        ("local", {"MARKETPLACE_MAIL_SENDER": "smtp", "MARKETPLACE_SMTP_PORT": "70000"}, "'70000'"),
        ("local", {"MARKETPLACE_MAIL_FROM": "nobody"}, "from_address: what stands as the address"),
        ("prod", {}, "set the environment variable MARKETPLACE_MAIL_FROM"),
        ("prod", {k: v for k, v in PROD.items() if not k.endswith("PASSWORD")},
         "set the environment variable MARKETPLACE_SMTP_PASSWORD"),
    ],
)  # fmt: skip
def test_what_is_not_set_is_named(
    rules: NoticesPolicy, tmp_path: Path, env: str, variables: Mapping[str, str], said: str
) -> None:
    with (
        pytest.raises(UsageError, match=said),
        open_mailer(rules, env, tmp_path, FakeClock(), variables),
    ):
        pass


def test_production_is_reached_by_reference_and_keeps_its_password_to_itself(
    rules: NoticesPolicy, tmp_path: Path
) -> None:
    with open_mailer(rules, "prod", tmp_path, FakeClock(), PROD) as opened:
        assert opened.operations_address == "operations@real.example"
        assert "canary" not in repr(opened) + repr(vars(opened.mailer)) + repr(rules)


def test_the_mailer_needs_no_spark() -> None:
    asks = "import sys, jobs.mailer.opened, jobs.mailer.timers; print('pyspark' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asks], cwd=Path(__file__).parents[3], capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "False"


def test_nothing_else_sends_mail() -> None:
    project = Path(__file__).parents[3]
    sources = [file for top in ("conf", "features", "ml", "jobs", "dags", "sagemaker")
               for file in (project / top).rglob("*.py")]  # fmt: skip
    senders = {file.parent.name for file in sources if "smtplib" in file.read_text()}
    assert senders == {"mailer"}
