"""Fraud: which orders are part of a scheme, whose account they use, and what is ever known of it.

A scheme prefers hours, goods or sellers, without changing how common it is on the whole. Whatever
gives a scheme away is seen in honest orders as well, more rarely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.errors import UsageError
from jobs.simulate.buyers import RECENT_DAYS, newcomer
from jobs.simulate.draws import (
    HOUR_WEIGHTS,
    business_date,
    chance,
    draw,
    looked_up,
    skewed,
    whole,
)
from jobs.simulate.kinds import KINDS
from jobs.simulate.plan import MARKETS, Plan, of_market

MOST_FRAUD = 0.05
"""Of all orders: more is no marketplace any more."""


@dataclass(frozen=True)
class Signs:
    """Shares of the orders that are in a hurry, come from abroad, go to an address not used before,
    come from a device not used before, or are paid by a card not used before."""

    rush: float
    abroad: float
    elsewhere: float
    device: float
    card: float


HONEST = Signs(rush=0.10, abroad=0.04, elsewhere=0.07, device=0.04, card=0.04)
"""Travellers, gifts, a new telephone, a new card. (`abroad` is of a buyer's weeks.)"""


@dataclass(frozen=True)
class Scheme:
    """A kind of fraud: its share, the share that is ever found, what then befalls the lines of the
    order, what befalls them else, and its signs."""

    share: float
    found: float
    then: str
    otherwise: str | None
    signs: Signs = HONEST


SCHEMES = {
    "stolen_card": Scheme(0.38, 0.85, "stolen", None, Signs(0.40, 0.45, 0.65, 0.60, 1.0)),
    "fraud_ring": Scheme(0.17, 0.75, "stolen", None, Signs(0.25, 0.30, 0.50, 0.0, 0.90)),
    "account_takeover": Scheme(0.13, 0.80, "stolen", None, Signs(0.50, 0.60, 0.80, 0.95, 0.50)),
    "friendly_fraud": Scheme(0.20, 0.80, "friendly", "appeased"),
    "refund_abuse": Scheme(0.12, 0.60, "false claim", "false return"),
}
"""A thief's order that nobody reports leaves nothing behind; a friendly fraud that is not found got
his money back for a mere word, and abuse that is not found sent something else back."""
THIEVES = tuple(name for name, scheme in SCHEMES.items() if scheme.then == "stolen")
CARDS = ("card", "debit_card")

NIGHT = {"stolen_card": 4.0, "account_takeover": 3.0}
"""How many times more often from midnight to six than at other hours, against honest orders."""
LURES = {
    "books": 0.6, "toys": 0.8, "beauty": 0.9, "garden": 0.8, "apparel": 1.0, "kitchen": 0.9,
    "sports": 1.2, "electronics": 1.8,
}  # fmt: skip
"""What thieves buy, by the seller's main category: dear, and easily sold again. Mild: one large
seller would otherwise decide how much fraud there is in a small world."""
COLLUSION = {"ring": 5.0, "bust_out": 3.0}
"""How many times more often a buyers' ring orders with such sellers than with others."""

BURST_DAYS = 6
"""A ring is at work for so many days, then it is another one's turn."""
RINGS, RING_ACCOUNTS, RING_DEVICES = 4, 8, 2
"""Rings that take turns, the accounts that one uses in a turn, and the devices and addresses that
these share."""
ORDERS_A_RING = 1_500
"""Orders a day in a market for each ring that is at work."""
ORDERS_AN_ABUSER = 10
"""Orders a day in a market for each buyer who abuses refunds."""
DORMANT, DORMANT_DAYS, FRESH_DAYS = 0.2, 120, 8
"""Share of a thief's accounts that he opened long before (up to so many days), others just now."""


def check(rate: float) -> None:
    if not 0 <= rate <= MOST_FRAUD:
        raise UsageError(f"--fraud-rate is a share of the orders from 0 to {MOST_FRAUD}: {rate}")


def with_scheme(plan: Plan, orders: DataFrame) -> DataFrame:
    """Adds `hour` (on the wall clock), `scheme` (null: honest) and `ring_luck` (of a buyers' ring's
    order, else null), and the `turn` on which that ring is at work."""
    timed = orders.withColumn("hour", F.hour(F.from_utc_timestamp("placed_at", plan.zone)))
    up_to, cases = F.lit(0.0), F.when(F.lit(False), F.lit(None).cast("string"))
    for name, scheme in SCHEMES.items():
        up_to = up_to + plan.fraud_rate * scheme.share * _liking(name)
        cases = cases.when(draw("scheme") < up_to, name)
    at_work = {code: _size(plan, code, ORDERS_A_RING, 1) for code in MARKETS}
    schemed = timed.withColumn("scheme", cases).withColumns({
        "turn": F.floor(F.unix_date("day") / BURST_DAYS),
        "gang": whole(of_market(at_work, "first.marketplace"), draw("gang")),
    })  # fmt: skip
    ring = whole(RINGS, draw("turns", f"{plan.seed}L", "first.marketplace", "gang", "turn"))
    ringed = schemed.withColumn("ring", F.col("gang") * RINGS + ring)
    luck = plan.luck("buyers ring", "first.marketplace", "ring")
    return ringed.withColumn(
        "ring_luck", F.when(F.col("scheme") == "fraud_ring", luck)
    ).drop("gang", "ring")  # fmt: skip


def _liking(scheme: str) -> Column:
    """How much more often than usual the scheme meets an order like this: 1 on average."""
    liking = F.lit(1.0)
    if scheme in NIGHT:
        hours = [NIGHT[scheme] if hour < 6 else 1.0 for hour in range(24)]
        mean = sum(h * w for h, w in zip(hours, HOUR_WEIGHTS, strict=True)) / sum(HOUR_WEIGHTS)
        listed = ", ".join(f"{hour / mean!r}D" for hour in hours)
        liking = liking * F.expr(f"array({listed})[hour]")
    if scheme in THIEVES:
        mean = sum(LURES.values()) / len(LURES)
        lures = {category: lure / mean for category, lure in LURES.items()}
        liking = liking * F.coalesce(looked_up(lures, "main_category"), F.lit(1.0))
    if scheme == "fraud_ring":
        sizes = {name: kind.share * kind.size for name, kind in KINDS.items()}
        times = {name: COLLUSION.get(name, 1.0) for name in KINDS}
        mean = sum(times[name] * sizes[name] for name in KINDS) / sum(sizes.values())
        liking = liking * looked_up({name: times[name] / mean for name in KINDS}, "kind")
    return liking


def _size(plan: Plan, market: str, orders: int, least: int) -> float:
    """How many there are in a market of its size."""
    return float(max(least, round(MARKETS[market].share * plan.orders_per_day / orders)))


def with_account(plan: Plan, orders: DataFrame) -> DataFrame:
    """Puts the account that the scheme uses into `buyer_no`; a friendly fraud uses his own.

    Thieves open accounts just before, or had them dormant; a ring opened its own before its turn;
    taken over are the seller's regulars; refunds are abused by the same few old buyers.
    """
    abusers = {code: _size(plan, code, ORDERS_AN_ABUSER, 2) for code in MARKETS}
    dormant = chance(DORMANT, "dormant")
    lag = F.when(dormant, whole(DORMANT_DAYS, draw("lag"))).otherwise(
        whole(FRESH_DAYS, skewed("lag"))
    )
    since_turn = F.col("index") - F.pmod(F.unix_date("day"), F.lit(BURST_DAYS)) - 1
    drawn = orders.withColumns({
        "member": whole(RING_ACCOUNTS, draw("member")),
        "abuser": whole(of_market(abusers, "first.marketplace"), skewed("abuser")),
    })  # fmt: skip
    whose = ("ring_luck", "turn", "member")
    ringed = F.col("scheme") == "fraud_ring"
    placed = drawn.withColumns({
        "begins": F.greatest(F.lit(-RECENT_DAYS), F.when(
            ringed, since_turn - whole(25, draw("opened", *whose))
        ).otherwise(F.col("index") - lag)),
        "place": whole(F.col("crooked"), F.when(ringed, draw("place", *whose))
                       .otherwise(draw("place"))),
    })  # fmt: skip
    serial = whole(F.col("old"), draw("abuser", f"{plan.seed}L", "first.marketplace", "abuser"))
    scheme = F.col("scheme")
    account = (
        F.when(scheme.isin("stolen_card", "fraud_ring"), F.expr(newcomer("begins", "place")))
        .when(scheme == "account_takeover", F.col("regular"))
        .when(scheme == "refund_abuse", serial.cast("long"))
        .otherwise(F.col("buyer_no"))
    )
    return placed.withColumn("buyer_no", account)


def method(drawn: str) -> Column:
    """How it is paid: thieves and friendly frauds need a card for what they do."""
    by_card = F.col("scheme").isin(*THIEVES, "friendly_fraud") & ~F.col(drawn).isin(*CARDS)
    return F.when(by_card, "card").otherwise(F.col(drawn))


def sign(name: str) -> Column:
    """Whether an order shows the sign (a field of `Signs`), as often as its scheme does."""
    shares = {scheme: getattr(its.signs, name) for scheme, its in SCHEMES.items()}
    own = F.when(F.col("scheme").isNull(), getattr(HONEST, name)).otherwise(
        looked_up(shares, "scheme")
    )
    return chance(own, f"sign {name}")


def befalls(order_luck: str) -> Column:
    """What befalls every line of a fraudulent order; null where nothing does."""
    found = chance(_of_schemes("found"), "found", order_luck)
    return F.when(found, _of_schemes("then")).otherwise(_of_schemes("otherwise"))


def _of_schemes(field: str) -> Column:
    values: Mapping[str, float | str] = {
        name: value for name, its in SCHEMES.items() if (value := getattr(its, field)) is not None
    }
    return looked_up(values, "scheme")


def truth(plan: Plan, totals: DataFrame) -> DataFrame:
    """One row a fraudulent order: its scheme, its ring if any, whether a dispute ever tells of it,
    and the business date of its chargeback (null: none). Every other order is honest."""
    charged_back = F.col("scheme") != "refund_abuse"
    return totals.where("scheme is not null").select(
        "order_id", "scheme",
        F.expr("lower(hex(ring_luck))").alias("ring"),
        F.col("disputed_at").isNotNull().alias("found"),
        F.when(charged_back, business_date(F.col("disputed_at"), plan.zone))
        .alias("chargeback_day"),
    )  # fmt: skip
