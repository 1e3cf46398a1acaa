"""Events: read back for 30 days, as documented."""

from __future__ import annotations

from typing import Any

from sandbox.context import Context
from sandbox.errors import missing
from sandbox.lists import listed
from sandbox.store import Doc

KEPT_SECONDS = 30 * 86_400


def retrieve(context: Context, id_: str, _: dict[str, Any]) -> Doc:
    doc = context.need("event", id_)
    if doc["created"] < context.now - KEPT_SECONDS:
        raise missing("event", id_)
    return _with_pending(context, doc)


def page(context: Context, _: str, params: dict[str, Any]) -> Doc:
    found = listed(context, "event", "/v1/events", params, since=context.now - KEPT_SECONDS)
    return {**found, "data": [_with_pending(context, doc) for doc in found["data"]]}


def prune(context: Context) -> None:
    """Forgets what nobody can ask for any more."""
    before = context.now - KEPT_SECONDS
    context.store.write("delete from objects where object = 'event' and created < ?", (before,))
    context.store.write(
        "delete from deliveries where state != 'pending' and due_at < ?", (before,)
    )  # fmt: skip


def _with_pending(context: Context, doc: Doc) -> Doc:
    """`pending_webhooks`: deliveries that have not been answered with 2xx so far."""
    rows = context.store.rows(
        "select count(*) from deliveries where event = ? and state = 'pending'", (doc["id"],)
    )
    return {**doc, "pending_webhooks": rows[0][0]}
