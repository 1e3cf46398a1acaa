"""The benchmark of payments at a tiny size, and its own arithmetic. No time decides a test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.payment_requests import capture, expected, hold, require_equal
from benchmarks.payments import (
    Measured,
    Sending,
    limits_seconds,
    measured,
    sandbox,
    sent,
    table,
)
from benchmarks.sides import Different
from conf.settings import load_gateway_policy
from jobs.clock import RealClock
from jobs.gateway.gateway import JOURNAL_FILE
from jobs.gateway.journal import Journal
from jobs.gateway.operations import checked_body
from jobs.gateway.request import State, sha256_of

SHAPES = Path(__file__).parents[1] / "sandbox" / "shapes"
POLICY = load_gateway_policy()
HOLDS = [hold("captured", 1), hold("held", 2)]
CAPTURES = [capture(HOLDS[0], "pi_1")]


def entry(number: int, status: str, captured: int) -> dict[str, Any]:
    """A hold as the sandbox's books have it."""
    held = HOLDS[number]
    return {
        "metadata": {"request_key": held.key}, "status": status, "authorized": held.amount_minor,
        "captured": captured,
    }  # fmt: skip


def books(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"payment_intents": {f"pi_{n}": one for n, one in enumerate(entries)}}


CAPTURED, HELD = entry(0, "succeeded", HOLDS[0].amount_minor), entry(1, "requires_capture", 0)


def finished(seconds: float, refused: int) -> Measured:
    """Two requests whose limits' own time is 10 s."""
    requests = {one.key: one for one in HOLDS}
    return Measured(Sending(requests, {}, seconds, 1), 10.0, refused, 200.0)


def test_a_tiny_quarter_hour_is_measured_against_a_real_sandbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fewer than the limits let through at once, so that no machine is too slow for them."""
    options = ["--requests", "20", "--runs", "1", "--work", str(tmp_path)]
    assert benchmarks.main(["payments", *options]) == 0
    head, _, row = [
        [cell.strip() for cell in line.split("|")]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("|")
    ]
    told = dict(zip(head, row, strict=True))
    assert told["holds and captures"] == "40"
    assert (told["limits' own, s"], told["refused by rate"]) == ("0.8", "0")
    assert not (tmp_path / "payments").exists()


def test_a_run_that_uses_up_its_time_is_followed_by_another(tmp_path: Path) -> None:
    slow = replace(POLICY, requests_per_second_per_endpoint=6, run_budget_seconds=2)
    found = measured(tmp_path, 16, slow)
    assert found.sending.runs > 1
    assert {row.state for row in found.sending.requests.values()} == {State.ACCEPTED}
    assert len(found.sending.requests) == 32


def test_what_cannot_be_sent_ends_the_benchmark_with_the_reason(tmp_path: Path) -> None:
    off = replace(POLICY, enabled=False)
    with pytest.raises(RuntimeError, match=r"2 requests stay open: sending is switched off"):
        sent(tmp_path, "http://127.0.0.1:9", off, HOLDS, "another journal")


def test_a_request_that_the_sandbox_rejects_is_an_error(tmp_path: Path) -> None:
    body = HOLDS[0].body.replace("pm_card_visa", "pm_card_chargeDeclined")
    declined = replace(HOLDS[0], body=body, body_sha256=sha256_of(body))
    with Journal(tmp_path / JOURNAL_FILE, RealClock()) as journal:
        journal_id = journal.id
    with (
        sandbox(tmp_path) as url,
        pytest.raises(Different, match=f"^authorize {declined.key}: card_declined"),
    ):
        sent(tmp_path, url, POLICY, [declined], journal_id)


def test_books_with_every_hold_as_it_was_asked_for_are_equal() -> None:
    require_equal(books(HELD, CAPTURED), expected(HOLDS, CAPTURES))


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(books(CAPTURED), id="one is not there"),
        pytest.param(books(CAPTURED, HELD, HELD), id="one is there twice"),
        pytest.param(books(CAPTURED, entry(1, "canceled", 0)), id="one is canceled"),
        pytest.param(books(CAPTURED, entry(1, "succeeded", 102)), id="one is captured unasked"),
        pytest.param(books({**CAPTURED, "captured": 1}, HELD), id="too little is captured"),
        pytest.param(books(CAPTURED, {**HELD, "authorized": 7}), id="another amount is held"),
        pytest.param(books(CAPTURED, HELD, {**HELD, "metadata": {}}), id="one is nobody's"),
    ],
)
def test_books_that_say_otherwise_are_an_error(found: dict[str, Any]) -> None:
    with pytest.raises(Different, match=r"^1 holds are otherwise in the sandbox's books"):
        require_equal(found, expected(HOLDS, CAPTURES))


@pytest.mark.parametrize(
    ("request_", "shape"), [(HOLDS[0], "authorize_guest"), (CAPTURES[0], "capture")]
)
def test_requests_have_the_product_s_shape_and_pass_the_gateway(request_: Any, shape: str) -> None:
    content, known = json.loads(request_.body), json.loads((SHAPES / f"{shape}.json").read_text())
    ours, theirs = content["params"], known["params"]
    assert ours.keys() == theirs.keys()
    assert ours.get("metadata", {}).keys() == theirs.get("metadata", {}).keys()
    assert checked_body(request_, "sandbox").path == content["path"]


def test_endpoints_are_used_at_once_so_the_busiest_one_sets_the_limits_own_time() -> None:
    holds = [hold(f"o{n}", n) for n in range(50)]
    both = [*holds, *(capture(one, f"pi_{n}") for n, one in enumerate(holds[:25]))]
    assert limits_seconds(both, POLICY) == 50 / 25
    assert limits_seconds(both, replace(POLICY, requests_per_second=20)) == 75 / 20


def test_the_aim_is_met_by_the_median_run_without_a_refusal() -> None:
    assert "found 1.100x (median) and 0: met" in table(
        [finished(11.0, 0), finished(9.9, 0), finished(99.0, 0)]
    )
    assert "found 1.200x (median) and 0: not met" in table([finished(12.0, 0)])
    assert "found 1.100x (median) and 3: not met" in table([finished(11.0, 3)])


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_no_requests_are_no_benchmark(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        benchmarks.main(["payments", f"--requests={number}"])
    assert "is not a number of requests, 1 or more" in capsys.readouterr().err
