"""A real SMTP server with one mailbox, which drops repeats, and faults at a test's word."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

OK = "250 OK"


class Box:
    """What arrived, by Message-ID: the first copy stays, later ones are counted.

    `faults` says what becomes of the next mails: "" nothing; "mail 421", "rcpt 550 5.1.1 who?",
    "data 451" the answer to that command; "drop" the mail is kept, the connection lost before the
    answer; "hang" it is kept and not answered for a minute; "leave" it is answered and the
    connection closed.
    """

    def __init__(self) -> None:
        self.mails: dict[str, bytes] = {}
        self.arrivals: list[str] = []
        self.recipients: list[str] = []
        self.sessions: set[int] = set()
        self.faults: deque[str] = deque()
        self.logins: list[bytes] = []
        self.port = 0
        self._fault = ""

    def subjects(self) -> list[str]:
        found = [message_from_bytes(mail, policy=policy.default) for mail in self.mails.values()]
        return [str(message["Subject"]) for message in found]

    async def handle_MAIL(  # noqa: N802, the server's own name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._fault = self.faults.popleft() if self.faults else ""
        envelope.mail_from = address
        return self._answer("mail")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self._answer("rcpt")) == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if (answer := self._answer("data")) != OK:
            return answer
        assert isinstance(envelope.content, bytes)
        message_id = str(message_from_bytes(envelope.content, policy=policy.default)["Message-ID"])
        self.arrivals.append(message_id)
        self.recipients += envelope.rcpt_tos
        self.sessions.add(id(session))
        self.mails.setdefault(message_id, envelope.content)
        assert isinstance(server.transport, asyncio.Transport)
        if self._fault == "drop":
            server.transport.abort()
        if self._fault == "hang":
            await asyncio.sleep(60)
        if self._fault == "leave":
            server.loop.call_later(0.01, server.transport.close)
        return OK

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append(given.login)
        return AuthResult(success=given.password == b"right", handled=False)

    def _answer(self, command: str) -> str:
        at, _, answer = self._fault.partition(" ")
        return answer if at == command and answer else OK


class AnyPort(Controller):
    """Listens where the system says; the library would knock at port 0."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Box]:
    """The server on loopback while the block runs; with `context` it wants TLS and a login."""
    box = Box()
    secured = {"tls_context": context, "require_starttls": True, "auth_required": True}
    more: dict[str, Any] = {**secured, "authenticator": box.authenticate} if context else {}
    controller = AnyPort(box, hostname="127.0.0.1", port=0, ready_timeout=20, **more)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
