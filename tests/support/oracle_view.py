"""What is known of one seller at the end of a business date, and which days are in a window."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from conf.currencies import exponent
from tests.support.oracle_asof import DAY, Facts, Known, Row
from tests.support.oracle_lines import Line, SellerOrder, lines_of, seller_orders_of

QUARTER, MONTH = 90, 30
"""Business dates in a window that ends with ds."""

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class SellerView:
    """A seller as of T: his version, and his lines and seller-orders in his own currency."""

    known: Known
    ds: date
    seller: Row
    lines: list[Line]
    orders: list[SellerOrder]

    @property
    def seller_id(self) -> str:
        return str(self.seller["seller_id"])

    @property
    def has_messaging(self) -> bool:
        """Null means true."""
        return self.seller["messaging_enabled"] is not False

    def dated(self, day: date, days: int) -> bool:
        """Whether a date is one of the last so many business dates, ds included."""
        return is_in_window(day, self.ds, days)

    def within(self, at: datetime | None, days: int) -> bool:
        """Whether it happened, and on one of the last so many business dates."""
        return at is not None and self.dated(self.known.date_of(at), days)

    def rows(self, entity: str, **equal: Any) -> list[Row]:
        """The seller's rows of an entity, of any time."""
        return self.known.rows(entity, seller_id=self.seller_id, **equal)

    def happened(self, entity: str, days: int, **equal: Any) -> list[Row]:
        """The seller's rows that happened in the window."""
        return [row for row in self.rows(entity, **equal) if self.within(row["occurred_at"], days)]

    def lines_placed(self, days: int) -> list[Line]:
        return [line for line in self.lines if self.within(line.placed_at, days)]

    def orders_placed(self, days: int) -> list[SellerOrder]:
        return [order for order in self.orders if self.within(order.placed_at, days)]

    def major(self, minor: int, per: int = 1) -> float:
        """Minor units of the seller's currency in major units, per so many of something."""
        return minor / (per * 10 ** exponent(self.seller["currency"]))

    @property
    def has_row(self) -> bool:
        """Not closed, and a line placed, a login or an active listing."""
        logins = self.known.rows("logins", actor="seller", actor_id=self.seller_id)
        return self.seller["status"] != "closed" and bool(
            self.lines_placed(QUARTER)
            or any(self.within(login["occurred_at"], QUARTER) for login in logins)
            or self.rows("listings", status="active")
        )


def is_in_window(day: date, ds: date, days: int) -> bool:
    return ds - DAY * (days - 1) <= day <= ds


def views_with_row(facts: Facts, zone: str, ds: date) -> list[SellerView]:
    """Every seller who has a row on ds."""
    known = Known(facts, zone, ds)
    lines = lines_of(known)
    views = []
    for seller in known.rows("sellers"):
        own = [
            line
            for line in lines
            if (line.seller_id, line.currency) == (seller["seller_id"], seller["currency"])
        ]
        views.append(SellerView(known, ds, seller, own, seller_orders_of(known, own)))
    return [view for view in views if view.has_row]


def ratio(part: int, whole: int) -> float | None:
    """Null where there is nothing to divide by."""
    return part / whole if whole else None


def mean_hours(times_us: Iterable[int]) -> float | None:
    """Mean of whole microseconds, in hours; null where there are none."""
    times = list(times_us)
    return ratio(sum(times), len(times) * HOUR_US)
