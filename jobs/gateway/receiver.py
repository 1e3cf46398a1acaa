"""A small HTTP server that keeps the provider's webhooks in the inbox, and does nothing else.

Example, with the endpoint's signing secret in the environment (and STRIPE_WEBHOOK_SECRET_BEFORE
with the one that it replaces, until the provider has forgotten it):

  STRIPE_WEBHOOK_SECRET=whsec_... python -m jobs.gateway.receiver --port 12112 --inbox INBOX

It prints one line of JSON with its URL when it listens, and one with its counts when SIGTERM ends
it. A delivery is answered 200 only after it is on the disk; the provider sends the others again.
TLS is ended in front of it. Exit codes: 0 ended, 2 usage, 4 the port or the folder cannot be had.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from conf.settings import ENVIRONMENTS, SettingsError, load_settings
from jobs.clock import RealClock
from jobs.errors import JobError, OutsideUnavailable, UsageError
from jobs.gateway import webhooks
from jobs.gateway.access import webhook_secrets
from jobs.gateway.redaction import Secret
from jobs.gateway.webhooks import INBOX_FOLDER, MAX_BODY_BYTES, Refusal, kept_line

PATH = "/webhooks"
REQUEST_SECONDS = 10.0
"""For all of a request, so that a byte now and then does not hold a thread."""
BUSY_SECONDS = 1.0

Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


class Inbox:
    """The files of one receiver: it alone appends to them, and begins another every hour."""

    def __init__(self, folder: Path, started_at: datetime) -> None:
        self._folder = folder / INBOX_FOLDER
        self._start = started_at.strftime("%Y%m%dT%H%M%SZ")
        self._number = 0
        self._hour = ""
        self._file: io.FileIO | None = None
        self._lock = threading.Lock()
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)

    def keep(self, body: str, signature: str | None, received_at: datetime) -> None:
        """On the disk when it returns. After an OSError the line may stand there all the same, or
        its beginning as the last one of a file that nobody writes to any more."""
        line = memoryview(kept_line(body, signature, received_at))
        with self._lock:
            file = self._file_of(received_at)
            try:
                while line:
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
            except OSError:
                self._close()
                raise

    def close(self) -> None:
        with self._lock:
            self._close()

    def _file_of(self, received_at: datetime) -> io.FileIO:
        hour = received_at.strftime("%Y-%m-%dT%H")
        if self._file is None or hour != self._hour:
            self._close()
            self._file, self._hour = self._created(f"ds={received_at.date()}"), hour
        return self._file

    def _created(self, day: str) -> io.FileIO:
        folder = self._folder / day
        folder.mkdir(mode=0o750, exist_ok=True)
        while True:
            self._number += 1
            path = folder / f"{self._start}-{self._number:05}.jsonl"
            # Never a file that is there: another receiver may have begun in the same second.
            with suppress(FileExistsError):
                file = io.FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "wb")
                for parent in (folder, self._folder, self._folder.parent):
                    _sync_folder(parent)
                return file

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._file = None


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass
class Reception:
    """What is done with a delivery, apart from HTTP. Without secrets everything is kept."""

    inbox: Inbox
    clock: Clock
    secrets: Sequence[Secret]
    tolerance_seconds: int = webhooks.TOLERANCE_SECONDS
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def received(self, body: bytes, signature: str | None) -> Refusal | None:
        """Keeps the delivery, or says why not; raises OSError when it cannot be kept."""
        received_at = self.clock()
        refusal, text = None, ""
        if self.secrets:
            secrets = [secret.reveal() for secret in self.secrets]
            refusal = webhooks.signature_fault(
                body, signature, received_at, secrets, self.tolerance_seconds
            )
        try:
            text = body.decode()
        except UnicodeDecodeError:
            refusal = refusal or Refusal.BODY_NOT_UTF8
        if refusal is None:
            self.inbox.keep(text, signature, received_at)
        return refusal

    def count(self, what: str) -> None:
        """Says the 1st, 2nd, 4th, 8th ... of what is not kept, so that strangers fill no log."""
        with self._lock:
            self.counts[what] += 1
            times = self.counts[what]
        if what != "kept" and times & (times - 1) == 0:
            log.warning("not kept: %s, %d so far", what, times)


class Server(ThreadingHTTPServer):
    """At most `threads` requests at a time; who finds no place for a second is answered 503."""

    daemon_threads = False  # a request that began is finished before the process ends
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], reception: Reception, threads: int) -> None:
        self.reception = reception
        self._places = threading.BoundedSemaphore(threads)
        super().__init__(address, _Request)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(timeout=BUSY_SECONDS):
            try:
                super().process_request(request, client_address)
            except BaseException:
                self._places.release()
                raise
            return
        self.reception.count("busy")
        with suppress(OSError):
            request.settimeout(BUSY_SECONDS)
            request.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; of anything else only the kind, no value, is said."""
        kind = type(sys.exc_info()[1])
        self.reception.count("gone" if issubclass(kind, OSError) else f"error_{kind.__name__}")


class _Deadlined(io.RawIOBase):
    """A socket's bytes until a moment; TimeoutError afterwards, however they trickle."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection, self._until = connection, time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Request(BaseHTTPRequestHandler):
    """One request, then the connection ends: an idle client holds no place."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "receiver", ""
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Deadlined(self.connection, REQUEST_SECONDS))

    def do_POST(self) -> None:
        status, what = self._received() if self.path == PATH else (HTTPStatus.NOT_FOUND, "path")
        self._answer(status, what)

    def _received(self) -> tuple[HTTPStatus, str]:
        length = self._length()
        if isinstance(length, HTTPStatus):
            return length, f"http_{length.value}"
        try:
            body = self.rfile.read(length)
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT, "timeout"
        if len(body) < length:
            return HTTPStatus.BAD_REQUEST, "body_cut"
        signature = ",".join(self.headers.get_all("Stripe-Signature", [])) or None
        try:
            refusal = self._reception.received(body, signature)
        except OSError as error:
            log.error("a delivery cannot be kept: %s: %s", error.filename, error.strerror)
            return HTTPStatus.SERVICE_UNAVAILABLE, "not_writable"
        return (HTTPStatus.BAD_REQUEST, refusal.code) if refusal else (HTTPStatus.OK, "kept")

    def _length(self) -> int | HTTPStatus:
        """Bytes of the body, or why it is not read."""
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or not lengths:
            return HTTPStatus.LENGTH_REQUIRED
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0], re.ASCII):
            return HTTPStatus.BAD_REQUEST
        length = int(lengths[0])
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length > MAX_BODY_BYTES else length

    def _answer(self, status: HTTPStatus, what: str) -> None:
        self._reception.count(what)
        text = f"{what}\n".encode()
        self.connection.settimeout(BUSY_SECONDS)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
        self._let_go()

    def _let_go(self) -> None:
        """Takes what a refused client still sends, for a second: the kernel would else reset the
        connection, and the answer with it."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            rest = _Deadlined(self.connection, BUSY_SECONDS)
            while rest.readinto(bytearray(64 * 1024)):
                pass

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self._answer(HTTPStatus(code), f"http_{int(code)}")

    def log_error(self, format: str, *args: Any) -> None:
        """Called for a client that took too long to send its headers."""
        self._reception.count("timeout")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what a stranger asks for is counted, not written down."""

    @property
    def _reception(self) -> Reception:
        return cast(Server, self.server).reception


def file_clock(path: Path) -> Clock:
    """A clock that shows the instant which stands in a file, ISO 8601 with its offset."""

    def now() -> datetime:
        text = path.read_text().strip()
        with suppress(ValueError):
            instant = datetime.fromisoformat(text)
            if instant.tzinfo:
                return instant.astimezone(UTC)
        raise OSError(errno.EINVAL, "no ISO 8601 instant with an offset or Z", str(path))

    return now


def _main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        return _serve(_parser().parse_args(arguments))
    except JobError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _serve(given: argparse.Namespace) -> int:
    secrets = _secrets(given)
    clock = file_clock(given.clock) if given.clock else RealClock().now
    try:
        inbox = Inbox(given.inbox, clock())
        reception = Reception(inbox, clock, secrets, given.tolerance_seconds)
        server = Server((given.host, given.port), reception, given.threads)
    except OSError as error:
        what = error.filename or f"{given.host}:{given.port}"
        raise OutsideUnavailable(f"{what}: {error.strerror}; free it, or name another") from None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    host, port = server.server_address[:2]
    shown = {"url": f"http://{host!s}:{port}{PATH}", "inbox": str(given.inbox)}
    print(json.dumps({**shown, "checked": bool(secrets)}), flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    inbox.close()
    print(json.dumps(dict(sorted(reception.counts.items()))), flush=True)
    return 0


def _secrets(given: argparse.Namespace) -> Sequence[Secret]:
    try:
        settings = load_settings(given.env)
    except SettingsError as error:
        raise UsageError(str(error)) from None
    if given.env == "prod" and (given.unchecked or given.clock):
        raise UsageError("--unchecked and --clock are for trying things out, not for --env prod")
    if given.unchecked:
        if given.host not in ("127.0.0.1", "localhost"):
            raise UsageError("--unchecked is for this machine alone: --host must be 127.0.0.1")
        return ()
    if secrets := webhook_secrets(settings):
        return secrets
    raise UsageError(
        f"no signing secret is set: set {settings.stripe.webhook_secrets[0]} to the endpoint's, or "
        "pass --unchecked to keep whatever is posted on this machine"
    )


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m jobs.gateway.receiver", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--inbox", type=Path, required=True, metavar="DIR", help="folder of the kept deliveries")
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=12112, help="0 picks a free one (default %(default)s)")
    add("--env", default="local", choices=ENVIRONMENTS,
        help="whose settings name the variables of the secrets (default %(default)s)")  # fmt: skip
    add("--unchecked", action="store_true", help="keep without looking at signatures")
    add("--tolerance-seconds", type=_at_least_one, default=webhooks.TOLERANCE_SECONDS, metavar="N",
        help="between signature and receipt, either way (default %(default)s)")  # fmt: skip
    add(
        "--threads", type=_at_least_one, default=16, help="requests at a time (default %(default)s)"
    )
    add("--clock", type=Path, metavar="FILE",
        help="for demos: a file with the instant that is now, read at each receipt")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(_main())
