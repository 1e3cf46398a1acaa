"""The receiver as its own process: what it answers 200 is in the inbox, and nothing else is."""

from __future__ import annotations

import http.client
import json
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jobs.gateway import receiver
from jobs.gateway.receiver import Inbox, Reception, file_clock
from jobs.gateway.redaction import Secret
from jobs.gateway.webhooks import (
    MAX_BODY_BYTES,
    EventRow,
    Kept,
    Refusal,
    Refused,
    first_of_each,
    read_inbox,
    webhook_row,
)
from tests.jobs.gateway.test_webhooks import HOSTILE, SECRET, body_of, header
from tests.support import processes

PROJECT = Path(__file__).parents[3]
NOW = datetime(2026, 6, 30, 23, 59, 30, tzinfo=UTC)
PATIENCE_SECONDS = 30


@dataclass
class Running:
    """A receiver that listens, and the folder and clock that it was given."""

    process: subprocess.Popen[str]
    port: int
    inbox: Path
    clock: Path

    def post(
        self, body: bytes, signature: str | None, path: str = "/webhooks", method: str = "POST"
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            headers = {} if signature is None else {"Stripe-Signature": signature}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        finally:
            connection.close()

    def signed(self, body: str, at: datetime = NOW, secret: str = SECRET) -> tuple[int, str]:
        return self.post(body.encode(), header(body, int(at.timestamp()), secret))

    def at(self, instant: datetime) -> None:
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(instant.isoformat())
        fresh.replace(self.clock)

    def ended(self) -> dict[str, int]:
        """Ends it by SIGTERM; what it counted."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0
        counts: dict[str, int] = json.loads(out)
        return counts


def environment(**more: str) -> dict[str, str]:
    return {**processes.outside("STRIPE_"), "STRIPE_WEBHOOK_SECRET": SECRET, **more}


@contextmanager
def receiving(
    folder: Path, *options: str, file_bytes: int = resource.RLIM_INFINITY, **more: str
) -> Iterator[Running]:
    """A receiver on a free port, its clock in a file that shows NOW; none of its files can grow
    beyond `file_bytes`."""
    clock, inbox, log = folder / "now", folder / "inbox", folder / "log"
    if not clock.exists():
        clock.write_text(NOW.isoformat())
    command = [
        sys.executable, "-m", "jobs.gateway.receiver", "--port", "0", "--inbox", str(inbox),
        "--clock", str(clock), *options,
    ]  # fmt: skip
    with log.open("a") as errors:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment(**more), text=True,
            stdout=subprocess.PIPE, stderr=errors,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes,) * 2),
        )  # fmt: skip
        try:
            assert process.stdout
            said = json.loads(process.stdout.readline() or "{}")
            assert said, log.read_text()
            yield Running(process, urlsplit(said["url"]).port or 0, inbox, clock)
        finally:
            process.kill()
            process.communicate()


def inside(inbox: Path, first: date = date.min, last: date = date.max) -> list[Kept]:
    found = list(read_inbox(inbox, first, last))
    assert not [one for one in found if isinstance(one, Refused)]
    return [one for one in found if isinstance(one, Kept)]


def rows(inbox: Path) -> list[EventRow]:
    judged = [webhook_row(one, [SECRET]) for one in inside(inbox)]
    assert not [one for one in judged if isinstance(one, Refusal)]
    return [one for one in judged if not isinstance(one, Refusal)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One receiver for all tests that only ask and look for what they asked."""
    with receiving(tmp_path_factory.mktemp("receiver")) as running:
        yield running


# what is kept


def test_a_signed_event_is_in_the_inbox_when_it_is_answered(shared: Running) -> None:
    body = body_of("evt_kept", int(NOW.timestamp()))
    assert shared.signed(body) == (200, "kept")
    (found,) = [one for one in inside(shared.inbox) if one.body == body]
    assert found.signature == header(body, int(NOW.timestamp()))
    assert found.received_at == NOW
    assert found.file.startswith("stripe_events/ds=2026-06-30/20260630T235930Z-")


@pytest.mark.parametrize("text", [*HOSTILE, "x" * (MAX_BODY_BYTES - 300)], ids=range(5))
def test_hostile_text_survives_byte_for_byte(shared: Running, text: str) -> None:
    body = json.dumps({"id": "evt_text", "note": text}, ensure_ascii="\ud800" in text)
    assert shared.signed(body)[0] == 200
    assert body.encode() in {one.body.encode() for one in inside(shared.inbox)}


@pytest.mark.parametrize("text", HOSTILE, ids=range(4))
def test_what_is_no_json_is_kept_too(shared: Running, text: str) -> None:
    """The receiver looks at the signature alone; ingest judges the rest."""
    assert shared.signed(text)[0] == 200
    assert text in {one.body for one in inside(shared.inbox)}


def test_the_largest_body_of_nothing_but_nul(shared: Running) -> None:
    body = "\0" * MAX_BODY_BYTES
    assert shared.signed(body)[0] == 200
    assert body in {one.body for one in inside(shared.inbox)}


def test_a_replayed_delivery_is_kept_again_and_counts_once(tmp_path: Path) -> None:
    body = body_of(created=int(NOW.timestamp()))
    with receiving(tmp_path) as running:
        assert [running.signed(body)[0] for _ in range(3)] == [200] * 3
    assert len(rows(tmp_path / "inbox")) == 3
    assert len(first_of_each(rows(tmp_path / "inbox"))) == 1


@pytest.mark.parametrize("secret", [SECRET, "whsec_before"])
def test_both_secrets_hold_during_a_rotation(tmp_path: Path, secret: str) -> None:
    with receiving(tmp_path, STRIPE_WEBHOOK_SECRET_BEFORE="whsec_before") as running:
        assert running.signed("{}", secret=secret)[0] == 200
        assert running.signed("{}", secret="whsec_other")[0] == 400


# what is not


def refused(running: Running, before: int) -> bool:
    return len(inside(running.inbox)) == before


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        (None, "signature_missing"),
        ("", "signature_missing"),
        ("t=1,v0=" + "0" * 64, "signature_missing"),
        ("t=1,v1=" + "0" * 64, "signature_wrong"),
        ("t=1,v1=\xe9\xff", "signature_wrong"),
        ("x" * 20_000, "signature_wrong"),
    ],
)
def test_strangers_fill_no_inbox(shared: Running, signature: str | None, code: str) -> None:
    before = len(inside(shared.inbox))
    assert shared.post(b"{}", signature) == (400, code)
    assert refused(shared, before)


def test_a_header_without_end_is_refused_by_the_server(shared: Running) -> None:
    assert shared.post(b"{}", "x" * 70_000)[0] == 431


def test_old_and_early_signatures_are_refused(shared: Running) -> None:
    before = len(inside(shared.inbox))
    assert shared.signed("{}", NOW - timedelta(seconds=301)) == (400, "timestamp_too_old")
    assert shared.signed("{}", NOW + timedelta(seconds=301)) == (400, "timestamp_in_future")
    assert refused(shared, before)


def test_a_body_that_is_not_utf8_is_refused_though_signed(shared: Running) -> None:
    before, body = len(inside(shared.inbox)), b'{"a": "\xff\xfe"}'
    assert shared.post(body, header(body, int(NOW.timestamp()))) == (400, "body_not_utf8")
    assert refused(shared, before)


def test_a_body_above_the_limit_is_refused_and_the_answer_arrives(shared: Running) -> None:
    body = "x" * (MAX_BODY_BYTES + 1)
    assert shared.signed(body) == (413, "http_413")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404), ("POST", "/webhooks/", 404), ("POST", "/webhooks?x=1", 404),
        ("POST", "/../webhooks", 404), ("GET", "/webhooks", 501), ("PUT", "/webhooks", 501),
    ],
)  # fmt: skip
def test_nothing_else_is_served(shared: Running, method: str, path: str, status: int) -> None:
    before = len(inside(shared.inbox))
    given = header("{}", int(NOW.timestamp()))
    assert shared.post(b"{}", given, path, method)[0] == status
    assert refused(shared, before)


def exchanged(port: int, sent: bytes) -> bytes:
    """Raw bytes to the receiver, and what comes back until it ends the connection."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", b"411"),
        (b"Content-Length: -1\r\n", b"400"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"400"),
        (b"Content-Length: 0x2\r\n", b"400"),
        (b"Content-Length: \xb2\r\n", b"400"),
        (b"Content-Length: 99999999999999999999\r\n", b"400"),
        (b"Content-Length: 999999999999\r\n", b"413"),
        (b"Content-Length: 10\r\n", b"400"),  # and the body ends after two
        (b"Transfer-Encoding: chunked\r\n", b"411"),
    ],
)
def test_a_length_that_makes_no_sense_is_refused(
    shared: Running, head: bytes, status: bytes
) -> None:
    sent = b"POST /webhooks HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n{}"
    assert exchanged(shared.port, sent).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("sent", [b"\r\n\r\n", b"\0\0\0", b"GET\r\n", b"A B C D\r\n\r\n", b""])
def test_what_is_not_http_breaks_nothing(shared: Running, sent: bytes) -> None:
    exchanged(shared.port, sent)
    assert shared.signed("{}")[0] == 200


def test_bodies_and_secrets_are_in_no_log_and_counts_are_said(tmp_path: Path) -> None:
    with receiving(tmp_path) as running:
        running.signed('{"canary": "body"}')
        running.post(b'{"canary": "body"}', "t=1,v1=canary")
        running.post(b"canary", None, "/canary")
        for _ in range(5):
            running.post(b"{}", None)
        counts = running.ended()
    assert counts == {"kept": 1, "path": 1, "signature_missing": 5, "signature_wrong": 1}
    log = (tmp_path / "log").read_text()
    assert "canary" not in log
    assert SECRET not in log
    assert "signature_missing, 4 so far" in log
    assert "signature_missing, 5 so far" not in log


# its files


def test_files_begin_anew_every_hour_on_a_new_day_and_with_a_new_process(tmp_path: Path) -> None:
    later = NOW + timedelta(hours=2)
    steps = [NOW, NOW + timedelta(seconds=40), later, later]
    with receiving(tmp_path) as running:
        for number, instant in enumerate(steps):
            running.at(instant)
            assert running.signed(str(number), instant)[0] == 200
    with receiving(tmp_path) as running:
        assert running.signed("4", steps[-1])[0] == 200
    with receiving(tmp_path) as running:  # begun at the same instant of its clock
        assert running.signed("5", steps[-1])[0] == 200
    inbox = tmp_path / "inbox"
    files = {one.body: one.file for one in inside(inbox)}
    assert [files[str(number)].split("/")[1] for number in range(6)] == [
        "ds=2026-06-30", *["ds=2026-07-01"] * 5,
    ]  # fmt: skip
    assert files["2"] == files["3"]
    assert len({files[name] for name in "01245"}) == 5
    assert [one.body for one in inside(inbox, date(2026, 7, 1), date(2026, 7, 1))] == list("12345")
    assert [one.body for one in inside(inbox, date(2026, 6, 30), date(2026, 6, 30))] == ["0"]


def test_others_may_not_read_the_inbox(shared: Running) -> None:
    shared.signed("{}")
    for path in (shared.inbox / "stripe_events").rglob("*"):
        assert not path.stat().st_mode & stat.S_IRWXO


def test_when_it_cannot_be_kept_the_answer_is_503_and_it_goes_on_afterwards(
    tmp_path: Path,
) -> None:
    with receiving(tmp_path) as running:
        assert running.signed("first")[0] == 200
        running.clock.write_text("not an instant")
        assert running.signed("second") == (503, "not_writable")
        day = tmp_path / "inbox" / "stripe_events" / "ds=2026-07-01"
        day.write_text("a file where its folder should be")
        later = NOW + timedelta(minutes=5)
        running.at(later)
        assert running.signed("third", later)[0] == 503
        day.unlink()
        assert running.signed("fourth", later)[0] == 200
    assert [one.body for one in inside(tmp_path / "inbox")] == ["first", "fourth"]


def test_a_write_that_fails_within_a_line_costs_that_line_alone(tmp_path: Path) -> None:
    bodies = [f"{number} {'x' * 400}" for number in range(12)]
    with receiving(tmp_path, file_bytes=2_000) as running:
        answers = {body: running.signed(body)[0] for body in bodies}
    kept = [body for body, status in answers.items() if status == 200]
    assert set(answers.values()) == {200, 503}
    assert [one.body for one in inside(tmp_path / "inbox")] == kept
    files = (tmp_path / "inbox" / "stripe_events" / "ds=2026-06-30").glob("*")
    assert any(not path.read_bytes().endswith(b"\n") for path in files)


def test_what_the_disk_did_not_confirm_is_not_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path, NOW)
    inbox.keep("before", None, NOW)
    with monkeypatch.context() as broken:
        broken.setattr(receiver.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "I/O")))
        with pytest.raises(OSError, match="I/O"):
            inbox.keep("unlucky", None, NOW)
    inbox.keep("after", None, NOW)
    inbox.close()
    found = inside(tmp_path)
    assert [one.body for one in found if one.body != "unlucky"] == ["before", "after"]
    assert found[0].file != found[-1].file


# many, slow and killed


def posted_until_it_dies(running: Running, first: int, kept: list[str], after: int) -> None:
    """Four senders post until the receiver is killed, which comes after so many answers."""
    lock, numbers = threading.Lock(), iter(range(first, first + 100_000))

    def send() -> None:
        while True:
            with lock:
                number = next(numbers)
            body = body_of(f"evt_{number}", int(NOW.timestamp()), note="é\u2028" * (number % 400))
            try:
                status, _ = running.signed(body)
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            with lock:
                kept.append(body)
                if len(kept) >= after:
                    running.process.kill()

    with ThreadPoolExecutor(4) as senders:
        for sending in [senders.submit(send) for _ in range(4)]:
            sending.result()


def test_killed_between_many_posts_it_has_kept_whatever_it_answered(tmp_path: Path) -> None:
    kept: list[str] = []
    for round_ in range(4):
        with receiving(tmp_path) as running:
            posted_until_it_dies(running, round_ * 100_000, kept, after=len(kept) + 40)
            assert running.process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    found = [one.body for one in inside(tmp_path / "inbox")]
    assert len(kept) >= 160
    assert set(kept) <= set(found)
    assert len(found) <= len(kept) + 4 * 4  # kept, and killed before the answer
    assert {row["payload"] for row in rows(tmp_path / "inbox")} == set(found)


def test_many_senders_at_once_are_all_kept(tmp_path: Path) -> None:
    bodies = [body_of(f"evt_{number}", int(NOW.timestamp())) for number in range(120)]
    with receiving(tmp_path, "--threads", "8") as running, ThreadPoolExecutor(24) as senders:
        assert {status for status, _ in senders.map(running.signed, bodies)} == {200}
        assert running.ended() == {"kept": 120}
    assert sorted(one.body for one in inside(tmp_path / "inbox")) == sorted(bodies)


class Slow:
    """A reception behind a real server of this process, with times short enough to wait for."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.reception = Reception(Inbox(folder, NOW), lambda: NOW, [Secret(SECRET)])
        self.server = receiver.Server(("127.0.0.1", 0), self.reception, threads)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> Slow:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(receiver, "BUSY_SECONDS", 0.1)


HEAD = b"POST /webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"


@pytest.mark.usefixtures("_in_a_hurry")
@pytest.mark.parametrize("start", [b"", HEAD])
def test_a_client_that_falls_silent_is_let_go_in_time(tmp_path: Path, start: bytes) -> None:
    with Slow(tmp_path, 2) as slow, socket.create_connection(("127.0.0.1", slow.port), 5) as one:
        one.sendall(start)
        said = b"".join(iter(lambda: one.recv(1000), b""))
    assert said.startswith(b"HTTP/1.1 408") if start else not said
    assert slow.reception.counts == {"timeout": 1}


@pytest.mark.usefixtures("_in_a_hurry")
@pytest.mark.parametrize("start", [b"", b"POST /web", HEAD[:-2], HEAD])
def test_a_client_that_trickles_is_let_go_in_time(tmp_path: Path, start: bytes) -> None:
    with Slow(tmp_path, 2) as slow, socket.create_connection(("127.0.0.1", slow.port), 20) as one:
        one.sendall(start)
        began, gone = time.monotonic(), False
        while not gone and time.monotonic() - began < PATIENCE_SECONDS:
            time.sleep(0.05)
            try:
                one.sendall(b"x")
                one.settimeout(0.001)
                gone = one.recv(1000) == b""
            except TimeoutError:
                continue
            except OSError:
                gone = True
        assert gone
    assert slow.reception.counts["timeout"] == 1


def test_idle_clients_take_no_more_than_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "BUSY_SECONDS", 0.1)
    with Slow(tmp_path, 2) as slow:
        before = threading.active_count()
        idle = [socket.create_connection(("127.0.0.1", slow.port), 20) for _ in range(2)]
        assert [exchanged(slow.port, b"")[:12] for _ in range(3)] == [b"HTTP/1.1 503"] * 3
        assert threading.active_count() == before + 2
        for one in idle:
            one.close()
        until = time.monotonic() + PATIENCE_SECONDS
        while threading.active_count() > before and time.monotonic() < until:
            time.sleep(0.01)
        assert exchanged(slow.port, HEAD).startswith(b"HTTP/1.1 400")
    assert slow.reception.counts == {"busy": 3, "body_cut": 1}


def test_sigterm_lets_a_request_that_began_end(tmp_path: Path) -> None:
    body = b"{}"
    given = header(body, int(NOW.timestamp()))
    head = f"POST /webhooks HTTP/1.1\r\nStripe-Signature: {given}\r\nContent-Length: 2\r\n\r\n"
    with receiving(tmp_path) as running:
        with socket.create_connection(("127.0.0.1", running.port), 20) as one:
            one.sendall(head.encode() + b"{")
            time.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            one.sendall(b"}")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        out, _ = running.process.communicate(timeout=PATIENCE_SECONDS)
    assert running.process.returncode == 0
    assert json.loads(out) == {"kept": 1}


# its command line


def command(folder: Path, *options: str, **more: str) -> tuple[int, str]:
    given: Sequence[str | Path] = [sys.executable, "-m", "jobs.gateway.receiver", *options]
    return processes.run(given, env=environment(**more), cwd=PROJECT, log=folder / "said")


def test_help_shows_an_example(tmp_path: Path) -> None:
    code, said = command(tmp_path, "--help")
    assert code == 0
    assert "--port 12112 --inbox INBOX" in said


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "--inbox"),
        (("--inbox", "IN", "--unchecked", "--host", "0.0.0.0"), 2, "this machine alone"),
        (("--inbox", "IN", "--threads", "0"), 2, "at least 1"),
        (("--inbox", "IN", "--clock", "none"), 4, "none"),
        (("--inbox", "/proc/none"), 4, "/proc/none"),
        (("--inbox", "IN", "--host", "192.0.2.1"), 4, "192.0.2.1"),
    ],
)
def test_a_start_that_cannot_be_says_why(
    tmp_path: Path, options: Sequence[str], code: int, words: str
) -> None:
    given = [str(tmp_path / "in") if part == "IN" else part for part in options]
    ended, said = command(tmp_path, *given)
    assert ended == code
    assert words in said
    assert "Traceback" not in said


def test_without_a_secret_it_does_not_start_unless_told(tmp_path: Path) -> None:
    code, said = command(tmp_path, "--inbox", str(tmp_path / "in"), STRIPE_WEBHOOK_SECRET="")
    assert code == 2
    assert "STRIPE_WEBHOOK_SECRET" in said
    assert "--unchecked" in said
    with receiving(tmp_path, "--unchecked", STRIPE_WEBHOOK_SECRET="") as running:
        assert running.post(b"anything", None)[0] == 200
    (kept,) = inside(tmp_path / "inbox")
    assert (kept.body, kept.signature) == ("anything", None)
    assert webhook_row(kept, [SECRET]) is Refusal.SIGNATURE_MISSING


def test_what_is_for_demos_is_refused_in_prod(tmp_path: Path) -> None:
    code, said = command(
        tmp_path, "--inbox", str(tmp_path), "--env", "prod", "--unchecked",
        MARKETPLACE_SPARK_MASTER="local",
    )  # fmt: skip
    assert code == 2
    assert "--env prod" in said


@pytest.mark.parametrize(
    "text", ["", "2026-06-30", "2026-06-30T12:00:00", "noon", "2026-13-01T00:00:00Z"]
)
def test_a_clock_file_holds_an_instant(tmp_path: Path, text: str) -> None:
    path = tmp_path / "now"
    path.write_text(text)
    with pytest.raises(OSError, match="instant"):
        file_clock(path)()
    path.write_text("2026-06-30T14:00:00+02:00\n")
    assert file_clock(path)() == datetime(2026, 6, 30, 12, tzinfo=UTC)
