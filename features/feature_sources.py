"""The events behind the sums of the ledger: which entities a measure counts, for explanations."""

from __future__ import annotations

from collections.abc import Sequence

LINES = ("order_items", "order_events", "shipments")

_OF_MEASURE = {
    "lines_placed": ("order_items",), "units_placed": ("order_items",),
    "units_platform": ("order_items",), "gmv_minor": ("order_items",),
    "orders_placed": ("order_items",), "orders_repeat": ("order_items", "orders"),
    "orders_refunded": ("refunds",), "orders_defective": ("reviews", "disputes"),
    "orders_claimed": ("disputes",), "orders_charged_back": ("disputes",),
    "orders_contacted": ("messages",), "shipments_shipped": ("shipments",),
    "shipments_tracked": ("shipments",), "units_returned": ("returns",),
    "refunds_of_returns": ("refunds", "returns"), "refund_delay_us": ("refunds", "returns"),
    "reviews": ("reviews",), "reviews_negative": ("reviews",), "review_stars": ("reviews",),
    "replies": ("messages",), "reply_us": ("messages",), "disputes_closed": ("disputes",),
    "disputes_lost": ("disputes",), "listing_days_active": ("listing_snapshots",),
    "listing_days_out_of_stock": ("listing_snapshots",), "ad_days": ("ad_spend",),
    "ad_spend_minor": ("ad_spend",), "ad_attributed_gmv_minor": ("ad_spend",),
    "buy_box_views": ("buy_box",), "buy_box_featured_views": ("buy_box",),
    "policy_warnings": ("policy_events",), "listing_takedowns": ("policy_events",),
    "tickets_opened": ("support_tickets",), "logins": ("logins",),
}  # fmt: skip
_OF_STATE = {
    "active_listings": ("listings",), "suspension_history": ("enforcement_actions",),
    "document_verification_age": ("document_verifications",),
    "primary_category": ("order_items",),
}  # fmt: skip


def entities_of(feature: str, measures: Sequence[str]) -> tuple[str, ...]:
    """The entities whose facts stand behind a feature; sellers where it is of his version."""
    named = [e for measure in measures for e in _OF_MEASURE.get(measure, LINES)]
    return tuple(dict.fromkeys(named)) or _OF_STATE.get(feature, ("sellers",))
