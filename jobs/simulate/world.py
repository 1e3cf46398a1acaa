"""Simulate a marketplace: landing files for a window of days, and their truth beside them.

Seeded: the same command writes the same bytes, on any number of partitions, and a longer window
never changes the days it shares with a shorter one. Stripe events and verdicts are not part of
it: they answer what the platform itself does.

examples:
  ./spark-submit.sh simulate.world --preset demo --out landing
  ./spark-submit.sh simulate.world --from 2026-04-01 --to 2026-06-29 --sellers 50 --out landing
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from conf.settings import Settings
from conf.tables import bronze
from jobs.arguments import Argument
from jobs.errors import UsageError
from jobs.simulate import (
    aftermath,
    buyers,
    causes,
    days,
    fraud,
    landing,
    latent,
    noise,
    offers,
    orders,
    parcels,
    people,
    traces,
    voices,
)
from jobs.simulate.noise import Rates
from jobs.simulate.plan import Plan
from jobs.window import Window

READS = ()
WRITES = ()
NEEDS_LAKE = False
WINDOW = "optional"


@dataclass(frozen=True)
class Preset:
    """A size of world: sellers there ever are, orders on a usual day, its days, and how many
    listings a seller has (fewest and most)."""

    sellers: int
    orders_per_day: int
    window: Window
    listings_a_seller: tuple[int, int] = (2, 6)


_QUARTER = Window(date(2026, 4, 2), date(2026, 6, 30))
PRESETS = {
    "small": Preset(60, 60, _QUARTER),
    "demo": Preset(120, 300, _QUARTER),
    # Three months to warm up, then 18 month-ends of some 13,300 sellers.
    "seed": Preset(22_700, 10_000, Window(date(2024, 10, 1), date(2026, 6, 30)), (1, 3)),
    "large": Preset(150_000, 100_000, _QUARTER, (1, 3)),
}
ARGUMENTS = (
    Argument("--preset", "a size with its days; the options below go before it",
             choices=tuple(PRESETS), default="demo"),
    Argument("--sellers", "how many sellers there ever are", type=int),
    Argument("--orders-per-day", "orders on a usual day", type=int),
    Argument("--fraud-rate", "share of the orders that are fraudulent, up to 0.05", type=float,
             default=0.01),
    Argument("--format", "of the landing files; else Parquet from a million orders on",
             choices=("jsonl", "parquet")),
    Argument("--seed", "another seed, another world", type=int, default=7),
    Argument("--out", "folder for the landing files: new, empty or of the same command",
             required=True),
)  # fmt: skip

LARGE = 1_000_000
"""Orders of a world from which on it lands as Parquet."""

log = logging.getLogger(__name__)
TABLES = {table.name: table for table in bronze.TABLES}


class Shared(NamedTuple):
    """What several entities are made of."""

    sellers: DataFrame
    listings: DataFrame
    seller_days: DataFrame
    parcels: DataFrame
    lines: DataFrame
    totals: DataFrame


def run(
    spark: SparkSession, settings: Settings, window: Window | None, *,
    seed: int, out: str, sellers: int | None = None, orders_per_day: int | None = None,
    preset: str = "demo", format: noise.Form | None = None, fraud_rate: float = 0.01,
    rates: Rates | None = None,
) -> dict[str, int]:  # fmt: skip
    """Writes the world; returns the rows landed by entity, and by what was done to them."""
    size = PRESETS[preset]
    window = window or size.window
    sellers = size.sellers if sellers is None else sellers
    orders_per_day = size.orders_per_day if orders_per_day is None else orders_per_day
    if sellers < 1 or orders_per_day < 1:
        raise UsageError("a world needs at least one seller and one order a day")
    fraud.check(fraud_rate)
    rates, zone = rates or Rates(), settings.time_zone or "UTC"
    plan = Plan(
        seed,
        zone,
        window.first,
        window.last,
        sellers,
        orders_per_day,
        size.listings_a_seller,
        fraud_rate,
    )
    log.info("simulating %d days, %d sellers, %d orders a day", plan.days, sellers, orders_per_day)
    form = format or ("parquet" if plan.days * orders_per_day >= LARGE else "jsonl")
    with entities(spark, plan) as (facts, truth):
        landing.claim(Path(out), _command(plan, rates, form, list(facts)))
        land = _land_parquet if form == "parquet" else _land_text
        rows = land(facts, plan, rates, Path(out))
        for name, frame in truth.items():
            log.info("truth/%s", name)
            frame.write.mode("overwrite").parquet(str(Path(out) / "truth" / name))
    log.info("landed %d rows of %d entities in %s", sum(rows.values()), len(rows), out)
    planted = landing.tell(Path(out), rows)
    return rows | {f"planted_{fate}": count for fate, count in planted.items()}


def _land_text(facts: dict[str, DataFrame], plan: Plan, rates: Rates, out: Path) -> dict[str, int]:
    """One pass over all entities: a small world is mostly files."""
    shaped = [noise.recorded(TABLES[name], frame, plan, rates, "jsonl")
              for name, frame in facts.items()]  # fmt: skip
    rows = noise.delivered(reduce(DataFrame.union, shaped), plan)
    return landing.write_text(noise.worded(rows), list(facts), out)


def _land_parquet(
    facts: dict[str, DataFrame], plan: Plan, rates: Rates, out: Path
) -> dict[str, int]:
    """Entity by entity, each with its own columns; then what was done to rows of any."""
    rows, told = {}, []
    for name, frame in facts.items():
        table = TABLES[name]
        shaped = noise.recorded(table, frame, plan, rates, "parquet")
        typed = noise.typed(noise.delivered(shaped, plan), table)
        rows[name] = landing.write_parquet(name, typed, out)
        landed = landing.read_parquet(frame.sparkSession, name, out)
        told.append(noise.planted(landed, table, plan, rates))
        log.info("%-22s %d rows", name, rows[name])
    landing.write_text(reduce(DataFrame.union, told), [noise.PLANTED], out)
    return {name: count for name, count in rows.items() if count}


def _command(plan: Plan, rates: Rates, form: str, entities: list[str]) -> dict[str, object]:
    return {
        "command": "simulate.world",
        **asdict(plan), "first": str(plan.first), "last": str(plan.last),
        "rates": asdict(rates), "format": form, "entities": entities,
    }  # fmt: skip


@contextmanager
def entities(
    spark: SparkSession, plan: Plan
) -> Iterator[tuple[dict[str, DataFrame], dict[str, DataFrame]]]:
    """Every entity's facts, and the truth behind them; what they share is kept meanwhile."""
    sellers = people.sellers(spark, plan)
    listings = offers.listings(plan, sellers)
    seller_days = days.seller_days(spark, plan, sellers)
    sent = parcels.parcels(orders.placed(plan, seller_days))
    lines = aftermath.with_aftermath(orders.lines(plan, sent, listings))
    shared = Shared(sellers, listings, seller_days, sent, lines, orders.order_totals(lines))
    for frame in shared:  # on disk: each is read a few times, and a large world fits no memory
        frame.persist(StorageLevel.DISK_ONLY)
    try:
        yield _facts(spark, plan, shared), _truth(spark, plan, shared)
    finally:
        for frame in shared:
            frame.unpersist()


def _facts(spark: SparkSession, plan: Plan, of: Shared) -> dict[str, DataFrame]:
    sellers, seller_days = of.sellers, of.seller_days
    return {
        "sellers": people.seller_versions(sellers),
        "buyers": buyers.buyer_versions(buyers.buyers(spark, plan)),
        "listings": offers.listing_versions(plan, of.listings),
        "orders": orders.orders(of.totals),
        "order_items": orders.order_items(of.lines),
        "order_events": orders.order_events(of.parcels),
        "payments": orders.payments(of.totals),
        "shipments": parcels.shipments(of.parcels),
        "returns": aftermath.returns(of.lines),
        "refunds": aftermath.refunds(of.lines),
        "disputes": voices.disputes(of.lines),
        "messages": voices.messages(of.parcels, of.lines),
        "reviews": voices.reviews(of.parcels),
        "listing_snapshots": days.listing_snapshots(seller_days, plan, of.listings),
        "ad_spend": days.ad_spend(seller_days, plan),
        "buy_box": days.buy_box(seller_days, plan),
        "policy_events": days.policy_events(seller_days, plan, of.listings),
        "enforcement_actions": days.enforcement_actions(seller_days, plan),
        "document_verifications": days.document_verifications(sellers, seller_days, plan),
        "support_tickets": days.support_tickets(seller_days, plan),
        "logins": days.seller_logins(seller_days, plan).unionByName(
            traces.buyer_logins(plan, of.totals)
        ),
        "fx_rates": days.fx_rates(spark, plan),
    }


def _truth(spark: SparkSession, plan: Plan, of: Shared) -> dict[str, DataFrame]:
    """`sellers` (what each is), `seller_days` (his health, the chances that follow from it, and the
    hazard of an enforcement action), `seller_risks` (at month-ends, the chance of an action within
    60 days given all that), `orders` (the fraudulent ones), `disputes` (what really happened, and
    what is right), `listings` (what is wrong with each) and `causes` (what moves orders and prices
    from outside)."""
    numbers = F.broadcast(of.sellers.select("seller_no", "seller_id"))
    return {
        "sellers": of.sellers.select("seller_id", *latent.TRAITS.names),
        "seller_days": of.seller_days.select("seller_id", "day", *latent.DAYS.names[1:]),
        "seller_risks": latent.risks(spark, plan)
        .join(numbers, "seller_no")
        .select("seller_id", "day", "at_risk", "risk_60d"),
        "orders": fraud.truth(plan, of.totals),
        "disputes": voices.dispute_truth(of.lines),
        "listings": offers.truth(of.listings),
        "causes": causes.truth(spark, plan),
    }
