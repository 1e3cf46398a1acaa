"""The registry of metrics: every figure of the daily report, defined once.

A metric reads one ledger, which rows of it count for a business date `ds` (its window), what is
added up and divided, from which age on it no longer moves much, which direction is good, and what
it is compared with. Rows of `reports/daily_marketplace`, the page and the tests derive from here.
Raise `definition_version` with every change of a meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

DAY_US = 86_400_000_000

WEEK_DAYS = 7
MONTH_DAYS = 30
YOUNG_SUFFIX = ", so far"
"""Ends the label of the young twin of a slow rate."""


class Unit(Enum):
    """What `value` counts; the value is the word that readers see."""

    COUNT = "count"
    MONEY = "money"
    SHARE = "share"
    DAYS = "days"
    STARS = "stars"


class Source(Enum):
    """The ledger that a metric adds up; the value names the table in silver."""

    ORDERS = "buyer_days"
    SALES = "seller_days"
    CONVERTED = "seller_days in the reporting currency"
    CATEGORIES = "seller_category_days"
    REGIONS = "region_days"


class Against(Enum):
    """What a figure is compared with; the value ends the sentence `compared with ...`."""

    WEEKDAYS = "the same weekdays before, each as it stood on its own day"
    LAST_MONTH = "the same days of last month"
    WEEK_BEFORE = "the seven days before"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Trailing:
    """The business dates from `oldest` to `newest` days before ds, both included."""

    newest: int
    oldest: int


class Month(Enum):
    """Dates of a calendar month up to the day number of ds (or the end of the month)."""

    TO_DATE = "this month"
    LAST = "last month"


@dataclass(frozen=True)
class Presence:
    """Members (buyers, sellers) with business on at least one date of a trailing window.

    `oldest` None: ever. Their number goes into the numerator and the denominator so many times.
    """

    newest: int
    oldest: int | None
    numerator: int
    denominator: int = 0


@dataclass(frozen=True)
class Metric:
    """One figure: sum of `numerator`, over sum of `denominator` where there is one.

    `cases` says on how many cases a figure without denominator rests (default: itself).
    `good` is "up", "down" or "" (neither). `recent` marks the young twin of a slow rate.
    """

    name: str
    label: str
    formula: str
    unit: Unit
    source: Source
    window: Trailing | Month
    numerator: str
    denominator: str = ""
    cases: str = ""
    maturity_days: int = 0
    good: str = ""
    against: Against = Against.WEEKDAYS
    per_currency: bool = False
    presence: tuple[Presence, ...] = ()
    recent: bool = False
    definition_version: int = 1

    @property
    def reach_days(self) -> int:
        """Days before ds at which the oldest date lies that the figure, or what it is compared
        with on the same day, can be about."""
        oldest = [p.oldest for p in self.presence if p.oldest is not None]
        window = self.window.oldest if isinstance(self.window, Trailing) else 61
        week_before = WEEK_DAYS if self.against is Against.WEEK_BEFORE else 0
        return max(window + week_before, *oldest, 0)

    @property
    def of_one_day(self) -> bool:
        """Whether the figure is about a single business date."""
        return self.window == _TODAY

    @property
    def alerts(self) -> bool:
        """Whether the figure can alert at all: it has a good direction, and is not young."""
        return bool(self.good) and not self.recent and self.against is Against.WEEKDAYS


_TODAY = Trailing(0, 0)
_LAST_WEEK = Trailing(0, WEEK_DAYS - 1)
_LAST_MONTH = Trailing(0, MONTH_DAYS - 1)
_TWO_MONTHS = 2 * MONTH_DAYS - 1


def _slow(
    name: str, label: str, formula: str, numerator: str, denominator: str, maturity_days: int,
    good: str, unit: Unit = Unit.SHARE,
) -> tuple[Metric, Metric]:  # fmt: skip
    """A rate of orders that takes time to settle, twice: about the newest seven days of placing
    that are old enough, and about the last seven days, which only show how it begins."""
    mature = Metric(
        name, label, f"{formula} of orders placed in the newest 7 days that are at least "
        f"{maturity_days} days old", unit, Source.ORDERS,
        Trailing(maturity_days, maturity_days + WEEK_DAYS - 1), numerator, denominator,
        maturity_days=maturity_days, good=good,
    )  # fmt: skip
    young = Metric(
        f"{name}_recent", f"{label}{YOUNG_SUFFIX}", f"{formula} of orders placed in the last 7 "
        "days, as far as it has come", unit, Source.ORDERS, _LAST_WEEK, numerator, denominator,
        maturity_days=maturity_days, good=good, recent=True,
    )  # fmt: skip
    return mature, young


METRICS: tuple[Metric, ...] = (
    Metric("orders", "Orders", "Orders placed on the day", Unit.COUNT, Source.ORDERS, _TODAY,
           "orders", good="up"),
    Metric("gmv", "Sales (GMV)", "Sum of line totals of lines placed on the day, without shipping "
           "and tax", Unit.MONEY, Source.SALES, _TODAY, "gmv_minor", cases="orders_placed",
           good="up", per_currency=True),
    Metric("gmv_reporting", "Sales (GMV), all currencies", "gmv of all currencies, each currency "
           "and day at the newest rate of that day or before, rounded half-even", Unit.MONEY,
           Source.CONVERTED, _TODAY, "gmv_minor", cases="orders_placed", good="up"),
    Metric("gmv_mtd", "Sales this month", "gmv of the month up to the day", Unit.MONEY,
           Source.SALES, Month.TO_DATE, "gmv_minor", good="up", against=Against.LAST_MONTH,
           per_currency=True),
    Metric("gmv_mtd_reporting", "Sales this month, all currencies", "gmv_reporting of the month "
           "up to the day", Unit.MONEY, Source.CONVERTED, Month.TO_DATE, "gmv_minor", good="up",
           against=Against.LAST_MONTH),
    Metric("gmv_last_month", "Sales last month", "gmv of last month up to the same day number or "
           "its end", Unit.MONEY, Source.SALES, Month.LAST, "gmv_minor", against=Against.NOTHING,
           per_currency=True),
    Metric("gmv_last_month_reporting", "Sales last month, all currencies", "gmv_reporting of last "
           "month up to the same day number or its end", Unit.MONEY, Source.CONVERTED, Month.LAST,
           "gmv_minor", against=Against.NOTHING),
    Metric("average_order_value", "Average order", "What buyers are to pay for orders placed on "
           "the day (items, shipping and tax, less discounts), per order", Unit.MONEY,
           Source.ORDERS, _TODAY, "total_minor", "orders", good="up", per_currency=True),
    # Maturity. A parcel across a country and a return with its refund take weeks: 30 days. A late
    # parcel is counted when it arrives, so lateness and delivery time of younger orders show the
    # fast ones only. Cancellations come before the parcel leaves: 14 days.
    *_slow("completion_rate", "Completed orders", "Share with every line that is not cancelled "
           "delivered", "orders_delivered", "orders", 30, "up"),
    *_slow("cancellation_rate", "Cancelled orders", "Share with every line cancelled",
           "orders_cancelled", "orders", 14, "down"),
    *_slow("refund_rate", "Refunded orders", "Share with at least one refund", "orders_refunded",
           "orders", 30, "down"),
    *_slow("late_rate", "Late deliveries", "Share delivered after the promised time among those "
           "delivered with a promise", "orders_late", "orders_promised", 30, "down"),
    *_slow("delivery_days", "Days to delivery", "Mean time from placing to the last delivery",
           "delivery_us", "orders_delivered", 30, "down", Unit.DAYS),
    Metric("review_mean", "Review score", "Mean stars of reviews written in the last 7 days",
           Unit.STARS, Source.SALES, _LAST_WEEK, "review_stars", "reviews", good="up"),
    Metric("new_buyers", "New buyers", "Buyers whose first order was placed on the day",
           Unit.COUNT, Source.ORDERS, _TODAY, "first_orders", good="up"),
    Metric("active_buyers", "Active buyers", "Buyers with an order placed in the last 30 days",
           Unit.COUNT, Source.ORDERS, _LAST_MONTH, "orders", good="up",
           presence=(Presence(0, MONTH_DAYS - 1, 1),)),
    Metric("new_sellers", "New sellers", "Sellers whose first line was placed on the day",
           Unit.COUNT, Source.SALES, _TODAY, "lines_placed", good="up",
           presence=(Presence(0, None, 1), Presence(1, None, -1))),
    Metric("active_sellers", "Active sellers", "Sellers with a line placed in the last 30 days",
           Unit.COUNT, Source.SALES, _LAST_MONTH, "lines_placed", good="up",
           presence=(Presence(0, MONTH_DAYS - 1, 1),)),
    # Left = active in the 60 days, but not in the last 30 of them.
    Metric("seller_churn", "Sellers gone quiet", "Share without a line placed in the last 30 days "
           "among sellers with one in the 30 days before", Unit.SHARE, Source.SALES, _LAST_MONTH,
           "lines_placed", "lines_placed", good="down",
           presence=(Presence(0, _TWO_MONTHS, 1), Presence(0, MONTH_DAYS - 1, -1),
                     Presence(MONTH_DAYS, _TWO_MONTHS, 0, 1))),
    Metric("gmv_7d", "Sales of 7 days", "gmv of the last 7 days; by category of the line",
           Unit.MONEY, Source.CATEGORIES, _LAST_WEEK, "gmv_minor", good="up",
           against=Against.WEEK_BEFORE, per_currency=True),
    Metric("order_value_7d", "Order value of 7 days", "What buyers are to pay for orders placed in "
           "the last 7 days; by region of delivery", Unit.MONEY, Source.REGIONS, _LAST_WEEK,
           "total_minor", good="up", against=Against.WEEK_BEFORE, per_currency=True),
)  # fmt: skip

BY_NAME = {metric.name: metric for metric in METRICS}

DIMENSION_OF = {Source.CATEGORIES: "category", Source.REGIONS: "region"}
"""The dimension by whose members a source's metrics are shown too."""
