"""What a random history is made with: chance, times, rows and second thoughts about them."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from conf.tables import bronze
from tests.support.oracle_asof import DAY, Row, business_date, end_of, natural_key

Value = TypeVar("Value")
History = dict[str, list[Row]]

COLUMNS = {table.name: table.column_names for table in bronze.TABLES}
PAYLOAD = {
    table.name: tuple(column.name for column in bronze.payload(table)) for table in bronze.TABLES
}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TICK = timedelta(microseconds=1)

MUTABLE = {
    "sellers": ("status", "messaging_enabled", "region", "marketplace"),
    "listings": ("status", "seller_id", "category"),
    "listing_snapshots": ("active", "in_stock", "seller_id"),
    "orders": ("buyer_id", "buyer_id", "total_minor", "currency", "shipping_country",
               "shipping_region", "occurred_at"),
    "order_items": ("seller_id", "category", "currency", "quantity", "line_total_minor", "ship_by",
                    "deliver_by", "fulfillment", "occurred_at"),
    "order_events": ("event", "actor", "line_no", "seller_id", "order_id", "occurred_at"),
    "payments": ("amount_minor", "status"),
    "shipments": ("event", "line_nos", "seller_id", "order_id", "shipment_id", "occurred_at"),
    "refunds": ("seller_id", "line_no", "return_id", "order_id", "amount_minor", "occurred_at"),
    "returns": ("event", "units", "seller_id", "occurred_at"),
    "disputes": ("event", "kind", "outcome", "line_no", "seller_id", "order_id", "occurred_at"),
    "messages": ("sender", "seller_id", "order_id", "in_reply_to", "occurred_at"),
    "reviews": ("stars", "stars", "seller_id", "order_id", "occurred_at"),
    "ad_spend": ("spend_minor", "attributed_gmv_minor", "currency"),
    "buy_box": ("featured_views",),
    "policy_events": ("event", "seller_id", "occurred_at"),
    "enforcement_actions": ("action", "until", "occurred_at"),
    "document_verifications": ("event", "seller_id", "occurred_at"),
    "support_tickets": ("event", "seller_id", "occurred_at"),
    "logins": ("actor", "actor_id", "occurred_at"),
}  # fmt: skip
"""Columns that a correction may change, per entity."""


LINE_SETS: list[Any] = [[1], [2], [1, 2], [2, 3], [1, 2, 3, 4], [1, 1], [99]]


def bronze_codes(entity: str, column: str) -> tuple[str, ...]:
    """The codes of a bronze column; none where it is not coded."""
    return _CODES.get((entity, column), ())


_CODES: dict[tuple[str, str], tuple[str, ...]] = {
    (table.name, column.name): column.codes
    for table in bronze.TABLES
    for column in bronze.payload(table)
}


class Chance:
    """Draws values and times, writes rows, and corrects, retracts and repeats what is written."""

    def __init__(
        self, seed: int, zone: str, start: date, days: int, sellers: int, buyers: int
    ) -> None:
        self.random = random.Random(seed)
        self.zone = zone
        self.dates = [start + DAY * n for n in range(days)]
        self.silent = set(self.some(self.dates[1:-1], 2))
        self.first_instant = end_of(start - DAY, zone)
        self.last_instant = end_of(self.dates[-1], zone) - TICK
        self.sellers = [f"S{n}" for n in range(sellers)]
        self.buyers = [f"B{n}" for n in range(buyers)]
        self.order_ids: list[str] = []
        self.message_ids: list[str] = []
        self.return_ids: list[str] = []
        self.shipment_ids: list[str] = []
        self.facts: History = {entity: [] for entity in COLUMNS}
        self.ids = 0

    # Chance ---------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, values: Sequence[Value], count: int) -> list[Value]:
        """That many different values, or all where there are fewer."""
        return self.random.sample(values, k=min(count, len(values)))

    def number(self, prefix: str) -> str:
        self.ids += 1
        return f"{prefix}{self.ids:04d}"

    def event_id(self) -> str:
        """Unique, and in no order."""
        return f"{self.random.randrange(16**4):04x}-{self.number('')}"

    def instant(self) -> datetime:
        """A time of the window, most often minutes, or less, from a local midnight."""
        start_of_day = end_of(self.random.choice(self.dates) - DAY, self.zone)
        offset = self.random.choice(
            [timedelta(), timedelta(), -TICK, MINUTE, -MINUTE, 12 * HOUR,
             self.random.randrange(24 * 60) * MINUTE]
        )  # fmt: skip
        return self.within(start_of_day + offset)

    def within(self, at: datetime) -> datetime:
        return min(max(at, self.first_instant), self.last_instant)

    def after(self, at: datetime) -> datetime:
        delay = self.random.choice(
            [timedelta(), MINUTE, 7 * MINUTE, HOUR, 11 * HOUR, DAY, 30 * HOUR, 3 * DAY]
        )
        return self.within(at + delay)

    def near(self, at: datetime) -> datetime:
        """Before, at or after a time."""
        delay = self.random.choice([-2 * DAY, -6 * HOUR, -TICK, timedelta(), TICK, HOUR, 2 * DAY])
        return self.within(at + delay)

    def draw(self, entity: str, column: str) -> Any:
        """A value that the column could have."""
        codes = bronze_codes(entity, column)
        if codes:
            return self.random.choice(codes)
        return self.random.choice(self.values(column))

    def values(self, column: str) -> list[Any]:
        simple: dict[str, list[Any]] = {
            "seller_id": self.sellers, "buyer_id": self.buyers, "actor_id": self.sellers,
            "order_id": self.order_ids, "in_reply_to": self.message_ids,
            "return_id": [None, *self.return_ids], "shipment_id": self.shipment_ids,
            "category": ["toys", "books", None],
            "currency": ["EUR", "EUR", "USD"], "line_no": [None, 1, 2], "line_nos": LINE_SETS,
            "quantity": [1, 2, 3], "units": [1, 2], "stars": [1, 2, 3, 4, 5],
            "active": [True, False], "in_stock": [True, False],
            "messaging_enabled": [True, False, None], "region": ["north", None],
            "marketplace": ["BR", "DE"], "shipping_country": ["BR", "DE", None],
            "shipping_region": ["north", "", None], "featured_views": [0, 1, 5],
        }  # fmt: skip
        if column.endswith("_minor"):
            drawn = self.random.randrange(0, 10_000)
            return [drawn if drawn % 3 else 5000]
        if column in ("occurred_at", "ship_by", "deliver_by", "until"):
            return [self.instant()] if column == "occurred_at" else [None, *self.promises()]
        return simple[column]

    def own_currency(self, seller_id: str) -> str:
        """EUR; the last seller trades in a currency without a smaller unit."""
        return "JPY" if seller_id == self.sellers[-1] else "EUR"

    def currency_of(self, entity: str, seller_id: str) -> str:
        """Most often the seller's own."""
        drawn = self.draw(entity, "currency")
        return self.own_currency(seller_id) if drawn == "EUR" else str(drawn)

    def promises(self) -> list[datetime]:
        """Promised times: some on a silent day or after the last landing, some at midnight."""
        silent = [end_of(day, self.zone) - HOUR for day in sorted(self.silent)]
        return [self.instant(), self.instant(), *silent, self.last_instant + 2 * DAY]

    # Writing --------------------------------------------------------------------------------

    def put(self, entity: str, occurred_at: datetime, **payload: Any) -> Row:
        """A row that is learned at once, or days later, but never on a silent day."""
        late = [timedelta(), timedelta(), timedelta(), MINUTE, 5 * HOUR, DAY, 2 * DAY, 4 * DAY]
        row = {
            **dict.fromkeys(PAYLOAD[entity]),
            **payload,
            "event_id": self.event_id(),
            "occurred_at": occurred_at,
            "retracted": False,
        }
        return self.add(entity, row, occurred_at + self.random.choice(late))

    def add(self, entity: str, row: Row, known_at: datetime) -> Row:
        known_at = min(max(known_at, row["occurred_at"]), self.last_instant)
        while business_date(known_at, self.zone) in self.silent:
            known_at = end_of(business_date(known_at, self.zone), self.zone)
        written = {**row, "known_at": known_at}
        self.facts[entity].append(written)
        return written

    def landed(self) -> History:
        """The rows with their landing day and their place in its files, which is no order."""
        for entity, rows in self.facts.items():
            self.random.shuffle(rows)
            for line, row in enumerate(rows, start=1):
                row["ds"] = business_date(row["known_at"], self.zone)
                part = self.random.randrange(2)
                row["source_file"] = f"{entity}/ds={row['ds']}/part-{part}.jsonl"
                row["source_line"] = line
        return self.facts

    # Second thoughts ------------------------------------------------------------------------

    def revise(self) -> None:
        """Corrections, retractions and what comes back after a retraction; some tie in time."""
        for entity in MUTABLE:
            rows = list(self.facts[entity])
            for row in self.some(rows, (len(rows) + 2) // 3):
                at = self.learn(row["known_at"])
                latest = self.version(entity, row, at, retracted=self.chance(0.3))
                if latest["retracted"] and self.chance(0.5):
                    again = self.learn(latest["known_at"])
                    latest = self.version(entity, latest, again, retracted=False)
                if self.chance(0.3):
                    self.version(entity, latest, self.learn(latest["known_at"]), retracted=False)

    def learn(self, known_at: datetime) -> datetime:
        return known_at if self.chance(0.15) else self.after(known_at)

    def version(self, entity: str, row: Row, known_at: datetime, *, retracted: bool) -> Row:
        changed = {**row, "event_id": self.event_id(), "retracted": retracted}
        if not retracted or self.chance(0.2):
            changed |= self.change(entity, known_at)
        return self.add(entity, changed, known_at)

    def change(self, entity: str, known_at: datetime) -> Row:
        names = self.some(MUTABLE[entity], self.random.choice([1, 1, 2]))
        drawn = {name: self.draw(entity, name) for name in names}
        if drawn.get("occurred_at", known_at) > known_at:
            del drawn["occurred_at"]
        return drawn

    def repeat(self) -> None:
        """An event_id comes again: the same day or later, with the same or with other content."""
        for entity in MUTABLE:
            for row in self.some(self.facts[entity], len(self.facts[entity]) // 8):
                at = self.after(row["known_at"])
                again = {**row, **(self.change(entity, at) if self.chance(0.5) else {})}
                self.add(entity, again, at)
                assert natural_key(entity, again) == natural_key(entity, row)
