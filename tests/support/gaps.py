"""Columns that a row lacks: those that the landing contract does not ask for, and those that a
ready-made input such as Olist leaves out although it does.
"""

from hashlib import sha256

from conf.tables import bronze
from tests.support.oracle_chance import History

NOT_IN_READY_MADE = {
    "sellers": ("name", "business_type", "registered_at", "status"),
    "buyers": ("registered_at",),
    "listings": ("title", "category", "image_count", "status"),
    "orders": ("buyer_id", "total_minor", "shipping_minor", "tax_minor", "discount_minor",
               "payment_method"),
    "order_items": ("tax_minor", "fulfillment"),
    "order_events": ("actor",),
    "payments": ("method", "status"),
    "reviews": ("buyer_id", "seller_id"),
}  # fmt: skip
"""Required of landing rows, null where a ready-made input does not know."""

MAY_LACK = {
    table.name: tuple(
        column.name
        for column in bronze.payload(table)
        if column.name not in table.natural_key
        and (not column.required or column.name in NOT_IN_READY_MADE.get(table.name, ()))
    )
    for table in bronze.TABLES
}

ONE_IN = 12


def leave_out(facts: History, seed: int) -> None:
    """Takes from one row in twelve each column that it may lack: a keyed choice, so that nothing
    else of a history hangs on it."""
    for entity, rows in facts.items():
        for row in rows:
            for name in MAY_LACK[entity]:
                if row[name] is not None and _is_lost(seed, row["event_id"], name):
                    row[name] = None


def _is_lost(seed: int, event_id: str, name: str) -> bool:
    return sha256(f"{seed} {event_id} {name}".encode()).digest()[0] % ONE_IN == 0
