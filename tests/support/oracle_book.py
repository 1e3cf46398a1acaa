"""Histories written by hand, for cases whose answer is obvious. Days are of March 2024, in UTC."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from conf.tables import bronze
from tests.support import oracle
from tests.support.oracle_asof import Row, business_date

BRONZE = {table.name: table for table in bronze.TABLES}


def at(day: int, clock: str = "12:00") -> datetime:
    return datetime.fromisoformat(f"2024-03-{day:02d}T{clock}+00:00")


def on(day: int) -> date:
    return date(2024, 3, day)


class Book:
    """A history written by hand: what happened, and when it was known if that was later."""

    def __init__(self) -> None:
        self.facts: dict[str, list[Row]] = {table.name: [] for table in bronze.TABLES}
        self.rows = 0

    def put(self, entity: str, occurred_at: datetime, **said: Any) -> Row:
        self.rows += 1
        names = [column.name for column in bronze.payload(BRONZE[entity])]
        row = {
            **dict.fromkeys(names), "event_id": f"e{self.rows:03d}", "occurred_at": occurred_at,
            "known_at": occurred_at, "retracted": False, "source_file": "f",
            "source_line": self.rows, **said,
        }  # fmt: skip
        row["ds"] = business_date(row["known_at"], "UTC")
        self.facts[entity].append(row)
        return row

    def line(self, occurred_at: datetime, line_no: int = 1, **said: Any) -> Row:
        """Line of order O, of seller S in EUR with 1 unit of 100, unless said."""
        plain = {
            "order_id": "O", "line_no": line_no, "seller_id": "S", "currency": "EUR",
            "quantity": 1, "line_total_minor": 100, "fulfillment": "merchant",
        }  # fmt: skip
        return self.put("order_items", occurred_at, **(plain | said))

    def order(self, occurred_at: datetime, order_id: str = "O", **said: Any) -> Row:
        """Order of buyer B in EUR, unless said."""
        plain = {"order_id": order_id, "buyer_id": "B", "currency": "EUR", "total_minor": 100}
        return self.put("orders", occurred_at, **(plain | said))

    def order_event(self, occurred_at: datetime, event: str, **said: Any) -> Row:
        plain = {"order_id": "O", "event": event, "actor": "buyer"}
        return self.put(
            "order_events", occurred_at, order_event_id=f"oe{self.rows}", **(plain | said)
        )

    def shipment(self, occurred_at: datetime, event: str, *line_nos: int, **said: Any) -> Row:
        plain = {"shipment_id": "P", "order_id": "O", "seller_id": "S", "line_nos": [*line_nos]}
        return self.put(
            "shipments", occurred_at, shipment_event_id=f"se{self.rows}", event=event,
            **(plain | said),
        )  # fmt: skip

    def returned(self, occurred_at: datetime, event: str, line_no: int = 1, **said: Any) -> Row:
        plain = {"return_id": "R", "order_id": "O", "seller_id": "S", "units": 1}
        return self.put(
            "returns", occurred_at, return_event_id=f"re{self.rows}", event=event,
            line_no=line_no, **(plain | said),
        )  # fmt: skip

    def refund(self, occurred_at: datetime, **said: Any) -> Row:
        return self.put(
            "refunds", occurred_at, refund_id=f"f{self.rows}", **({"order_id": "O"} | said)
        )

    def dispute(self, occurred_at: datetime, event: str, **said: Any) -> Row:
        plain = {"dispute_id": "D", "order_id": "O", "seller_id": "S", "kind": "claim"}
        return self.put(
            "disputes", occurred_at, dispute_event_id=f"de{self.rows}", event=event,
            **(plain | said),
        )  # fmt: skip

    def message(self, occurred_at: datetime, message_id: str, sender: str, **said: Any) -> Row:
        plain = {"message_id": message_id, "order_id": "O", "seller_id": "S", "sender": sender}
        return self.put("messages", occurred_at, **(plain | said))

    def seller(
        self, day: int, seller_id: str = "S", currency: str = "EUR", known: int = 31
    ) -> dict[str, int]:
        """The measures of a seller's day that are not 0, as known at the end of a day."""
        counts = oracle.seller_counts(self.facts, "UTC", on(known))
        return not_zero(counts.get((seller_id, currency, on(day)), {}))

    def ledger(self, measure: str) -> dict[tuple[int, int], int]:
        """(day it happened, day it was known) -> change of one measure, over all sellers."""
        changes: Counter[tuple[int, int]] = Counter()
        days = [on(day) for day in range(1, 32)]
        for key, measures in oracle.seller_ledger(self.facts, "UTC", days).items():
            changes[key[2].day, key[3].day] += measures[measure]
        return not_zero(changes)


def not_zero(counts: Any) -> Any:
    return {key: count for key, count in counts.items() if count}
