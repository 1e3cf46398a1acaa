"""The fault plan on the wire: what the client meets, what was done, what the key remembers."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe as sdk
from stripe import StripeClient

from tests.sandbox.payments import hold, refused
from tests.support.sandbox import Sandbox

CREATE = "/v1/payment_intents"
PARAMS = urlencode({
    "amount": 1_000, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
    "payment_method_types[0]": "card", "capture_method": "manual",
})  # fmt: skip


def post(sandbox: Sandbox, key: str = "K", patience_seconds: float = 10.0) -> tuple[str, Any]:
    """("answered", (status, body)), or how the connection ended: reset, closed, cut, silent."""
    address = sandbox.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=patience_seconds)
    headers = {
        "Authorization": "Bearer sk_test_x", "Idempotency-Key": key,
        "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    try:
        connection.request("POST", CREATE, PARAMS, headers)
        answer = connection.getresponse()
        return "answered", (answer.status, answer.read().decode())
    except http.client.RemoteDisconnected:
        return "closed", None
    except ConnectionResetError:
        return "reset", None
    except http.client.IncompleteRead as error:
        return "cut", error.partial.decode()
    except TimeoutError:
        return "silent", None
    finally:
        connection.close()


def live(sandbox: Sandbox) -> int:
    return len(sandbox.books()["payment_intents"])


WIRE = [("reset", "reset"), ("close", "closed"), ("cut", "cut"), ("timeout", "silent")]


@pytest.mark.parametrize(("do", "met"), WIRE)
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_connection_ends_as_planned(sandbox: Sandbox, do: str, met: str, when: str) -> None:
    sandbox.faults({"do": do, "when": when, "nth": 1, "hold_seconds": 5})

    found, _ = post(sandbox, patience_seconds=0.3)

    assert found == met
    assert live(sandbox) == (1 if when == "after" else 0)


@pytest.mark.parametrize("do", ["reset", "close", "cut", "timeout", "wrong_json"])
def test_a_retry_of_what_was_applied_gives_the_true_result(sandbox: Sandbox, do: str) -> None:
    sandbox.faults({"do": do, "when": "after", "nth": 1, "hold_seconds": 0.01})
    post(sandbox)

    _, (status, body) = post(sandbox)

    assert (status, json.loads(body)["status"]) == (200, "requires_capture")
    assert live(sandbox) == 1
    assert sandbox.books()["replayed"] == 1


@pytest.mark.parametrize("do", ["reset", "close", "cut", "timeout", "wrong_json"])
def test_a_retry_of_what_was_not_applied_is_the_first_one(sandbox: Sandbox, do: str) -> None:
    sandbox.faults({"do": do, "when": "before", "nth": 1, "hold_seconds": 0.01})
    post(sandbox)
    assert live(sandbox) == 0

    _, (status, _) = post(sandbox)

    assert (status, live(sandbox), sandbox.books()["replayed"]) == (200, 1, 0)


def test_a_refusal_can_be_lost_too(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.faults({"do": "reset", "when": "after", "nth": 1})

    refused(lambda: hold(stripe, "K", amount=1), sdk.APIConnectionError)

    assert refused(lambda: hold(stripe, "K", amount=1)).http_status == 400


def test_wrong_json_is_no_json(sandbox: Sandbox) -> None:
    sandbox.faults({"do": "wrong_json", "when": "after"})

    _, (status, body) = post(sandbox)

    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_cut_body_is_the_first_half_of_the_true_one(sandbox: Sandbox) -> None:
    sandbox.faults({"do": "cut", "when": "after", "nth": 1})

    _, part = post(sandbox)

    _, (_, whole) = post(sandbox)
    assert whole.startswith(part)
    assert 0 < len(part) < len(whole)


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 429, 500, 502, 503])
@pytest.mark.parametrize("when", ["before", "after"])
def test_errors_are_stored_as_stripe_would(sandbox: Sandbox, status: int, when: str) -> None:
    """402 and 500 come from an endpoint that began; what stands before it stores nothing."""
    sandbox.faults({"do": "status", "status": status, "when": when, "nth": 1})

    _, (first, body) = post(sandbox)
    _, (second, _) = post(sandbox)

    assert first == status
    assert json.loads(body)["error"]["message"]
    assert second == (status if status in (402, 500) else 200)
    applied = when == "after" or status not in (402, 500)
    assert live(sandbox) == (1 if applied else 0)


def test_a_fault_on_a_retry_changes_nothing_that_is_stored(sandbox: Sandbox) -> None:
    sandbox.faults({"do": "status", "status": 500, "nth": 2})
    first = post(sandbox)

    assert post(sandbox)[1][0] == 500

    assert post(sandbox) == first


def test_whether_it_is_stored_can_be_said(sandbox: Sandbox) -> None:
    sandbox.faults({"do": "status", "status": 500, "stored": False, "nth": 1})

    assert [post(sandbox)[1][0] for _ in range(2)] == [500, 200]


def test_an_error_body_can_be_given(sandbox: Sandbox) -> None:
    error = {"code": "lock_timeout", "message": "busy"}
    sandbox.faults({"do": "status", "status": 429, "error": error})

    _, (_, body) = post(sandbox)

    found = json.loads(body)["error"]
    assert (found["code"], found["message"]) == ("lock_timeout", "busy")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_answers_late_but_truly(sandbox: Sandbox, when: str) -> None:
    sandbox.faults({"do": "delay", "when": when, "delay_ms": 300})
    began = time.monotonic()

    _, (status, _) = post(sandbox)

    assert (status, live(sandbox)) == (200, 1)
    assert time.monotonic() - began >= 0.3


def test_a_late_answer_is_applied_although_nobody_waited(sandbox: Sandbox) -> None:
    sandbox.faults({"do": "delay", "when": "before", "delay_ms": 300, "nth": 1})
    assert post(sandbox, patience_seconds=0.05) == ("silent", None)
    assert live(sandbox) == 0

    until = time.monotonic() + 10
    while not live(sandbox) and time.monotonic() < until:
        time.sleep(0.02)

    assert live(sandbox) == 1


def test_a_refused_plan_leaves_the_old_one(sandbox: Sandbox, stripe: StripeClient) -> None:
    sandbox.faults({"do": "delay", "times": 0})
    with pytest.raises(AssertionError, match="rule 2"):
        sandbox.faults({"do": "reset"}, {"do": "explode"})

    assert hold(stripe).status == "requires_capture"
    (shown,) = sandbox.control("GET", "faults")
    assert (shown["do"], shown["matched"], shown["fired"]) == ("delay", 1, 0)


def test_a_connection_is_kept_alive_after_an_error(sandbox: Sandbox) -> None:
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for _ in range(2):
            connection.sendall(b"GET /v1/charges HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401 ")
