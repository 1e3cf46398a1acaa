"""The provider's HTTP API, through its SDK: the only place that builds a client.

The SDK's own retries and keys are off: whether, when and under which key something is sent again is
the gateway's decision. What the SDK raises becomes an `Answer`.
"""

from __future__ import annotations

import http.cookiejar
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import requests
import stripe
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from conf.settings import GatewayPolicy
from jobs.errors import OutsideUnavailable, UsageError
from jobs.gateway.access import Access, is_loopback
from jobs.gateway.answer import Answer, Kind
from jobs.gateway.redaction import guard_logs

API_VERSION = "2026-10-28.endive"
PAGE_LIMIT = 100
NOT_PARAMETERS = frozenset({
    "api_key", "stripe_version", "stripe_account", "stripe_context", "max_network_retries",
    "idempotency_key", "content_type", "headers", "base", "usage",
})  # fmt: skip
"""Names that the SDK would take for options of its own: no request may carry them."""


class ProviderFailed(OutsideUnavailable):
    """A read did not come back; `answer` says how."""

    def __init__(self, path: str, answer: Answer) -> None:
        super().__init__(
            f"the payment provider did not answer GET {path} ({described(answer)}); "
            "run the same command again later"
        )
        self.answer = answer


class Provider(Protocol):
    """What the gateway needs of a provider; `params` as the API names them."""

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer: ...

    def get(self, path: str, params: Mapping[str, Any]) -> Answer: ...


class StripeProvider:
    """The official SDK with explicit timeouts; safe to use from many threads."""

    def __init__(self, access: Access, policy: GatewayPolicy) -> None:
        if os.environ.get("STRIPE_LOG"):
            raise UsageError("STRIPE_LOG makes the SDK print whole bodies: unset it")
        guard_logs()
        stripe.enable_telemetry = False
        self._client = stripe.StripeClient(
            access.key.reveal(),
            stripe_version=API_VERSION,
            base_addresses={"api": access.base},
            max_network_retries=0,
            http_client=stripe.RequestsClient(
                timeout=(policy.connect_timeout_seconds, policy.read_timeout_seconds),
                session=session_for(access.base, policy.workers),
            ),
        )

    def post(self, path: str, params: Mapping[str, Any], key: str) -> Answer:
        """Sends once under the idempotency key; never raises for what the network does."""
        return self._call("post", path, params, idempotency_key=key)

    def get(self, path: str, params: Mapping[str, Any]) -> Answer:
        return self._call("get", path, params)

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Every object of a list, page by page; ProviderFailed when a page does not come."""
        return pages_of(self.get, path, params)

    def _call(self, method: str, path: str, params: Mapping[str, Any], **options: str) -> Answer:
        if wrong := NOT_PARAMETERS & set(params):
            raise UsageError(f"{method} {path}: {sorted(wrong)} are no parameters of the API")
        try:
            answer = self._client.raw_request(method, path, **params, **options)
        except stripe.APIConnectionError as error:
            return Answer(_how_far(error), reason=_reason(error))
        except stripe.StripeError as error:
            return _refusal(error)
        except Exception as error:  # the SDK stumbled over the answer: it may have been executed
            return Answer(Kind.LOST, reason=type(error).__name__)
        content: Any = answer.data
        if not isinstance(content, dict):
            return Answer(Kind.UNREADABLE, answer.code, reason="the answer is no JSON object")
        return Answer(
            Kind.COMPLETE, answer.code, dict(content), replayed=_replayed(answer.headers or {})
        )


def pages_of(
    get: Callable[[str, Mapping[str, Any]], Answer], path: str, params: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The objects of a list in the provider's order, newest first, a page of 100 at a time."""
    after: dict[str, Any] = {}
    while True:
        answer = get(path, {"limit": PAGE_LIMIT, **params, **after})
        found = (answer.body or {}).get("data")
        if not answer.ok or not isinstance(found, list):
            raise ProviderFailed(path, answer)
        yield from found
        if not (answer.body or {}).get("has_more") or not found:
            return
        after = {"starting_after": found[-1]["id"]}


def described(answer: Answer) -> str:
    """A short text without anything of the body but its error code."""
    parts = [str(answer.status or ""), answer.error_code or answer.error_type or "", answer.reason]
    return " ".join(part for part in parts if part) or str(answer.kind)


def session_for(base: str, connections: int) -> requests.Session:
    """Connections to `base` that many threads share: no retries, redirects, cookies or passwords of
    their own."""
    session = requests.Session()
    session.trust_env = not is_loopback(base)  # a proxy of the machine does not reach its own ports
    session.auth = _as_it_is
    session.mount("http://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    session.mount("https://", HTTPAdapter(pool_maxsize=connections, max_retries=0))
    session.max_redirects = 0  # a redirected POST would be sent twice, and elsewhere
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps the SDK's Authorization header, which a password in ~/.netrc would replace."""
    return request


def _refusal(error: stripe.StripeError) -> Answer:
    headers = error.headers or {}
    content: Any = error.json_body
    found = content.get("error") if isinstance(content, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        return Answer(Kind.UNREADABLE, error.http_status, reason="the answer is no JSON error")
    return Answer(
        Kind.COMPLETE,
        error.http_status,
        content,
        error_type=found["type"],
        error_code=_text(found.get("code")),
        decline_code=_text(found.get("decline_code")),
        retry_after_seconds=_seconds(headers.get("Retry-After")),
        replayed=_replayed(headers),
    )


def _how_far(error: stripe.APIConnectionError) -> Kind:
    """NOT_SENT only where no connection came about; anything else may have been executed."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return Kind.NOT_SENT
    if isinstance(cause, requests.exceptions.ConnectionError):
        reason = getattr(cause.args[0] if cause.args else None, "reason", None)
        if isinstance(reason, urllib3.exceptions.NewConnectionError):
            return Kind.NOT_SENT
    return Kind.LOST


def _reason(error: stripe.APIConnectionError) -> str:
    return type(error.__cause__ or error).__name__


def _replayed(headers: Mapping[str, str]) -> bool:
    return headers.get("Idempotent-Replayed", "").lower() == "true"


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; a date or nonsense is none."""
    return float(text) if text and text.isascii() and text.isdigit() else None


def _text(value: Any) -> str | None:
    return value[:100] if isinstance(value, str) else None
