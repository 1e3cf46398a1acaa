"""Documentation page "Receive Stripe events in your webhook endpoint"."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe as sdk
from stripe import StripeClient

from tests.sandbox.conftest import client_of
from tests.sandbox.payments import DAY_SECONDS, hold, paid
from tests.support.sandbox import Sandbox

SECRET = "whsec_test"
AT = "2026-06-30T12:00:00Z"


@dataclass
class Receiver:
    """What was posted to it; it answers with `statuses` one after the other, then 200."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[bytes, str]] = field(default_factory=list)
    url: str = ""

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.got]

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + 20
        while len(self.got) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.got) == count


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((body, self.headers["Stripe-Signature"]))
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def start(own_sandbox: Callable[..., Sandbox], receiver: Receiver) -> Callable[[], Sandbox]:
    """Starts a sandbox that delivers to the receiver; its clock stands."""

    def started() -> Sandbox:
        running = own_sandbox("--no-limits", "--webhook", receiver.url, "--webhook-secret", SECRET)
        running.set_clock("frozen", AT)
        return running

    return started


@pytest.fixture
def posting(start: Callable[[], Sandbox]) -> Sandbox:
    return start()


@pytest.fixture
def client(posting: Sandbox) -> StripeClient:
    return client_of(posting)


def test_every_event_is_delivered_and_signed(
    posting: Sandbox, client: StripeClient, receiver: Receiver
) -> None:
    made = paid(client)
    receiver.wait_for(3)

    second = int(posting.clock()["epoch_seconds"])
    for body, header in receiver.got:
        sdk.WebhookSignature.verify_header(body.decode(), header, SECRET)
        assert header.startswith(f"t={second},v1=")
    with pytest.raises(sdk.SignatureVerificationError):
        sdk.WebhookSignature.verify_header(
            receiver.got[0][0].decode(), receiver.got[0][1], "whsec_other"
        )
    listed = client.v1.events.list().to_dict()["data"][::-1]
    delivered = [json.loads(body) for body, _ in receiver.got]
    assert [{**one, "pending_webhooks": 0} for one in delivered] == [
        {**one, "pending_webhooks": 0} for one in listed
    ]
    assert delivered[-1]["data"]["object"]["id"] == made.id


def test_a_delivery_is_tried_again_until_it_is_taken(
    posting: Sandbox, client: StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 400]
    client.v1.customers.create()
    receiver.wait_for(1)
    pending = client.v1.events.list().data[0].pending_webhooks
    assert pending == 1

    for _ in range(5):
        posting.advance(3_600)

    assert receiver.types == ["customer.created"] * 4
    assert len({body for body, _ in receiver.got}) == 1
    assert client.v1.events.list().data[0].pending_webhooks == 0
    assert posting.books()["webhooks"] == {"delivered": 1}


def test_a_delivery_is_given_up_after_three_days(
    posting: Sandbox, client: StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [500] * 1_000
    client.v1.customers.create()
    for _ in range(20):
        posting.advance(DAY_SECONDS / 4)

    assert posting.books()["webhooks"] == {"failed": 1}
    assert 5 < len(receiver.got) < 20


def test_what_was_not_delivered_is_delivered_after_a_restart(
    start: Callable[[], Sandbox], receiver: Receiver
) -> None:
    first = start()
    receiver.statuses = [503] * 3
    paid(client_of(first))
    receiver.wait_for(3)
    first.kill()

    start().advance(60)

    receiver.wait_for(6)
    assert receiver.types[3:] == receiver.types[:3]


def planned(posting: Sandbox, receiver: Receiver, rule: dict[str, Any], count: int) -> list[str]:
    """Types in the order of their delivery, of one payment under the rule."""
    posting.faults(rule)
    hold(client_of(posting))
    receiver.wait_for(count)
    return receiver.types


CREATED, CHARGED, HELD = (
    "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
)  # fmt: skip


def test_deliveries_are_repeated_by_plan(posting: Sandbox, receiver: Receiver) -> None:
    rule = {"event": "charge.*", "do": "repeat", "count": 2}

    assert planned(posting, receiver, rule, 5) == [CREATED, CHARGED, CHARGED, CHARGED, HELD]


def test_deliveries_come_out_of_order_by_plan(posting: Sandbox, receiver: Receiver) -> None:
    rule = {"event": "payment_intent.created", "do": "after", "count": 2}

    assert planned(posting, receiver, rule, 3) == [CHARGED, HELD, CREATED]


def test_deliveries_are_late_by_plan(posting: Sandbox, receiver: Receiver) -> None:
    rule = {"event": CREATED, "do": "late", "late_seconds": 3_600}
    assert planned(posting, receiver, rule, 2) == [CHARGED, HELD]

    posting.advance(3_600)

    assert receiver.types == [CHARGED, HELD, CREATED]


def test_deliveries_are_dropped_by_plan(
    posting: Sandbox, client: StripeClient, receiver: Receiver
) -> None:
    rule = {"event": CHARGED, "do": "drop"}
    assert planned(posting, receiver, rule, 2) == [CREATED, HELD]
    posting.advance(4 * DAY_SECONDS)

    assert len(receiver.got) == 2
    assert len(client.v1.events.list().data) == 3
