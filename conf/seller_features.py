"""The 36 features of a seller as of the end of a business date, each defined once.

A definition is SQL over what is known of the seller: his state as of that date (`silver.
seller_state`), and sums of the ledger over the business dates that end with it, named
`<measure>_90d` and `<measure>_30d`. Raise `version` with every change of a meaning. Source:
the published contract of seller-month features.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WINDOW_DAYS = (90, 30)


@dataclass(frozen=True)
class Feature:
    """One feature: its family, type, unit and window, when it is null, and how it is computed."""

    name: str
    family: str
    type: str
    unit: str
    window: str
    null_when: str
    definition: str
    sql: str
    version: int = 1

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that a number can have."""
        return {SHARE: (0.0, 1.0), STARS: (1.0, 5.0)}.get(self.unit, (0.0, 1e15))

    @property
    def bounded(self) -> bool:
        return self.unit in (SHARE, STARS)


SHARE, HOURS, COUNT, MONEY, STARS = (
    "share 0-1", "hours", "count", "major units of the seller's currency", "stars 1-5",
)  # fmt: skip


def _share(part: str, whole: str) -> str:
    return f"{part} / nullif({whole}, 0)"


def _mean_hours(total_us: str, count: str) -> str:
    return f"{total_us} / nullif({count} * 3600000000L, 0)"


def _where_messaging(sql: str) -> str:
    return f"if(messaging_enabled, {sql}, null)"


def _date(instant: str) -> str:
    return f"to_date(from_utc_timestamp({instant}, zone))"


_GMV = "gmv_minor_30d / minor_per_major"


def _profile(*rest: str) -> Feature:
    name, type_, unit, window, null_when, definition, sql = rest
    return Feature(name, "profile", type_, unit, window, null_when, definition, sql)


def _operational(
    name: str, null_when: str, definition: str, sql: str, unit: str = SHARE
) -> Feature:
    return Feature(name, "operational", "double", unit, "90d", null_when, definition, sql)


def _customer(name: str, null_when: str, definition: str, sql: str, unit: str = SHARE) -> Feature:
    return Feature(name, "customer", "double", unit, "90d", null_when, definition, sql)


def _commercial(
    name: str, unit: str, null_when: str, definition: str, sql: str, type_: str = "double"
) -> Feature:
    return Feature(name, "commercial", type_, unit, "30d", null_when, definition, sql)


def _compliance(
    name: str, window: str, definition: str, sql: str,
    null_when: str = "never", type_: str = "int", unit: str = COUNT,
) -> Feature:  # fmt: skip
    return Feature(name, "compliance", type_, unit, window, null_when, definition, sql)


_ORDERS = "orders_placed_90d"

SELLER_FEATURES = (
    _profile("marketplace", "string", "code", "as of", "never",
             "Marketplace of the seller's version", "marketplace"),
    _profile("tenure_days", "int", "days", "as of", "never",
             "Days from the date of registered_at to ds",
             f"datediff(ds, {_date('registered_at')})"),
    _profile("business_type", "string", "category", "as of", "never",
             "Business type of the seller's version", "business_type"),
    _profile("fulfillment_channel", "string", "category", "90d", "never",
             "platform if at least 0.9 of the units of lines placed in the window are fulfilled by "
             "the platform, merchant if at most 0.1 or no units, else mixed",
             "case when 10 * units_platform_90d <= units_placed_90d then 'merchant' "
             "when 10 * units_platform_90d >= 9 * units_placed_90d then 'platform' "
             "else 'mixed' end"),
    _profile("primary_category", "string", "category", "90d", "no lines placed",
             "Category with the largest sum of line_total_minor of lines placed in the window "
             "(ties: first by name)", "primary_category"),
    _profile("active_listings", "int", COUNT, "as of", "never",
             "Listings whose version has status active", "active_listings"),
    _operational("on_time_ship_rate", "no lines due",
                 "Due lines: ship_by in the window, not cancelled at or before ship_by. Numerator: "
                 "those with a shipped event at or before ship_by",
                 _share("lines_due_on_time_90d", "lines_due_90d")),
    _operational("cancellation_rate", "no lines placed",
                 "Lines cancelled by the seller with the event in the window / lines placed in the "
                 "window (capped at 1)",
                 _share("least(lines_cancelled_by_seller_90d, lines_placed_90d)",
                        "lines_placed_90d")),
    _operational("late_shipment_rate", "no lines shipped",
                 "Lines shipped in the window after ship_by / lines shipped in the window (lines "
                 "without ship_by count as on time)",
                 _share("lines_shipped_late_90d", "lines_shipped_90d")),
    _operational("return_rate", "no units delivered",
                 "Units of returns that arrived in the window / units of lines delivered in the "
                 "window (capped at 1)",
                 _share("least(units_returned_90d, units_delivered_90d)", "units_delivered_90d")),
    _operational("valid_tracking_rate", "no shipments",
                 "Shipments shipped in the window that have a tracking_confirmed event / shipments "
                 "shipped in the window",
                 _share("shipments_tracked_90d", "shipments_shipped_90d")),
    _operational("on_time_delivery_rate", "no lines delivered with deliver_by",
                 "Lines delivered in the window at or before deliver_by / lines delivered in the "
                 "window with deliver_by",
                 _share("lines_delivered_on_time_90d", "lines_delivered_promised_90d")),
    _operational("avg_handling_hours", "no lines shipped",
                 "Mean over lines shipped in the window of the hours from payment (first paid "
                 "event, else placing) to shipped",
                 _mean_hours("handling_us_90d", "lines_shipped_90d"), HOURS),
    _operational("refund_rate", "no orders placed",
                 "Seller-orders placed in the window with at least one refund / seller-orders "
                 "placed in the window", _share("orders_refunded_90d", _ORDERS)),
    _operational("stockout_rate", "no active listing-days",
                 "Listing-days active but not in stock / listing-days active",
                 _share("listing_days_out_of_stock_90d", "listing_days_active_90d")),
    _operational("avg_refund_hours", "no such refunds",
                 "Mean hours from a return's arrival to its refund over refunds in the window that "
                 "name a return (negative counts as 0)",
                 _mean_hours("refund_delay_us_90d", "refunds_of_returns_90d"), HOURS),
    _customer("defect_rate", "no orders placed",
              "Seller-orders placed in the window with a 1-2 star review, an opened claim or an "
              "opened chargeback / seller-orders placed in the window",
              _share("orders_defective_90d", _ORDERS)),
    _customer("negative_feedback_rate", "no reviews",
              "Reviews of the window with 1 or 2 stars / reviews of the window",
              _share("reviews_negative_90d", "reviews_90d")),
    _customer("a_to_z_claim_rate", "no orders placed",
              "Seller-orders placed in the window with an opened claim / seller-orders placed in "
              "the window", _share("orders_claimed_90d", _ORDERS)),
    _customer("contact_rate", "no orders placed or messaging not enabled as of T",
              "Seller-orders placed in the window with a buyer's message / seller-orders placed in "
              "the window", _where_messaging(_share("orders_contacted_90d", _ORDERS))),
    _customer("chargeback_rate", "no orders placed",
              "Seller-orders placed in the window with an opened chargeback / seller-orders placed "
              "in the window", _share("orders_charged_back_90d", _ORDERS)),
    _customer("avg_response_hours", "no replies or messaging not enabled as of T",
              "Mean hours from a buyer's message to the seller's first reply to it over first "
              "replies in the window",
              _where_messaging(_mean_hours("reply_us_90d", "replies_90d")), HOURS),
    _customer("avg_rating", "no reviews", "Mean stars of reviews of the window",
              _share("review_stars_90d", "reviews_90d"), STARS),
    _customer("dispute_loss_rate", "no disputes closed",
              "Disputes closed in the window with outcome buyer / disputes closed in the window",
              _share("disputes_lost_90d", "disputes_closed_90d")),
    _commercial("orders_30d", COUNT, "never", "Seller-orders placed in the window",
                "orders_placed_30d", "int"),
    _commercial("gmv_30d", MONEY, "never",
                "Sum of line_total_minor of lines placed in the window divided by the currency's "
                "minor units", _GMV),
    _commercial("asp", MONEY, "no units", "gmv_30d / units of lines placed in the window",
                "gmv_minor_30d / nullif(units_placed_30d * minor_per_major, 0)"),
    _commercial("ad_spend_30d", MONEY, "no ad_spend row in the window",
                "Sum of spend_minor in major units",
                "if(ad_days_30d > 0, ad_spend_minor_30d / minor_per_major, null)"),
    _commercial("ad_attributed_gmv_30d", MONEY, "no ad_spend row in the window",
                "Sum of attributed_gmv_minor in major units",
                "if(ad_days_30d > 0, ad_attributed_gmv_minor_30d / minor_per_major, null)"),
    _commercial("buy_box_win_rate", SHARE, "no views", "Sum of featured_views / sum of views",
                _share("buy_box_featured_views_30d", "buy_box_views_30d")),
    _commercial("repeat_buyer_rate", SHARE, "no orders placed",
                "Seller-orders placed in the window by a buyer with an earlier seller-order at the "
                "same seller (placed earlier) / seller-orders placed in the window",
                _share("orders_repeat_30d", "orders_placed_30d")),
    _compliance("policy_warnings_90d", "90d", "Policy events with event warning",
                "policy_warnings_90d"),
    _compliance("suspension_history", "ever", "Enforcement actions with action suspension",
                "suspensions"),
    _compliance("document_verification_age", "as of",
                "Days from the date of the last verified event to ds",
                f"datediff(ds, {_date('verified_at')})", "never verified", "double", "days"),
    _compliance("support_tickets_90d", "90d", "Support tickets opened", "tickets_opened_90d"),
    _compliance("listing_takedowns_90d", "90d", "Policy events with event listing_takedown",
                "listing_takedowns_90d"),
)  # fmt: skip
"""In the order of the contract. `zone` and `minor_per_major` are given to the SQL."""

COUNTS = ("orders_placed_90d", "lines_placed_90d", "lines_due_90d", "lines_shipped_90d",
          "units_delivered_90d", "shipments_shipped_90d", "lines_delivered_promised_90d",
          "listing_days_active_90d", "refunds_of_returns_90d", "reviews_90d", "replies_90d",
          "disputes_closed_90d")  # fmt: skip
"""The denominators that stand beside the features: how much each rate rests on."""

HAS_BUSINESS = "lines_placed_90d > 0 or logins_90d > 0 or active_listings > 0"
"""Sellers for whom this holds, and who are not closed, have a row."""


def measures(days: int) -> tuple[str, ...]:
    """The measures of the ledger that are summed over a window of so many days."""
    texts = [*(feature.sql for feature in SELLER_FEATURES), HAS_BUSINESS, *COUNTS]
    return _named(" ".join(texts), days)


def measures_of(feature: Feature) -> dict[int, tuple[str, ...]]:
    """The measures that one feature rests on, by window."""
    return {days: _named(feature.sql, days) for days in WINDOW_DAYS}


def _named(sql: str, days: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(rf"\b(\w+)_{days}d\b", sql)))
