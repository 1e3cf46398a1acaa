"""Mail over SMTP: one connection for many mails.

| what happened | what it means |
| --- | --- |
| no connection, no greeting, 421, the connection broke | the server is away: Temporary(server) |
| 4xx to the recipient | Temporary, of this mail alone |
| 4xx to anything else | Temporary(server) |
| 5xx to the recipient or the content | Refused |
| 5xx to the sender's name, the login or STARTTLS; 530, 535, 538 to anything | NoAccess |

A server may close a connection that has served a while, so over a used one a broken connection is
tried once more over a new one. The repeat has the same Message-ID.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from typing import NoReturn

from jobs.mailer.senders import Mail, NoAccess, Refused, Temporary

NOT_LOGGED_IN = (530, 534, 535, 538)


class SmtpSender:
    """Speaks to one server; `user` empty: without a login. A login is only given over TLS."""

    def __init__(
        self, host: str, port: int, *, starttls: bool, user: str = "", password: str = "",
        own_name: str, timeout_seconds: float, mails_a_connection: int,
    ) -> None:  # fmt: skip
        if user and not starttls:
            raise ValueError("a login without STARTTLS would show the password to the network")
        self._host, self._port, self._starttls = host, port, starttls
        self._user, self._password, self._own_name = user, password, own_name
        self._timeout_seconds, self._most = timeout_seconds, mails_a_connection
        self._server: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, mail: Mail) -> None:
        if self._sent >= self._most:
            self.close()
        used = self._sent > 0
        try:
            self._deliver(mail)
        except Temporary:
            if not used or self._server is not None:
                raise
            self._deliver(mail)
        self._sent += 1

    def close(self) -> None:
        """Says goodbye; that cannot fail."""
        server, self._server, self._sent = self._server, None, 0
        if server:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()

    def _deliver(self, mail: Mail) -> None:
        try:
            server = self._server or self._connected()
            server.sendmail(mail.from_address, [mail.to_address], mail.content)
        # The originals hold addresses, and what the server said may too: `from None`.
        except smtplib.SMTPRecipientsRefused as error:
            self._judge(*error.recipients[mail.to_address], "the recipient", ours=False)
        except smtplib.SMTPDataError as error:
            self._judge(error.smtp_code, error.smtp_error, "the content", ours=False)
        except smtplib.SMTPResponseException as error:
            self._judge(error.smtp_code, error.smtp_error, "us", ours=True)
        except smtplib.SMTPNotSupportedError as error:
            self._drop()
            raise NoAccess(f"{self._name()} does not offer what is asked of it: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Temporary(f"{self._name()}: {type(error).__name__}", server=True) from None

    def _judge(self, code: int, said: bytes | str, to: str, *, ours: bool) -> NoReturn:
        """Raises what an answer means."""
        reason = f"{self._name()} refused {to} with {code}{_enhanced(said)}"
        if code in NOT_LOGGED_IN or (ours and code >= 500):
            self._drop()
            raise NoAccess(reason) from None
        if code == 421 or ours:
            self._drop()
        if code >= 500:
            raise Refused(reason) from None
        raise Temporary(reason, server=ours or code == 421 or to == "the content") from None

    def _connected(self) -> smtplib.SMTP:
        self._server = server = smtplib.SMTP(
            self._host, self._port, local_hostname=self._own_name, timeout=self._timeout_seconds
        )
        if self._starttls:
            server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)
        return server

    def _drop(self) -> None:
        if self._server:
            self._server.close()
        self._server, self._sent = None, 0

    def _name(self) -> str:
        return f"the mail server {self._host}:{self._port}"


def _enhanced(said: bytes | str) -> str:
    """The status code of RFC 3463 in an answer; nothing else of it, since it may name people."""
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    found = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", text)
    return f" {found.group()}" if found else ""
