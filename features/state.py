"""The current state: one row a natural key as of the end of a business date.

Most entities show their latest version. What lands as a stream of events about something (a
shipment, a return, a dispute, a ticket) is rolled up to one row per that thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


@dataclass(frozen=True)
class RolledUp:
    """How a stream of events becomes one row: its key, and the columns from the known events."""

    key: tuple[str, ...]
    columns: Callable[[], list[Column]]


def rolled_up(known: DataFrame, how: RolledUp) -> DataFrame:
    """One row a thing from the events known of it; `occurred_at` is that of its first event and
    `known_at` that of the newest."""
    return known.groupBy(*how.key).agg(
        *how.columns(),
        F.min("occurred_at").alias("occurred_at"),
        F.max("known_at").alias("known_at"),
    )


def _first_at(event: str) -> Column:
    return F.min(F.when(F.col("event") == event, F.col("occurred_at"))).alias(f"{event}_at")


def _of_first(name: str, among: Column | None = None) -> Column:
    """The column's value in the earliest event that has one (among those given)."""
    counts = F.col(name).isNotNull() if among is None else F.col(name).isNotNull() & among
    by_time = F.struct("occurred_at", "known_at", "event_id", name)
    return F.min(F.when(counts, by_time))[name].alias(name)


def _shipments() -> list[Column]:
    events = ("shipped", "tracking_confirmed", "delivered", "lost", "returned_to_sender")
    of_first = ("order_id", "seller_id", "line_nos", "carrier", "tracking_number")
    return [*(_of_first(name) for name in of_first), *(_first_at(event) for event in events)]


def _returns() -> list[Column]:
    arrived = F.col("event") == "arrived"
    units = F.coalesce(_of_first("units", arrived), _of_first("units")).alias("units")
    return [
        *(_of_first(name) for name in ("order_id", "seller_id", "reason")), units,
        *(_first_at(event) for event in ("requested", "arrived", "rejected")),
    ]  # fmt: skip


def _disputes() -> list[Column]:
    of_first = (
        "order_id", "line_no", "seller_id", "buyer_id", "kind", "type", "amount_minor", "currency",
        "due_at",
    )  # fmt: skip
    closing = F.when(
        F.col("event") == "closed", F.struct("occurred_at", "known_at", "event_id", "outcome")
    )
    return [
        *(_of_first(name) for name in of_first),
        *(_first_at(event) for event in ("opened", "seller_response", "closed")),
        F.min(closing)["outcome"].alias("outcome"),
        F.count_if(F.col("event") == "evidence").alias("evidence_items"),
    ]


def _support_tickets() -> list[Column]:
    return [_of_first("seller_id"), _of_first("topic"), _first_at("opened"), _first_at("closed")]


ROLLED_UP = {
    "shipments": RolledUp(("shipment_id",), _shipments),
    "returns": RolledUp(("return_id", "line_no"), _returns),
    "disputes": RolledUp(("dispute_id",), _disputes),
    "support_tickets": RolledUp(("ticket_id",), _support_tickets),
}
