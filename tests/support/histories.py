"""Small, dense and nasty random histories: what a marketplace's landing could bring at its worst.

Everything follows from `random.Random(seed)`. Times cluster around local midnight and a clock
change, so that ties and days of 23 or 25 hours are common. See `oracle_kinds` for what is in.
"""

from collections import Counter
from datetime import date, datetime
from hashlib import sha256

from tests.support.gaps import leave_out
from tests.support.oracle_asof import DAY, Row, end_of
from tests.support.oracle_chance import COLUMNS, HOUR, LINE_SETS, TICK, Chance, History

SETTINGS = (
    ("America/Sao_Paulo", date(2017, 10, 10)),  # midnight of 15 October does not exist
    ("Europe/Berlin", date(2024, 3, 26)),  # 31 March has 23 hours
    ("Pacific/Auckland", date(2024, 4, 2)),  # 7 April has 25 hours
    ("America/Sao_Paulo", date(2018, 2, 13)),  # 17 February has its last hour twice
    ("UTC", date(2024, 3, 5)),
)
RETURN_EVENTS = (
    ("requested",), ("requested", "arrived"), ("arrived", "arrived"), ("requested", "rejected"),
    ("arrived", "requested", "arrived"),
)  # fmt: skip
DISPUTE_EVENTS = (
    ("opened",), ("opened", "closed"), ("opened", "evidence", "closed", "closed"),
    ("closed", "seller_response"),
)  # fmt: skip
EVENTS_OF_A_SELLER: tuple[tuple[str, str, Row], ...] = (
    ("policy_events", "policy_event_id", {"policy_code": "P1", "severity": "low"}),
    ("enforcement_actions", "action_id", {"reason_code": "late"}),
    ("document_verifications", "verification_id", {"document": "tax"}),
    ("support_tickets", "ticket_event_id", {"topic": "payout"}),
)


def setting_of(seed: int) -> tuple[str, date]:
    """The zone and the first day that a seed chooses."""
    return SETTINGS[seed % len(SETTINGS)]


def days_of(seed: int, days: int = 12, start: date | None = None, after: int = 4) -> list[date]:
    """The business dates of a history and some after it, on which promises still fall due."""
    first_day = start or setting_of(seed)[1]
    return [first_day + DAY * n for n in range(days + after)]


def random_history(
    seed: int,
    days: int = 12,
    start: date | None = None,
    sellers: int = 4,
    buyers: int = 5,
    zone: str | None = None,
) -> History:
    """Entity -> bronze rows (see `to_bronze_rows`); `setting_of(seed)` where nothing is said."""
    own_zone, own_start = setting_of(seed)
    story = _Story(seed, zone or own_zone, start or own_start, days, sellers, buyers)
    for tell in (
        story.tell_sellers, story.tell_orders, story.tell_returns, story.tell_disputes,
        story.tell_messages, story.tell_days, story.revise,
    ):  # fmt: skip
        tell()
    leave_out(story.facts, seed)
    story.repeat()
    return story.landed()


def to_bronze_rows(facts: History, entity: str) -> list[Row]:
    """The entity's rows with every column of its bronze contract, in the contract's order."""
    return [
        {name: {**_INGESTED, "content_hash": _content(row), **row}.get(name)
         for name in COLUMNS[entity]}
        for row in facts.get(entity, [])
    ]  # fmt: skip


def conflicting_repeats(facts: History) -> Counter[tuple[str, date]]:
    """How many rows of an (entity, landing day) repeat an event_id with other content."""
    found: Counter[tuple[str, date]] = Counter()
    for entity, rows in facts.items():
        first: dict[str, int] = {}
        for row in sorted(rows, key=lambda r: (r["ds"], r["source_file"], r["source_line"])):
            if first.setdefault(row["event_id"], _content(row)) != _content(row):
                found[entity, row["ds"]] += 1
    return found


def _content(row: Row) -> int:
    """A hash of what ingest compares: all but the time and the place of landing."""
    landing = ("known_at", "ds", "source_file", "source_line")
    content = sorted((name, str(value)) for name, value in row.items() if name not in landing)
    return int.from_bytes(sha256(repr(content).encode()).digest()[:8], signed=True)


_INGESTED: Row = {"extra": {}, "source_sha256": "0" * 64}


class _Story(Chance):
    """Tells the plain events; `revise`, gaps and `repeat` then spoil them."""

    def tell_sellers(self) -> None:
        for buyer_id in self.buyers:
            at = self.first_instant
            self.put("buyers", at, buyer_id=buyer_id, registered_at=at, country="DE")
        for seller_id in self.sellers:
            at = self.instant()
            self.put(
                "sellers", at, seller_id=seller_id, name=f"Shop {seller_id}", marketplace="DE",
                business_type=self.draw("sellers", "business_type"), registered_at=at - 90 * DAY,
                status="active", currency=self.own_currency(seller_id),
                region=self.draw("sellers", "region"),
                messaging_enabled=self.draw("sellers", "messaging_enabled"),
            )  # fmt: skip
            for n in range(2):
                self.put(
                    "listings", self.instant(), listing_id=f"L-{seller_id}-{n}", title="A thing",
                    seller_id=seller_id, category="toys", price_minor=1000, currency="EUR",
                    image_count=1, image_urls=[], status=self.draw("listings", "status"),
                )  # fmt: skip

    def tell_orders(self) -> None:
        for n in range(self.random.randrange(7, 11)):
            order_id, placed_at = f"O{n}", min(self.instant(), self.instant())
            self.order_ids.append(order_id)
            if not self.chance(0.1):
                self.tell_order(order_id, placed_at)
            sellers = self.some(self.sellers, self.random.choice([1, 1, 2]))
            for line_no in range(1, self.random.choice([1, 2, 2, 3, 4, 5])):
                self.tell_line(order_id, line_no, placed_at, self.random.choice(sellers))
            for _ in range(self.random.randrange(1, 5)):
                self.tell_order_event(order_id, sellers, placed_at)
            for _ in range(self.random.randrange(0, 4)):
                self.tell_shipment(order_id, sellers, placed_at)

    def tell_order(self, order_id: str, placed_at: datetime) -> None:
        total = self.draw("orders", "total_minor")
        self.put(
            "orders", placed_at, order_id=order_id, buyer_id=self.random.choice(self.buyers[:3]),
            currency="EUR", total_minor=total, shipping_minor=0, tax_minor=0, discount_minor=0,
            payment_method="card", shipping_country=self.draw("orders", "shipping_country"),
            shipping_region=self.draw("orders", "shipping_region"),
        )  # fmt: skip
        self.put(
            "payments", self.after(placed_at), order_id=order_id, payment_no=1, method="card",
            amount_minor=total, currency="EUR", status=self.draw("payments", "status"),
        )  # fmt: skip

    def tell_line(self, order_id: str, line_no: int, placed_at: datetime, seller_id: str) -> None:
        """A line is placed with its order, or, of its own, at another time."""
        own_time = self.near(placed_at) if self.chance(0.2) else placed_at
        promise = self.random.choice(
            [None, placed_at - 6 * HOUR, placed_at, placed_at + DAY, *self.promises()]
        )
        self.put(
            "order_items", own_time, order_id=order_id, line_no=line_no, seller_id=seller_id,
            listing_id=f"L-{seller_id}-0", category=self.draw("order_items", "category"),
            quantity=self.draw("order_items", "quantity"), unit_price_minor=100,
            line_total_minor=self.draw("order_items", "line_total_minor"), shipping_minor=0,
            tax_minor=0, currency=self.currency_of("order_items", seller_id),
            fulfillment=self.draw("order_items", "fulfillment"), ship_by=promise,
            deliver_by=self.random.choice([None, self.instant(), self.after(placed_at)]),
        )  # fmt: skip

    def around(self, order_id: str, placed_at: datetime) -> datetime:
        """A time near placing or, as often, near or exactly at a promise of a line."""
        promises = [
            row[name]
            for row in self.facts["order_items"]
            for name in ("ship_by", "deliver_by")
            if row["order_id"] == order_id and row[name] is not None
        ]
        at = self.random.choice([placed_at, self.after(placed_at), *promises])
        return self.near(at) if self.chance(0.6) else self.within(at)

    def tell_order_event(self, order_id: str, sellers: list[str], placed_at: datetime) -> None:
        self.put(
            "order_events", self.around(order_id, placed_at), order_event_id=self.number("OE"),
            order_id=order_id, line_no=self.random.choice([None, None, 1, 2]),
            seller_id=self.random.choice([None, *sellers]),
            event=self.random.choice(["paid", "paid", "confirmed", "rejected", "cancelled"]),
            actor=self.draw("order_events", "actor"),
        )  # fmt: skip

    def tell_shipment(self, order_id: str, sellers: list[str], placed_at: datetime) -> None:
        """A parcel with some lines of the order; what happens to it may happen twice."""
        shipment_id, at = self.number("P"), self.around(order_id, placed_at)
        self.shipment_ids.append(shipment_id)
        events = ["shipped", "tracking_confirmed", "delivered", "delivered", "lost"]
        lines = self.random.choice(LINE_SETS)
        for event in [*self.random.sample(events, k=self.random.randrange(1, 5)), "shipped"]:
            self.put(
                "shipments", at, shipment_event_id=self.number("PE"), shipment_id=shipment_id,
                order_id=order_id, seller_id=self.random.choice(sellers), event=event,
                line_nos=lines if self.chance(0.8) else self.random.choice(LINE_SETS),
            )  # fmt: skip
            at = self.near(at)

    def tell_returns(self) -> None:
        """Returns of one or two lines, most with a refund, some before the return has arrived."""
        for line in self.some(self.facts["order_items"], 5):
            return_id, at = self.number("R"), self.after(line["occurred_at"])
            self.return_ids.append(return_id)
            for line_no in self.random.choice([(line["line_no"],), (1, 2)]):
                for event in self.random.choice(RETURN_EVENTS):
                    at = self.near(at)
                    self.put(
                        "returns", at, return_event_id=self.number("RE"), return_id=return_id,
                        order_id=line["order_id"], line_no=line_no, seller_id=line["seller_id"],
                        units=self.draw("returns", "units"), event=event,
                    )  # fmt: skip
            if self.chance(0.8):
                self.tell_refund(line, self.near(at), return_id)
        for line in self.some(self.facts["order_items"], 3):
            self.tell_refund(line, self.after(line["occurred_at"]), None)

    def tell_refund(self, line: Row, at: datetime, return_id: str | None) -> None:
        self.put(
            "refunds", at, refund_id=self.number("F"), order_id=line["order_id"],
            line_no=self.random.choice([None, line["line_no"], 1]), return_id=return_id,
            seller_id=self.random.choice([None, line["seller_id"]]), reason="damaged",
            amount_minor=self.draw("refunds", "amount_minor"), currency=line["currency"],
            initiated_by=self.draw("refunds", "initiated_by"),
        )  # fmt: skip

    def tell_disputes(self) -> None:
        for line in self.some(self.facts["order_items"], 4):
            dispute_id, at = self.number("D"), self.after(line["occurred_at"])
            kind = self.draw("disputes", "kind")
            line_no = self.random.choice([None, line["line_no"], 1])
            for event in self.random.choice(DISPUTE_EVENTS):
                self.put(
                    "disputes", at, dispute_event_id=self.number("DE"), dispute_id=dispute_id,
                    order_id=line["order_id"], line_no=line_no, seller_id=line["seller_id"],
                    buyer_id=self.random.choice(self.buyers), kind=kind, type="damaged",
                    event=event, amount_minor=500, currency=line["currency"],
                    outcome=self.draw("disputes", "outcome") if event == "closed" else None,
                )  # fmt: skip
                at = self.near(at)

    def tell_messages(self) -> None:
        """Messages with none to three replies, some before the message, and reviews."""
        for line in self.some(self.facts["order_items"], 5):
            message_id, at = self.number("M"), self.instant()
            self.message_ids.append(message_id)
            who: Row = {"buyer_id": "B0", "seller_id": line["seller_id"]}
            order_id = self.random.choice([line["order_id"], line["order_id"], None])
            sender = self.random.choice(["buyer", "buyer", "buyer", "platform"])
            self.put("messages", at, message_id=message_id, order_id=order_id, sender=sender, **who)
            for _ in range(self.random.randrange(0, 4)):
                seller_id = self.draw("messages", "seller_id") if self.chance(0.2) else None
                self.put(
                    "messages", self.near(at), message_id=self.number("M"), sender="seller",
                    in_reply_to=message_id, order_id=order_id,
                    **{**who, "seller_id": seller_id or line["seller_id"]},
                )  # fmt: skip
            self.put(
                "reviews", self.instant(), review_id=self.number("V"), order_id=line["order_id"],
                buyer_id="B0", seller_id=line["seller_id"], stars=self.draw("reviews", "stars"),
            )  # fmt: skip

    def tell_days(self) -> None:
        """What sellers do on any day, and rows that are about a day."""
        for seller_id in self.sellers:
            for day in self.some(self.dates, 3):
                at = min(end_of(day, self.zone) - self.random.choice([TICK, HOUR]), self.instant())
                self.tell_day(seller_id, day, at)

    def tell_day(self, seller_id: str, day: date, at: datetime) -> None:
        dated: Row = {"seller_id": seller_id, "date": day}
        self.put("buy_box", at, **dated, views=10, featured_views=self.random.randrange(6))
        self.put(
            "ad_spend", at, **dated, spend_minor=self.random.choice([0, 250]),
            attributed_gmv_minor=900, currency=self.currency_of("ad_spend", seller_id),
        )  # fmt: skip
        self.put(
            "listing_snapshots", at, listing_id=f"L-{seller_id}-0", seller_id=seller_id,
            snapshot_date=day, active=self.chance(0.7), in_stock=self.chance(0.5),
        )  # fmt: skip
        login: Row = {"actor": self.draw("logins", "actor"), "actor_id": seller_id}
        self.put("logins", at, login_id=self.number("G"), **login)
        for entity, key, more in EVENTS_OF_A_SELLER:
            if self.chance(0.5):
                kind = "action" if entity == "enforcement_actions" else "event"
                drawn = {kind: self.draw(entity, kind), key: self.number("E")}
                if entity == "enforcement_actions":
                    drawn["until"] = self.draw(entity, "until")
                if entity == "support_tickets":
                    drawn["ticket_id"] = f"T-{seller_id}-{self.random.randrange(3)}"
                self.put(entity, self.instant(), seller_id=seller_id, **drawn, **more)
