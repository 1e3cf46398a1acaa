"""A history written by hand and read as a seller's snapshot of 31 March 2024, unless said.

The 90 days begin on 2 January, the 30 days on 2 March. Seller S is registered; nothing else is.
"""

from datetime import date, datetime
from typing import Any

from tests.support.oracle_asof import Row, business_date
from tests.support.oracle_book import Book, at, on
from tests.support.oracle_features import snapshots

FIRST_OF_90 = datetime.fromisoformat("2024-01-02T00:00+00:00")
FIRST_OF_30 = at(2, "00:00")


class FeatureBook(Book):
    """Seller S of DE, in EUR, with a listing, so that he has a row from 2 March on."""

    def __init__(self) -> None:
        super().__init__()
        self.version("S")
        self.listing("L")

    def version(self, seller_id: str, occurred_at: datetime = FIRST_OF_90, **said: Any) -> Row:
        plain = {
            "marketplace": "DE", "business_type": "individual", "currency": "EUR",
            "status": "active", "registered_at": FIRST_OF_90,
        }  # fmt: skip
        return self.put("sellers", occurred_at, seller_id=seller_id, **(plain | said))

    def listing(self, listing_id: str, occurred_at: datetime = FIRST_OF_30, **said: Any) -> Row:
        plain = {"seller_id": "S", "status": "active"}
        return self.put("listings", occurred_at, listing_id=listing_id, **(plain | said))

    def about(self, entity: str, occurred_at: datetime, **said: Any) -> Row:
        """A row of S whose natural key nobody shares."""
        key = {
            "reviews": "review_id", "policy_events": "policy_event_id", "logins": "login_id",
            "enforcement_actions": "action_id", "support_tickets": "ticket_event_id",
            "document_verifications": "verification_id", "listing_snapshots": "listing_id",
        }.get(entity)  # fmt: skip
        own = {key: f"k{self.rows}"} if key else {}
        return self.put(entity, occurred_at, **({"seller_id": "S"} | own | said))

    def snapshot(self, day: int = 31, seller_id: str = "S", zone: str = "UTC") -> Row:
        """The seller's row on a day of March."""
        return self.snapshots_on(on(day), zone)[seller_id]

    def snapshots_on(self, ds: date, zone: str = "UTC") -> dict[str, Row]:
        for rows in self.facts.values():
            for row in rows:
                row["ds"] = business_date(row["known_at"], zone)
        return snapshots(self.facts, zone, ds)
