"""What the page of order operations is made of: sums of orders and requests, and words for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from conf.currencies import CODES, exponent
from jobs.report import wording

NOTICE_DAYS = 7
HOUR_SECONDS, DAY_HOURS = 3600, 24
BUCKETS = (
    (None, 0, "overdue"), (0, 12, "under 12 hours"), (12, 24, "12 to 24 hours"),
    (24, 48, "1 to 2 days"), (48, 96, "2 to 4 days"), (96, None, "4 days and more"),
)  # fmt: skip
"""Whole hours left, from and before. -1: the hold has ended."""
KINDS = ("person", "doubt", "unsent")
"""Of stuck requests, those for a person first."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the page is made of; amounts are minor units, instants text.

    `groups`: orders by state, outcome, reason, order_outcome, currency, hours_left (see `BUCKETS`)
    with orders, amount_minor, held_twice (orders with several live intents), refunds (orders with
    one due), refund_due_minor. `request_groups`: requests by state, needs_person, error_code.
    `due`: step, due; `notices`: step, state, notices. The others are the first rows of long lists,
    in order.
    """

    ds: date
    groups: Sequence[Row] = ()
    urgent: Sequence[Row] = ()
    request_groups: Sequence[Row] = ()
    requests: Sequence[Row] = ()
    refunds: Sequence[Row] = ()
    due: Sequence[Row] = ()
    notices: Sequence[Row] = ()


def amount(minor: int, currency: str | None) -> str:
    """USD 1,234.50, JPY 900; exact. A dash for nothing; minor units where no currency is known."""
    if minor == 0:
        return "–"
    sign = "−" if minor < 0 else ""
    if currency not in CODES:
        return f"{sign}{abs(minor):,} minor units"
    digits = exponent(currency)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{currency}{wording.NO_BREAK}{sign}{whole:,}" + (f".{part:0{digits}}" if digits else "")


def left(seconds: int) -> str:
    """What is left of a hold: 'under 1 h', '7 h', '2 d 4 h', 'ended 3 h ago'."""
    hours = abs(seconds) // HOUR_SECONDS
    days, rest = divmod(hours, DAY_HOURS)
    text = f"{days} d {rest} h" if days > 1 else f"{hours} h" if hours else "under 1 h"
    return (text if seconds > 0 else f"ended {text} ago").replace(" h", f"{wording.NO_BREAK}h")


def amounts(rows: Iterable[Row], name: str = "amount_minor") -> str:
    """Sums by currency, in the order of the codes."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"] or ""] = sums.get(row["currency"] or "", 0) + row[name]
    return ", ".join(amount(n, code) for code, n in sorted(sums.items()) if n) or "–"


def count(rows: Iterable[Row], name: str = "orders") -> int:
    return sum(row[name] for row in rows)


def ending(groups: Sequence[Row], first: int | None, before: int | None) -> list[Row]:
    return [
        row for row in groups
        if row["state"] == "held" and row["hours_left"] is not None
        and (first is None or row["hours_left"] >= first)
        and (before is None or row["hours_left"] < before)
    ]  # fmt: skip


def kind(row: Row) -> str:
    """What a stuck request is: for a person, in doubt, or not sent."""
    if row["needs_person"] or row["state"] == "REJECTED":
        return "person"
    return "unsent" if row["state"] == "PLANNED" else "doubt"


def words(name: str | None) -> str:
    return name.replace("_", " ").capitalize() if name else "Not known"
