"""Decide orders: how far each part has come, and what is to be done about the payment.

A ds has rows of the orders that it touched or that fell due on it, as of its end; with --until, of
what an open day has brought so far. Everything follows from facts known by then.

examples:
  ./spark-submit.sh decide.orders --ds 2026-06-30
  ./spark-submit.sh decide.orders --ds 2026-06-30 --until 2026-06-30T14:15:00Z
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.order_settings import OrdersPolicy, load_orders_policy
from conf.settings import Settings
from conf.tables import bronze, decisions, provider
from features import (
    asof,
    order_checks,
    order_lines,
    order_parts,
    payment_standing,
    payment_steps,
    payment_timers,
)  # fmt: skip
from jobs import history, provider_state
from jobs.arguments import LATELY, UNTIL
from jobs.decide.signing import signed
from jobs.history import History
from jobs.lake.io import Lake
from jobs.lake.records import record_decided, require_open
from jobs.state import ORDER_FACTS
from jobs.window import DAY, Window, end_of, start_of

READS = (
    *ORDER_FACTS, bronze.LISTINGS, bronze.SELLERS, bronze.BUYERS, bronze.STRIPE_EVENTS,
    *provider.TABLES, decisions.FRAUD_REVIEWS,
)  # fmt: skip
WRITES = (decisions.ORDERS, decisions.PAYMENTS)
ARGUMENTS = (UNTIL, LATELY)


def run(
    lake: Lake, settings: Settings, window: Window, *, until: datetime | None = None,
    lately: bool = False,
) -> None:  # fmt: skip
    policy = load_orders_policy()
    require_open(lake, window.last, until)
    for ds in window.lately(policy.look_back_days) if lately else window:
        past = history.of(lake, Window.day(ds), until)
        parts, payments = decided(past, policy)
        lake.replace_ds(decisions.ORDERS, parts, [ds], unless_same=until is not None)
        lake.replace_ds(decisions.PAYMENTS, payments, [ds], unless_same=until is not None)
        if until is None:
            record_decided(lake, ds, decisions.ORDERS.writer)


def decided(past: History, policy: OrdersPolicy) -> tuple[DataFrame, DataFrame]:
    """Rows of decisions/orders and decisions/payments as of the end of a window of one day."""
    lake, ds = past.lake, past.window.last
    at = past.until or end_of(ds, lake.zone)
    told = provider_state.of_window(past)
    also = _also(past, policy, told, at)
    of_orders = past.of_orders(ORDER_FACTS, also=also)
    subjects = lake.settle(of_orders.touched)
    now = lake.settle_all(
        {
            table.name: asof.standing(past.versions(table, of_orders.rows[table.name])).join(
                subjects, "order_id", "left_semi"
            )
            for table in ORDER_FACTS
        }
    )
    named = payment_standing.of_order(told["payment_intents"], now["payments"])
    intents = lake.settle(named.join(subjects, "order_id", "left_semi"))
    charges = lake.settle(payment_standing.charges_of(intents, told["charges"]))
    others = payment_standing.in_another_currency(now["orders"], now["payments"], intents)
    paid = now["payments"].join(others, ["order_id", "payment_no"], "left_anti")
    standing = lake.settle(payment_standing.standings(subjects, paid, intents, charges))
    lines = lake.settle(_lines(now, standing, ds))
    errors = order_checks.errors(
        now["orders"], lines, past.all_of(bronze.LISTINGS), past.all_of(bronze.SELLERS), others,
        policy.rules,
    )  # fmt: skip
    demands = _demands(past, now["orders"], lines, standing, errors)
    steps = lake.settle(payment_steps.steps(demands, policy, at))
    return _order_rows(lines, steps, policy, at, ds), _payment_rows(steps, policy, ds)


def _also(
    past: History, policy: OrdersPolicy, told: Mapping[str, DataFrame], at: datetime
) -> DataFrame:
    """(order_id) of what the window concerns though no fact of the order landed in it: the provider
    told of its payment, or something about it falls due."""
    ds = past.window.last
    start = start_of(ds, past.lake.zone)
    payments = past.all_of(bronze.PAYMENTS).where(F.col("ds") >= F.lit(past.since))
    open_ones = payment_timers.in_question(told["payment_intents"], policy, start)
    intents = past.lake.settle(payment_standing.of_order(open_ones, payments))
    charges = payment_standing.charges_of(intents, told["charges"])
    concerned = payment_timers.concerned(intents, charges, policy, start, at)
    told_of = payment_standing.of_order(provider_state.told_on(past, ds), payments)
    asked = timedelta(minutes=policy.seller_is_asked_after_minutes)
    paid = payments.where(
        (F.col("ds") >= F.lit(ds - DAY)) & (F.col("occurred_at") >= F.lit(start - asked))
    )
    age = timedelta(days=policy.completed_after_days)
    delivered = past.all_of(bronze.SHIPMENTS).where(
        (F.col("ds") >= F.lit(ds - age - DAY))
        & (F.col("event") == "delivered")
        & (F.col("occurred_at") >= F.lit(start - age))
        & (F.col("occurred_at") <= F.lit(at - age))
    )
    free = past.all_of(bronze.ORDERS).where(
        (F.col("ds") >= F.lit(ds - DAY))
        & (F.col("total_minor") == 0)
        & (F.col("occurred_at") >= F.lit(start - asked))
    )
    reviewed = _reviews(past).where(F.col("ds") == F.lit(ds))
    found = (concerned, told_of, paid, delivered, free, reviewed)
    parts = [frame.select("order_id") for frame in found]
    return past.lake.settle(reduce(DataFrame.union, parts).dropna().distinct())


def _demands(
    past: History, orders: DataFrame, lines: DataFrame, standing: DataFrame, errors: DataFrame
) -> DataFrame:
    """What `payment_steps.steps` decides upon, with the order's own columns."""
    sellers = _newest(past.all_of(bronze.SELLERS), "seller_id", "marketplace")
    buyers = _newest(past.all_of(bronze.BUYERS), "buyer_id", "stripe_customer_id")
    own = orders.select(
        "order_id", "buyer_id", "currency", "total_minor", "payment_method", "payment_method_id",
        F.col("occurred_at").alias("placed_at"),
    )  # fmt: skip
    reviews = _reviews(past).groupBy("order_id").agg(
        F.max_by("outcome", "decided_at").alias("review"),
        F.max("decided_at").alias("reviewed_at"),
    )  # fmt: skip
    return (
        standing.join(own, "order_id", "left")
        .join(order_parts.demands(lines), "order_id", "left")
        .join(errors, "order_id", "left")
        .join(reviews, "order_id", "left")
        .join(sellers.withColumnRenamed("seller_id", "first_seller_id"), "first_seller_id", "left")
        .join(buyers.withColumnRenamed("stripe_customer_id", "customer_id"), "buyer_id", "left")
        .na.fill(
            0,
            [
                "lines",
                "living",
                "confirmed",
                "living_minor",
                "confirmed_minor",
                "captured_living_minor",
            ],
        )
    )


def _reviews(past: History) -> DataFrame:
    """What was decided about orders that might be fraud, as far as it was known by then."""
    end = past.until or end_of(past.window.last, past.lake.zone)
    return past.lake.read(decisions.FRAUD_REVIEWS).where(
        F.col("ds").between(past.since, past.window.last) & (F.col("decided_at") < F.lit(end))
    )


def _newest(versions: DataFrame, key: str, name: str) -> DataFrame:
    """The value of the newest version of each key; none where that is retracted."""
    value = F.when(~F.col("retracted"), F.col(name))
    newest = F.max_by(value, F.struct(*asof.VERSION_ORDER)).alias(name)
    return versions.groupBy(key).agg(newest)


def _lines(now: Mapping[str, DataFrame], standing: DataFrame, ds: date) -> DataFrame:
    each = order_lines.lines(now, ds)
    captured = order_lines.with_captured(each, payment_standing.captures(standing))
    return order_lines.with_refunds(captured, now["refunds"])


def _order_rows(
    lines: DataFrame, steps: DataFrame, policy: OrdersPolicy, at: datetime, ds: date
) -> DataFrame:
    of_order = steps.select(
        "order_id", "errors", "state", "reason", "first_paid_at", "buyer_id", "currency",
        "marketplace", "review", "reviewed_at",
        F.coalesce("intent_status_at", "adopted_failed_at").alias("state_at"),
    )  # fmt: skip
    known = order_parts.parts(lines)
    named = known.join(of_order, "order_id").withColumn(
        "currency", F.coalesce("currency", "line_currency")
    )
    bare = of_order.join(known.select("order_id"), "order_id", "left_anti")
    both = named.unionByName(bare.transform(order_parts.without_lines), allowMissingColumns=True)
    decided = order_parts.outcomes(both, policy, at)
    return signed(decided, decisions.ORDERS, policy.version, ds)


def _payment_rows(steps: DataFrame, policy: OrdersPolicy, ds: date) -> DataFrame:
    held = F.col("intent_status") == "requires_capture"
    rows = steps.select(
        "order_id", "outcome", "state", "payment_no", "amount_minor", "due_at",
        "payment_method_id", "customer_id", "seen_request_keys",
        F.col("live_intents").cast("int").alias("live_intents"),
        F.coalesce("currency", "intent_currency").alias("currency"),
        F.array_compact(F.array("reason")).alias("reason_codes"),
        payment_steps.legal_entity(F.col("marketplace"), policy).alias("legal_entity"),
        F.when(held, F.col("intent_capturable_minor")).otherwise(0).alias("authorized_minor"),
        (F.col("received_minor") + F.col("adopted_captured_minor")).alias("captured_minor"),
        F.col("intent_id").alias("payment_intent_id"),
        F.col("intent_charge_id").alias("charge_id"),
        F.col("intent_capture_before").alias("capture_before"),
    )  # fmt: skip
    return signed(rows, decisions.PAYMENTS, policy.version, ds)
