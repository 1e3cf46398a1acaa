"""One row about an old order that comes late and is taken back: the seller cancelled a line."""

from dataclasses import dataclass
from datetime import date

from tests.support.oracle_asof import Facts, Row, end_of
from tests.support.oracle_chance import HOUR, MINUTE, PAYLOAD, History
from tests.support.oracle_lines import Line
from tests.support.oracle_view import QUARTER, SellerView, views_with_row

FILE = "late/part-0.jsonl"


@dataclass(frozen=True)
class LateRow:
    """Whose line it cancels, the first business date on which it is known and on which no more."""

    seller_id: str
    known: date
    until: date


def cancel_late(facts: History, zone: str, known: date, until: date) -> LateRow:
    """Adds to the facts a cancellation of the oldest line whose seller's rate it raises."""
    found = [
        (line.placed_at, line.order_id, line.line_no, line)
        for view in views_with_row(facts, zone, known)
        for line in lines_that_count(view)
    ]
    line = min(found)[3]
    cancelled: Row = {
        **dict.fromkeys(PAYLOAD["order_events"]),
        "order_event_id": "late", "order_id": line.order_id, "line_no": line.line_no,
        "seller_id": line.seller_id, "event": "cancelled", "actor": "seller",
        "occurred_at": line.placed_at + MINUTE, "source_file": FILE,
    }  # fmt: skip
    for number, (ds, retracted) in enumerate(((known, False), (until, True)), start=1):
        own = {
            "event_id": f"late-{number}", "known_at": end_of(ds, zone) - 12 * HOUR, "ds": ds,
            "retracted": retracted, "source_line": number,
        }  # fmt: skip
        facts["order_events"].append(cancelled | own)
    return LateRow(line.seller_id, known, until)


def lines_that_count(view: SellerView) -> list[Line]:
    """Lines of the window that he did not cancel, where the rate has not reached its cap of 1."""
    placed = view.lines_placed(QUARTER)
    cancelled = [line for line in view.lines if line.cancelled_by_seller_at is not None]
    if len(cancelled) + 1 > len(placed):
        return []
    return [line for line in placed if line.cancelled_by_seller_at is None]


def without(facts: Facts) -> Facts:
    """The facts as if the late row had never come."""
    return {
        entity: [row for row in rows if row["source_file"] != FILE]
        for entity, rows in facts.items()
    }
