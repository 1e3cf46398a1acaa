"""What falls due by the clock. Now: the end of a hold. Later: arrivals of payouts, evidence.

A timer goes off as of its own second, however far the clock jumped, and before anything else that
the sandbox does at a later second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sandbox.context import Context

Handler = Callable[[Context, str], None]


def set_timer(context: Context, id_: str, due_at: int, what: str) -> None:
    context.store.write("insert or replace into timers values (?, ?, ?)", (id_, due_at, what))


def stop_timer(context: Context, id_: str) -> None:
    context.store.write("delete from timers where id = ?", (id_,))


def run_due(context: Context, handlers: Mapping[str, Handler]) -> int:
    """Runs what is due at the context's second, in order; how many. Inside a transaction."""
    due = context.store.rows(
        "select id, due_at, what from timers where due_at <= ? order by due_at, id", (context.now,)
    )
    for id_, due_at, what in due:
        stop_timer(context, id_)
        by_itself = replace(context, now=due_at, request_id=None, idempotency_key=None)
        handlers[what](by_itself, id_)
    return len(due)
