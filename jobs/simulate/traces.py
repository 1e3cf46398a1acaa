"""What an order shows of who placed it: device, card, addresses, network, and the login before it.

A buyer has one or two devices and addresses and one to three cards, which repeat. Thieves leave
traces of their own; a friendly fraud and an abuser of refunds leave a usual buyer's.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulate.draws import (
    after,
    at_local,
    between,
    business_date,
    chance,
    draw,
    pick,
    skewed,
    token,
    whole,
)
from jobs.simulate.fraud import CARDS, HONEST, RING_DEVICES, THIEVES, sign
from jobs.simulate.plan import Plan

TWO_DEVICES, SECOND_DEVICE = 0.4, 0.3
"""Share of the buyers who have two, and of their orders that come from the second."""
TWO_ADDRESSES, SECOND_ADDRESS = 0.25, 0.35
CARDS_AT_MOST = 3
ABROAD = (
    "US", "DE", "GB", "JP", "FR", "PL", "NL", "ES", "IT", "CA", "MX", "BR", "IN", "NG", "VN", "RO",
)  # fmt: skip
"""Where travellers are, and whence thieves come: the same countries."""
WEEK_MS = 7 * 86_400_000
LOGINS = 0.3
"""Share of the orders with a login of which something is landed; of takeovers it always is."""


def traced(totals: DataFrame) -> DataFrame:
    """Adds `device_hash`, `card_hash`, both address hashes, `ip_country` and `rush` to orders."""
    marked = totals.withColumns({
        "thieves": F.coalesce(F.col("scheme").isin(*THIEVES), F.lit(False)),
        "other_device": sign("device"), "other_card": sign("card"), "elsewhere": sign("elsewhere"),
        "device_slot": _second(TWO_DEVICES, SECOND_DEVICE, "device"),
        "home_slot": _second(TWO_ADDRESSES, SECOND_ADDRESS, "home"),
        "card_slot": _card_slot(),
        "ring_slot": whole(RING_DEVICES, draw("ring slot")),
        "week": F.expr(f"unix_millis(placed_at) div {WEEK_MS}"),
    })  # fmt: skip
    ring = F.col("ring_luck").isNotNull()
    shipping = (
        F.when(ring, token("address", "ring_luck", "ring_slot"))
        .when(F.col("elsewhere"), token("address"))
        .otherwise(token("address", "buyer_luck", "home_slot"))
    )
    # The holder of a stolen card lives where the bill goes, and at times the parcel goes there too.
    holder = F.col("thieves") & F.col("other_card")
    billing = F.when(
        holder, F.when(ring | F.col("elsewhere"), token("holder")).otherwise(shipping)
    ).otherwise(token("address", "buyer_luck", "0"))
    card = F.when(F.col("other_card"), token("card")).otherwise(
        token("card", "buyer_luck", "card_slot")
    )
    return marked.select(
        "*",
        F.when(ring, token("device", "ring_luck", "ring_slot"))
        .when(F.col("other_device"), token("device"))
        .otherwise(token("device", "buyer_luck", "device_slot")).alias("device_hash"),
        F.when(F.col("method").isin(*CARDS), card).alias("card_hash"),
        shipping.alias("shipping_address_hash"),
        billing.alias("billing_address_hash"),
        _ip_country().alias("ip_country"),
        sign("rush").alias("rush"),
    )  # fmt: skip


def _second(share: float, often: float, purpose: str) -> Column:
    """1 for the orders in which a buyer who has two uses the second, else 0."""
    has_two = chance(share, f"two {purpose}", "buyer_luck")
    return (has_two & chance(often, f"second {purpose}")).cast("int")


def _card_slot() -> Column:
    cards = 1 + whole(CARDS_AT_MOST, skewed("cards", "buyer_luck"))
    return whole(cards, skewed("which card"))


def _ip_country() -> Column:
    """The market's own, but for a buyer's weeks abroad and for thieves who do not hide."""
    travels = chance(HONEST.abroad, "travels", "buyer_luck", "week")
    honest = F.when(travels, pick(ABROAD, "travels to", "buyer_luck", "week"))
    thief = F.when(sign("abroad"), pick(ABROAD, "comes from"))
    return F.coalesce(F.when(F.col("thieves"), thief).otherwise(honest), "marketplace")


def buyer_logins(plan: Plan, totals: DataFrame) -> DataFrame:
    """A login shortly before the order, on its day; a takeover's comes from abroad and from a
    device of its own."""
    takeover = F.coalesce(F.col("scheme") == "account_takeover", F.lit(False))
    placed_at = F.col("placed_at")
    midnight = at_local(business_date(placed_at, plan.zone), 0, plan.zone)
    since_midnight = (F.unix_millis(placed_at) - F.unix_millis(midnight)) / 3_600_000
    before = F.when(takeover, between(0.1, 3, "login")).otherwise(between(0.01, 0.7, "login"))
    return traced(totals.where(takeover | chance(LOGINS, "logs in"))).select(
        after(placed_at, -F.least(before, since_midnight)).alias("occurred_at"),
        F.concat_ws("-", F.lit("in"), "order_id").alias("login_id"),
        F.lit("buyer").alias("actor"),
        F.col("buyer_id").alias("actor_id"),
        "device_hash",
        F.when(takeover, pick(ABROAD, "comes from")).otherwise(F.col("ip_country"))
        .alias("ip_country"),
    )  # fmt: skip
