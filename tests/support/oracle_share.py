"""What can bear on one seller, so that the oracle's brute force can look at a marketplace.

Every rule of the snapshots looks at rows that name the seller, or that name an order that such a
row names; a shipment, a return, a dispute or a thread is about one order.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from conf.tables import bronze
from jobs.lake.io import Lake
from tests.support.oracle_asof import Row
from tests.support.oracle_chance import History

Placed = tuple[str, Row]
"""A row and its entity."""


def facts_in(lake: Lake) -> History:
    """All of bronze as the oracle reads it, with times in UTC."""
    return {
        table.name: [
            {name: _in_utc(value) for name, value in row.asDict().items()}
            for row in lake.read(table).collect()
        ]
        for table in bronze.TABLES
    }


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


class Shares:
    """The facts by seller and by order."""

    def __init__(self, facts: History) -> None:
        self._of_seller: dict[str, list[Placed]] = defaultdict(list)
        self._of_order: dict[str, list[Placed]] = defaultdict(list)
        for entity, rows in facts.items():
            owner = "actor_id" if entity == "logins" else "seller_id"
            for row in rows:
                if row.get(owner) is not None:
                    self._of_seller[row[owner]].append((entity, row))
                if row.get("order_id") is not None:
                    self._of_order[row["order_id"]].append((entity, row))

    def of(self, seller_id: str) -> History:
        """The rows that name the seller, and those of the orders that these name."""
        own = self._of_seller[seller_id]
        orders = {row["order_id"] for _, row in own if row.get("order_id") is not None}
        others = (placed for order_id in sorted(orders) for placed in self._of_order[order_id])
        share: History = defaultdict(list)
        for entity, row in own:
            share[entity].append(row)
        for entity, row in others:
            if row.get("seller_id") != seller_id:
                share[entity].append(row)
        return share
