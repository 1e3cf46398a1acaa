"""The mailer of an environment: its sender, its addresses, its folder."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from conf.notice_settings import SENDERS, NoticesPolicy, SenderSettings
from conf.settings import SettingsError
from jobs.clock import Clock
from jobs.errors import UsageError
from jobs.mailer.journal import Journal
from jobs.mailer.mailer import Mailer
from jobs.mailer.message import BadAddress, checked_address
from jobs.mailer.senders import FileSender, Sender
from jobs.mailer.smtp import SmtpSender


@dataclass(frozen=True)
class Opened:
    """A mailer, and where notices to operations go."""

    mailer: Mailer
    operations_address: str


@contextmanager
def open_mailer(
    policy: NoticesPolicy, env: str, folder: Path, clock: Clock, variables: Mapping[str, str]
) -> Iterator[Opened]:
    """The mailer of `env`, with its journal in `folder` and, for files, its mails in
    `folder`/mails. `variables`: the process's environment.

    UsageError when a variable is missing or senseless; AnotherSender (exit 4) when another
    process is sending from the folder.
    """
    settings = policy.senders[env]
    from_address = _address(settings, "from_address", variables)
    operations = _address(settings, "operations_address", variables)
    sender = _sender(settings, policy, env, folder, variables)
    with ExitStack() as last:
        last.callback(sender.close)
        journal = Journal(folder)
        last.callback(journal.close)
        yield Opened(Mailer(sender, policy, clock, journal, from_address), operations)


def _sender(
    settings: SenderSettings, policy: NoticesPolicy, env: str, folder: Path,
    variables: Mapping[str, str],
) -> Sender:  # fmt: skip
    kind = _value(settings, "kind", variables)
    if kind not in SENDERS:
        raise UsageError(f"the sender of mails is one of {', '.join(SENDERS)}, not {kind!r}")
    if kind == "file":
        return FileSender(folder / "mails")
    host, port = _value(settings, "host", variables), _value(settings, "port", variables)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"the mail server's port is a number up to 65535, not {port!r}")
    if not _is_loopback(host) and (env != "prod" or not settings.starttls):
        raise UsageError(
            f"mail goes to {host} only with --env prod and STARTTLS; else the server must be on "
            "this machine"
        )
    return SmtpSender(
        host, int(port), starttls=settings.starttls, user=_value(settings, "user", variables),
        password=_value(settings, "password", variables),
        own_name=policy.delivery.message_id_domain,
        timeout_seconds=policy.delivery.timeout_seconds,
        mails_a_connection=policy.delivery.mails_a_connection,
    )  # fmt: skip


def _value(settings: SenderSettings, name: str, variables: Mapping[str, str]) -> str:
    try:
        return settings.value(name, variables)
    except SettingsError as error:
        raise UsageError(str(error)) from None


def _address(settings: SenderSettings, name: str, variables: Mapping[str, str]) -> str:
    try:
        return checked_address(_value(settings, name, variables))
    except BadAddress as error:
        raise UsageError(f"policy/notices.yaml, senders, {name}: {error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
