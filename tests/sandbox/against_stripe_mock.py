"""Checks the committed request shapes against stripe-mock: `make conformance`.

stripe-mock knows Stripe's OpenAPI description: it refuses unknown and missing parameters and wrong
types. It keeps no state, so that any id will do.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import stripe
from stripe import StripeClient

from tests.sandbox.shapes import shapes

STARTS_WITHIN_SECONDS = 20.0
IDS = {
    "captured": "pi_1", "charge": "ch_1", "customer": "cus_1", "event": "evt_1", "held": "pi_2",
    "refund": "re_1", "unconfirmed": "pi_3",
}  # fmt: skip


def main(program: str) -> int:
    """0 when every shape is taken, and what must be refused is refused."""
    with running(program) as url:
        client = StripeClient("sk_test_123", base_addresses={"api": url}, max_network_retries=0)
        failures = [
            said for shape in shapes(IDS) if (said := refusal(client, *vars(shape).values()))
        ]
        if (
            refusal(client, "", "POST", "/v1/payment_intents", {"amount": 1, "colour": "red"})
            is None
        ):
            failures.append("an unknown parameter was taken: the check can no longer fail")
    for failure in failures:
        print(failure)
    print(f"{len(shapes())} request shapes, {len(failures)} refused")
    return 1 if failures else 0


def refusal(client: StripeClient, name: str, method: str, path: str, params: dict) -> str | None:
    """What stripe-mock says against the request; None when it takes it."""
    try:
        client.raw_request(method.lower(), path, **params)
    except stripe.StripeError as error:
        return f"{name}: {method} {path}: {error}"
    return None


@contextmanager
def running(program: str) -> Iterator[str]:
    http, https = free_port(), free_port()
    command = [
        program, "-http-addr", f"127.0.0.1:{http}", "-https-addr", f"127.0.0.1:{https}",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(http, process)
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("stripe-mock did not start")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
