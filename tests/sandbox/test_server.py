"""HTTP as hostile or broken clients speak it, and the process's own manners."""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.conftest import client_of
from tests.sandbox.payments import hold
from tests.support.sandbox import Sandbox, sandbox_process

KEY = b"Authorization: Bearer sk_test_x\r\n"


def answered(sandbox: Sandbox, request: bytes) -> bytes:
    """All that comes back for these bytes."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def spoken(sandbox: Sandbox, request: bytes) -> tuple[int, bytes]:
    """(status, body) of the answer to these bytes."""
    head, _, body = answered(sandbox, request).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def posted(sandbox: Sandbox, body: bytes) -> tuple[int, bytes]:
    line = b"POST /v1/payment_intents HTTP/1.1\r\nHost: x\r\n"
    return spoken(sandbox, line + KEY + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize(
    "body",
    [
        b"amount", b"\xff\xfe", b"%ff=1", b"a" * 100_000, b"a[b=1", b"a]b[=1", b"[a]=1",
        b"a[b]=1&a=2&a[c]=3", b"a=1&a[b]=2", b"a[b][c][d][e][f][g]=1", b"&".join([b"a=1"] * 3_000),
        b"metadata=x&amount=100&currency=usd", b"expand=x&amount=100&currency=usd",
        b"amount[x]=1&currency=usd", b"amount=100&currency[]=usd", b"metadata[]=1",
        b"amount=100&currency=usd&metadata[a][b]=1", b"amount=999999999999999999999&currency=usd",
    ],
)  # fmt: skip
def test_whatever_is_posted_is_refused_with_a_sentence(sandbox: Sandbox, body: bytes) -> None:
    status, answer = posted(sandbox, body)

    assert status == 400
    assert json.loads(answer)["error"]["message"]
    assert sandbox.books()["payment_intents"] == {}


def test_text_comes_back_as_it_was_sent(sandbox: Sandbox) -> None:
    odd = "snow\u2603\u2028\x00'; drop table objects; --<b>&\U0001f4a5"

    found = client_of(sandbox).v1.customers.create({"name": odd, "metadata": {"odd": odd}})

    assert (found.name, found.metadata.to_dict()) == (odd, {"odd": odd})


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /v1/customers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /v1/customers HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"POST /v1/customers HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /v1/customers HTTP/1.1\r\n\r\n", 401),
        (b"GET /v1/customers HTTP/1.1\r\nAuthorization: Basic sk_test_x\r\n\r\n", 401),
        (b"GET /v1/customers/ HTTP/1.1\r\n" + KEY + b"\r\n", 404),
        (b"GET /v1/payment_intents/a/b/c HTTP/1.1\r\n" + KEY + b"\r\n", 404),
        (b"DELETE /v1/customers/cus_1 HTTP/1.1\r\n" + KEY + b"\r\n", 404),
        (b"GET /_control/nothing HTTP/1.1\r\n\r\n", 404),
        (b"POST /_control/advance HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", 400),
        (b"BREW /v1/customers HTTP/1.1\r\n\r\n", 501),
    ],
)
def test_whatever_is_asked_is_answered(sandbox: Sandbox, request_: bytes, status: int) -> None:
    found, body = spoken(sandbox, request_)

    assert found == status
    assert json.loads(body)["error"]["message"]


def test_half_a_request_is_not_done(sandbox: Sandbox) -> None:
    whole = b"amount=1000&currency=usd&metadata[order_id]=O-1"
    head = b"POST /v1/payment_intents HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (KEY, len(whole))

    assert answered(sandbox, head + whole[:24]) == b""
    assert sandbox.books()["payment_intents"] == {}

    assert answered(sandbox, head + whole).startswith(b"HTTP/1.1 200 ")


def test_the_control_endpoint_is_not_below_v1(sandbox: Sandbox) -> None:
    assert spoken(sandbox, b"GET /v1/_control/books HTTP/1.1\r\n" + KEY + b"\r\n")[0] == 404


def test_many_clients_at_once_get_what_is_theirs(sandbox: Sandbox) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        client = client_of(sandbox)
        for turn in range(10):
            name = f"{number}-{turn}"
            made = hold(client, name, metadata={"order_id": name})
            done = client.v1.payment_intents.capture(made.id)
            if (done.metadata.to_dict(), done.status) != ({"order_id": name}, "succeeded"):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert sandbox.books()["balance"]["usd"]["amount"] == 80 * 1_000


def test_one_key_by_many_clients_at_once_makes_one_payment(sandbox: Sandbox) -> None:
    ids: set[str] = set()

    def work() -> None:
        client = client_of(sandbox)
        while True:
            try:
                ids.add(hold(client, "K").id)
                return
            except Exception as error:
                assert getattr(error, "http_status", None) == 409  # noqa: PT017

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == len(sandbox.books()["payment_intents"]) == 1


def test_what_has_begun_is_answered_before_sigterm_ends_it(
    own_sandbox: Callable[..., Sandbox],
) -> None:
    running = own_sandbox("--no-limits")
    running.faults({"do": "delay", "delay_ms": 500})
    answered: list[str] = []
    waiting = threading.Thread(target=lambda: answered.append(hold(client_of(running)).status))
    waiting.start()
    while not running.control("GET", "faults")[0]["fired"]:
        pass

    running.process.send_signal(signal.SIGTERM)
    waiting.join()

    assert answered == ["requires_capture"]
    assert running.process.wait(10) == 0


def test_a_client_that_went_away_is_no_error(own_sandbox: Callable[..., Sandbox]) -> None:
    running = own_sandbox("--no-limits")
    running.faults({"do": "delay", "delay_ms": 200})
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET /v1/charges HTTP/1.1\r\n" + KEY + b"\r\n")
        while not running.control("GET", "faults")[0]["fired"]:
            pass
    while not running.books()["calls"]:
        time.sleep(0.05)
    time.sleep(0.1)

    assert "Traceback" not in running.log.read_text()


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    with sandbox_process(tmp_path) as running:
        hold(client_of(running))
        running.process.send_signal(signal.SIGTERM)

        assert running.process.wait(10) == 0

    assert "Traceback" not in (tmp_path / "sandbox-0.log").read_text()


def test_a_plan_is_read_from_a_file(tmp_path: Path, own_sandbox: Callable[..., Sandbox]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"do": "status", "status": 503, "nth": 2}]')
    running = own_sandbox("--faults", str(plan), "--now", "2031-01-01T00:00:00Z")

    assert hold(client_of(running)).created == 1_924_992_000
    assert posted(running, b"amount=100&currency=usd")[0] == 503
