"""Report what is to be done about orders and payments, as a page: pages/orders/<ds>.html.

Holds by the hours that are left, stuck requests, refunds due, payments and follow-ups. Orders are
those of the last 60 days as of the end of the day; requests and notices as their tables are now.

examples:
  ./spark-submit.sh report.order_operations --ds 2026-06-30
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.currencies import EXPONENTS
from conf.order_settings import load_orders_policy
from conf.settings import Settings
from conf.tables import actions, decisions
from features import decided
from jobs.lake.io import Lake
from jobs.report import html, order_facts, order_operations_page
from jobs.report.order_facts import Facts
from jobs.window import Window, end_of

READS = (decisions.ORDERS, decisions.PAYMENTS, decisions.FOLLOW_UPS, actions.PAYMENT_INTENTS,
         actions.NOTICES)  # fmt: skip
WRITES = ()

LOOK_BACK = timedelta(days=60)
NOTICES_BACK = timedelta(days=order_facts.NOTICE_DAYS - 1)
URGENT, STUCK, REFUNDS = 10, 25, 20
LONGEST_HOURS = 96
"""Of what is left of a hold: all beyond counts as one."""

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    ds = window.last
    facts = facts_of(lake, ds, load_orders_policy().new_request_after)
    rendered = html.rendered("order_operations", page=order_operations_page.page(facts))
    path = f"{lake.root}/pages/orders/{ds}.html"
    html.write_text(lake.spark, path, rendered)
    log.info("wrote %s", path)


def facts_of(lake: Lake, ds: date, new_request_after: Sequence[str]) -> Facts:
    """What the page tells of a day: sums, and the few orders at the top of each list."""
    standing = lake.settle(_standing(lake, ds))
    stuck = lake.settle(_stuck(lake, standing, ds, new_request_after))
    ending = standing.where("state = 'held' and seconds_left is not null")
    refunds = standing.where("refund_due_minor > 0")
    return Facts(
        ds=ds,
        groups=_rows(_groups(standing)),
        urgent=_rows(ending.orderBy("seconds_left", "order_id").limit(URGENT)),
        request_groups=_rows(
            stuck.groupBy("state", "needs_person", "error_code")
            .agg(F.count(F.lit(1)).alias("requests"))
        ),
        requests=_rows(stuck.orderBy("urgency", "planned_at", "order_id").limit(STUCK)),
        refunds=_rows(refunds.orderBy(_size().desc(), "order_id").limit(REFUNDS)),
        due=_rows(_due(lake, ds)),
        notices=_rows(
            _lately(lake.read(actions.NOTICES), ds, NOTICES_BACK)
            .groupBy("step", "state").agg(F.count(F.lit(1)).alias("notices"))
        ),
    )  # fmt: skip


def _standing(lake: Lake, ds: date) -> DataFrame:
    """One row an order of the last 60 days: how it and its payment stand at the end of ds.

    amount_minor is what is held, or captured, else what is to pay; seconds_left of a hold counts to
    the end of ds, and is null where the provider has not told when it ends.
    """
    payments = _lately(lake.read(decisions.PAYMENTS), ds, LOOK_BACK).select(
        "ds", "order_id", "outcome", F.get("reason_codes", F.lit(0)).alias("reason"),
        "payment_intent_id", "capture_before", "authorized_minor", "captured_minor",
        "live_intents",
        F.when((F.col("state") == "held") & (F.col("authorized_minor") == 0), "held_by_others")
        .otherwise(F.col("state")).alias("state"), "currency",
    )  # fmt: skip
    orders = decided.newest(_orders(lake, ds)).drop("ds")
    both = decided.newest(payments).join(orders, "order_id", "left")
    end = int(end_of(ds, lake.zone).timestamp())
    return both.withColumns(
        {
            "currency": F.coalesce("currency", "line_currency"),
            "amount_minor": F.when(F.col("state") == "held", F.col("authorized_minor"))
            .when(F.col("state") == "paid", F.col("captured_minor"))
            .otherwise(F.coalesce("payable_minor", F.lit(0))),
            "refund_due_minor": F.coalesce("refund_due_minor", F.lit(0)),
            "seconds_left": F.unix_seconds("capture_before") - F.lit(end),
        }
    ).drop("line_currency", "capture_before", "authorized_minor")


def _orders(lake: Lake, ds: date) -> DataFrame:
    """Rows of decisions/orders put together: one an order and ds."""

    living = F.filter("lines", lambda line: ~line["is_cancelled"])
    confirmed = F.filter(living, lambda line: line["is_confirmed"])
    parts = _lately(lake.read(decisions.ORDERS), ds, LOOK_BACK)
    return parts.groupBy("order_id", "ds").agg(
        F.max("order_outcome").alias("order_outcome"),
        F.max("currency").alias("line_currency"),
        F.sum("payable_minor").alias("payable_minor"),
        F.sum("refund_due_minor").alias("refund_due_minor"),
        F.sum(F.size(living)).alias("lines"),
        F.sum(F.size(confirmed)).alias("confirmed_lines"),
    )


def _groups(standing: DataFrame) -> DataFrame:
    """Orders counted by all that the page tells them apart by: some thousand rows at most."""
    left = F.col("seconds_left")
    hours = F.when(left <= 0, -1).otherwise(F.least(F.floor(left / 3600), F.lit(LONGEST_HOURS)))
    held = standing.withColumn("hours_left", F.when(F.col("state") == "held", hours))
    return held.groupBy(
        "state", "outcome", "reason", "order_outcome", "currency", "hours_left"
    ).agg(
        F.count(F.lit(1)).alias("orders"),
        F.sum("amount_minor").alias("amount_minor"),
        F.count_if(F.col("live_intents") > 1).alias("held_twice"),
        F.count_if(F.col("refund_due_minor") > 0).alias("refunds"),
        F.sum("refund_due_minor").alias("refund_due_minor"),
    )


def _stuck(
    lake: Lake, standing: DataFrame, ds: date, new_request_after: Sequence[str]
) -> DataFrame:
    """Requests that are in doubt, were planned before ds and not sent, or wait for a person.

    A rejected one waits for a person while the newest decision still asks for the same: then the
    planner does not ask again. A declined authorization made an object, and is no such case.
    """
    requests = _lately(lake.read(actions.PAYMENT_INTENTS), ds, LOOK_BACK)
    wanted = standing.select(
        "order_id", F.col("outcome").alias("wanted"),
        F.col("payment_intent_id").alias("wanted_intent_id"),
    )  # fmt: skip
    state, is_authorize = F.col("state"), F.col("operation") == "authorize"
    same_intent = F.col("wanted_intent_id").eqNullSafe(F.col("payment_intent_id"))
    still_asked = F.col("wanted").eqNullSafe(F.col("operation")) & (is_authorize | same_intent)
    declined = is_authorize & F.col("provider_id").isNotNull()
    again = F.coalesce(F.col("error_code").isin(*new_request_after), F.lit(False))
    refused = (state == "REJECTED") & ~declined & ~again & still_asked
    in_doubt = state.isin("UNKNOWN", "SENDING")
    unsent = (state == "PLANNED") & (F.col("ds") < F.lit(ds))
    found = requests.join(wanted, "order_id", "left").where(
        F.col("needs_person") | in_doubt | unsent | refused
    )
    urgency = F.when(F.col("needs_person"), 0).when(refused, 1).when(in_doubt, 2).otherwise(3)
    return found.select(
        "order_id", "operation", "state", "needs_person", "amount_minor",
        "currency", "attempts", "error_code", "planned_at", urgency.alias("urgency"),
        F.date_format("next_attempt_at", "d MMM HH:mm").alias("next_attempt_at"),
    )  # fmt: skip


def _due(lake: Lake, ds: date) -> DataFrame:
    """Notices that fell due, by step: one that is due again on a later day counts once."""
    due = _lately(lake.read(decisions.FOLLOW_UPS), ds, NOTICES_BACK)
    return due.groupBy("step").agg(F.count_distinct("order_id", "seller_id").alias("due"))


def _lately(rows: DataFrame, ds: date, back: timedelta) -> DataFrame:
    return rows.where(F.col("ds").between(ds - back, ds))


def _size() -> Column:
    """Refund due in thousandths of the currency's unit, to sort by: there are no rates here."""
    factors = {code: 10 ** (3 - digits) for code, digits in EXPONENTS.items()}
    pairs = F.create_map(*(F.lit(part) for pair in factors.items() for part in pair))
    return F.col("refund_due_minor") * F.coalesce(F.element_at(pairs, F.col("currency")), F.lit(10))


def _rows(frame: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in frame.collect()]
