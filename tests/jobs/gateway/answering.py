"""A small HTTP server that answers as it is told: whole answers, cut ones, resets, none."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

INTENT = {
    "id": "pi_1", "object": "payment_intent", "status": "requires_capture",
    "client_secret": "pi_1_secret_canary",
}  # fmt: skip


@dataclass
class Script:
    """What to do next, one word a call; the last word stays. `seen` is what came in."""

    words: list[str]
    seen: list[dict[str, Any]] = field(default_factory=list)

    def next(self) -> str:
        return self.words.pop(0) if len(self.words) > 1 else self.words[0]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def answering(*words: str) -> Iterator[tuple[str, Script]]:
    """The server's URL and script. Words: ok, reset, close, cut, html, list, hang, redirect,
    <status> with an error object, <status>! without."""
    script = Script(list(words))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.seen.append({
                "method": self.command, "path": self.path, "headers": dict(self.headers),
                "params": dict(parse_qsl(body.decode())),
            })  # fmt: skip
            _answer(self, script.next())

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", script
    finally:
        server.shutdown()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, word: str) -> None:
    whole = json.dumps(INTENT).encode()
    match word:
        case "ok":
            _write(handler, 200, whole)
        case "html":
            _write(handler, 200, b"<html>sk_test_canary</html>")
        case "list":
            _write(handler, 200, b"[1]")
        case "odd":
            _write(handler, 400, b'{"error": ["sk_test_canary"]}')
        case "redirect":
            _write(handler, 307, b"", Location="/v1/elsewhere")
        case "cut":
            _write(handler, 200, whole[:20], length=len(whole))
            handler.close_connection = True
        case "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
        case "close":
            handler.close_connection = True
        case "hang":
            threading.Event().wait(1.5)
            handler.close_connection = True
        case _:
            _refuse(handler, word)


def _refuse(handler: BaseHTTPRequestHandler, word: str) -> None:
    status = int(word.rstrip("!"))
    error = {
        "type": "card_error" if status == 402 else "invalid_request_error",
        "code": "card_declined" if status == 402 else f"code_{status}",
        "decline_code": "generic_decline" if status == 402 else None,
        "message": "Invalid API Key provided: sk_test_canary", "payment_intent": INTENT,
    }  # fmt: skip
    body = b"Bad gateway" if word.endswith("!") else json.dumps({"error": error}).encode()
    more = {"Retry-After": "7"} if status == 429 else {}
    _write(handler, status, body, **more)


def _write(
    handler: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    length: int | None = None,
    **more: str,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.send_header("Idempotent-Replayed", "true")
    for name, value in more.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
