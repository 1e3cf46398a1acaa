"""What the network does, through the official SDK, becomes an answer."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from jobs.errors import UsageError
from jobs.gateway.access import PROVIDER_BASE, Access
from jobs.gateway.answer import Answer, Kind
from jobs.gateway.provider import API_VERSION, ProviderFailed, StripeProvider, pages_of, session_for
from jobs.gateway.redaction import Secret
from tests.jobs.gateway.answering import answering
from tests.jobs.gateway.plans import policy

KEY = "k" * 64
WORDS = {
    "ok": (Kind.COMPLETE, 200, None),
    "400": (Kind.COMPLETE, 400, "code_400"),
    "402": (Kind.COMPLETE, 402, "card_declined"),
    "404": (Kind.COMPLETE, 404, "code_404"),
    "401": (Kind.COMPLETE, 401, "code_401"),
    "403": (Kind.COMPLETE, 403, "code_403"),
    "409": (Kind.COMPLETE, 409, "code_409"),
    "429": (Kind.COMPLETE, 429, "code_429"),
    "500": (Kind.COMPLETE, 500, "code_500"),
    "503!": (Kind.UNREADABLE, 503, None),
    "404!": (Kind.UNREADABLE, 404, None),
    "html": (Kind.UNREADABLE, 200, None),
    "list": (Kind.UNREADABLE, 200, None),
    "odd": (Kind.LOST, None, None),
    "cut": (Kind.LOST, None, None),
    "reset": (Kind.LOST, None, None),
    "close": (Kind.LOST, None, None),
    "hang": (Kind.LOST, None, None),
    "redirect": (Kind.LOST, None, None),
}


def provider(url: str, **changes: Any) -> StripeProvider:
    quick = policy(connect_timeout_seconds=1.0, read_timeout_seconds=0.5, **changes)
    return StripeProvider(Access("sandbox", url, Secret("sk_test_canary")), quick)


@pytest.mark.parametrize(("word", "expected"), WORDS.items(), ids=WORDS)
def test_what_comes_back_becomes_an_answer_after_one_post(
    word: str, expected: tuple[Kind, int | None, str | None]
) -> None:
    with answering(word) as (url, script):
        answer = provider(url).post("/v1/payment_intents", {"amount": 1}, KEY)
    kind, status, code = expected
    assert (answer.kind, answer.error_code) == (kind, code)
    assert answer.status == status
    assert len(script.seen) == 1, "the SDK and the connection repeat nothing by themselves"


def test_a_post_carries_our_key_the_pinned_version_and_the_frozen_parameters() -> None:
    with answering("ok") as (url, script):
        answer = provider(url).post(
            "/v1/payment_intents",
            {
                "amount": 1,
                "confirm": True,
                "metadata": {"a": "ü &"},
                "expand": ["latest_charge"],
            },
            KEY,
        )
    (seen,) = script.seen
    assert seen["headers"]["Idempotency-Key"] == KEY
    assert seen["headers"]["Stripe-Version"] == API_VERSION
    assert seen["headers"]["Authorization"] == "Bearer sk_test_canary"
    assert seen["params"] == {
        "amount": "1", "confirm": "true", "metadata[a]": "ü &", "expand[0]": "latest_charge"
    }  # fmt: skip
    assert answer.replayed


def test_the_pinned_version_is_the_one_the_sdk_speaks() -> None:
    assert stripe.api_version == API_VERSION


def test_no_connection_means_that_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert provider(url).post("/v1/payment_intents", {}, KEY).kind is Kind.NOT_SENT


def test_retry_after_and_a_decline_s_codes_are_read() -> None:
    with answering("429", "402") as (url, _):
        sending = provider(url)
        assert sending.post("/v1/payment_intents", {}, KEY).retry_after_seconds == 7
        declined = sending.post("/v1/payment_intents", {}, KEY)
    assert (declined.error_type, declined.decline_code) == ("card_error", "generic_decline")
    assert declined.error_object["payment_intent"]["id"] == "pi_1"


def test_many_threads_use_one_provider() -> None:
    with answering("ok") as (url, script):
        sending = provider(url, workers=16)

        def post(number: int) -> bool:
            return sending.post("/v1/payment_intents", {"amount": number}, f"{number:064}").ok

        with ThreadPoolExecutor(16) as threads:
            assert all(threads.map(post, range(200)))
    keys = {seen["headers"]["Idempotency-Key"]: seen["params"]["amount"] for seen in script.seen}
    assert keys == {f"{number:064}": str(number) for number in range(200)}


def test_neither_a_proxy_nor_a_netrc_of_the_machine_comes_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    with answering("ok") as (url, script):
        assert provider(url).post("/v1/payment_intents", {}, KEY).ok
    assert script.seen[0]["headers"]["Authorization"] == "Bearer sk_test_canary"
    sent = requests.Request("POST", PROVIDER_BASE, headers={"Authorization": "Bearer x"})
    ready = session_for(PROVIDER_BASE, 1).prepare_request(sent)
    assert ready.headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize("name", ["stripe_account", "api_key", "base", "headers"])
def test_a_body_cannot_choose_an_account_a_key_or_a_host(name: str) -> None:
    with answering("ok") as (url, script), pytest.raises(UsageError, match=name):
        provider(url).post("/v1/payment_intents", {name: "acct_other"}, KEY)
    assert script.seen == []


def test_the_sdk_s_own_log_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_LOG", "debug")
    with pytest.raises(UsageError, match="STRIPE_LOG"):
        provider("http://127.0.0.1:1")


def test_a_list_is_read_to_its_end_page_by_page() -> None:
    objects = [{"id": f"ch_{number}"} for number in range(250)]
    asked: list[Mapping[str, Any]] = []

    def get(path: str, params: Mapping[str, Any]) -> Answer:
        asked.append(params)
        ids = [one["id"] for one in objects]
        begin = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        page = objects[begin : begin + 100]
        more = begin + 100 < len(objects)
        return Answer(Kind.COMPLETE, 200, {"data": page, "has_more": more})

    assert list(pages_of(get, "/v1/charges", {"transfer_group": "o1"})) == objects
    assert [one["limit"] for one in asked] == [100] * 3
    assert {one["transfer_group"] for one in asked} == {"o1"}


def test_a_page_that_does_not_come_is_an_outage_and_not_the_end() -> None:
    with answering("503!") as (url, _), pytest.raises(ProviderFailed, match="503"):
        list(provider(url).pages("/v1/charges", {}))


def test_a_provider_changes_no_log_level_of_ours() -> None:
    before = logging.getLogger("jobs.gateway").level
    provider("http://127.0.0.1:1")
    assert logging.getLogger("jobs.gateway").level == before
