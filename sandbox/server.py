"""HTTP: requests in, answers out, and what a fault plan does to the connection."""

from __future__ import annotations

import logging
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from sandbox.api import Answer, Api, Call
from sandbox.control import Control
from sandbox.errors import Refused
from sandbox.forms import pairs_of
from sandbox.store import dumps

LOOPBACK = "127.0.0.1"
LONGEST_BODY_BYTES = 1_000_000
ENDS_WITHIN_SECONDS = 5.0
NO_JSON = "<html><body>Bad gateway</body></html>"

log = logging.getLogger(__name__)


class Server(ThreadingHTTPServer):
    """Loopback only: the control endpoint is for whoever shares the machine."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, api: Api) -> None:
        self.api, self.control = api, Control(api)
        self.stopping = threading.Event()
        self._busy, self._idle = 0, threading.Condition()
        super().__init__((LOOPBACK, port), Handler)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def stop(self) -> None:
        """Ends `serve_forever` and whatever waits; from another thread."""
        with self._idle:
            self.stopping.set()
        self.shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            log.exception("a request broke")

    def begin(self) -> bool:
        """Counts a request; False when it comes too late."""
        with self._idle:
            self._busy += not self.stopping.is_set()
            return not self.stopping.is_set()

    def end(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def finish(self) -> None:
        """Waits until what has begun is answered."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, timeout=ENDS_WITHIN_SECONDS)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """With it an answer waits for the acknowledgement of the one before: 40 ms each."""
    timeout = 120
    server: Server
    _reasons: ClassVar[Mapping[int, str]] = {402: "Request Failed"}

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line a call would be most of the time of a call."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the HTTP server itself refuses, as JSON too."""
        self.close_connection = True
        error = {"type": "invalid_request_error", "message": message or explain or "Bad request"}
        self._write(code, dumps({"error": error}), {})

    def _serve(self) -> None:
        if self.server.begin():
            try:
                self._handle()
            finally:
                self.server.end()
        else:
            self.close_connection = True

    def _handle(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        if body is None:
            return
        if path.startswith("/_control/"):
            self._write(*self.server.control.answer(self.command, path, body), {})
        elif path.startswith("/v1/"):
            self._answer(self._call(path, query, body))
        else:
            message = "Unrecognized request URL: it begins with /v1/, or /_control/"
            self._write(404, dumps({"error": {"type": "invalid_request_error",
                                              "message": message}}), {})  # fmt: skip

    def _body(self) -> bytes | None:
        """None when it cannot be read; the connection ends then."""
        length = self.headers.get("Content-Length") or "0"
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True
            self._write(411, dumps({"error": {"message": "Content-Length is needed"}}), {})
            return None
        if int(length) > LONGEST_BODY_BYTES:
            self.close_connection = True
            self._write(413, dumps({"error": {"message": "the body is too large"}}), {})
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # half a request may look like a whole one
            self.close_connection = True
            return None
        return body

    def _call(self, path: str, query: str, body: bytes) -> Answer:
        key = self.headers.get("Idempotency-Key") if self.command == "POST" else None
        call = Call(
            self.command, path, (), self.headers.get("Authorization", ""), key or None,
            self.headers.get("Stripe-Account"),
        )  # fmt: skip
        try:
            text = body.decode() if self.command == "POST" else query
            params = pairs_of(text)
        except (Refused, UnicodeDecodeError) as error:
            refused = {"type": "invalid_request_error", "message": str(error)}
            return Answer(400, dumps({"error": refused}), {"Request-Id": call.request_id})
        return self.server.api.answer(
            Call(call.method, path, params, call.authorization, call.key, call.account)
        )

    def _answer(self, answer: Answer) -> None:
        rule = answer.wire
        match rule.do if rule else None:
            case "reset":
                self._reset()
            case "close":
                self.close_connection = True
            case "timeout":
                self.server.stopping.wait(rule.hold_seconds if rule else 0)
                self.close_connection = True
            case "wrong_json":
                self._write(answer.status, NO_JSON, answer.headers)
            case "cut":
                self._write(answer.status, answer.body, answer.headers, share=0.5)
                self.close_connection = True
            case _:
                self._write(answer.status, answer.body, answer.headers)

    def _reset(self) -> None:
        """An RST: with a linger time of zero, closing throws away what was on its way."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.rfile.close()
        self.connection.close()

    def _write(
        self, status: int, body: str, headers: Mapping[str, str], share: float = 1.0
    ) -> None:
        """One write for head and body. `share`: how much of the body goes out."""
        content = body.encode()
        reason = self._reasons.get(status) or self.responses.get(status, ("Error",))[0]
        lines = [
            f"HTTP/1.1 {status} {reason}", "Content-Type: application/json",
            f"Content-Length: {len(content)}", *map(": ".join, headers.items()),
        ]  # fmt: skip
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        self.wfile.write(head + content[: int(len(content) * share)])
