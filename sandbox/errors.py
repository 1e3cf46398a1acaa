"""Refusals as Stripe words them: an HTTP status and an `error` object."""

from __future__ import annotations

from typing import Any

DOCS = "https://docs.stripe.com/error-codes/"


class Refused(Exception):
    """An answer that is an error: the error object without nulls, and headers to go with it."""

    def __init__(self, status: int, type_: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        known = {name: value for name, value in more.items() if value is not None}
        if "code" in known:
            known["doc_url"] = DOCS + str(known["code"]).replace("_", "-")
        self.body: dict[str, Any] = {"type": type_, "message": message, **known}


class Declined(Refused):
    """402: the card said no. Unlike other refusals, what the attempt wrote stays written."""


def invalid(message: str, code: str | None = None, param: str | None = None,
            **more: Any) -> Refused:  # fmt: skip
    """400 for a request that makes no sense, or not in the object's state."""
    return Refused(400, "invalid_request_error", message, code=code, param=param, **more)


def missing(kind: str, id_: str, param: str = "id", status: int = 404) -> Refused:
    """404 for an object in the path; 400 for one that a parameter names."""
    message = f"No such {kind}: '{id_}'"
    return Refused(status, "invalid_request_error", message, code="resource_missing", param=param)


def unauthorized(message: str) -> Refused:
    return Refused(401, "invalid_request_error", message)


def unknown_url(method: str, path: str) -> Refused:
    return Refused(
        404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}). "
        "The sandbox knows the payments half of the API; sandbox/README.md lists it.",
    )  # fmt: skip


def key_reused(message: str) -> Refused:
    return Refused(400, "idempotency_error", message)


def key_in_use(key: str) -> Refused:
    return Refused(
        409, "invalid_request_error",
        f"There is currently another in-progress request using this Idempotent Key: {key}. "
        "Try again when it has ended.", code="idempotency_key_in_use",
    )  # fmt: skip


def too_many(reason: str, what: str) -> Refused:
    """429; `reason` is what Stripe's header says: endpoint-rate or global-rate."""
    refused = Refused(
        429, "invalid_request_error", f"Request rate limit exceeded ({what}).", code="rate_limit"
    )
    refused.headers["Stripe-Rate-Limited-Reason"] = reason
    return refused


def broken() -> Refused:
    return Refused(500, "api_error", "An unknown error occurred")
