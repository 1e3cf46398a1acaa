"""Which steps of following up an order fall due, from how its parts stand and the timers' policy.

A step is due at an instant, and whether it was needed is judged as of that instant: so that a day
gives the same rows whenever it is decided. A step of which the facts came late is due on the day on
which they were known. Whether it still holds is asked again before it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.notice_settings import NoticesPolicy, Step

KEY = ("order_id", "seller_id")
STEP_KEY = (*KEY, "step")
UNDER_WAY = ("awaiting_seller", "partly_confirmed", "confirmed", "shipped", "delivered",
             "completed")  # fmt: skip


@dataclass(frozen=True)
class Need:
    """What a step is needed for: how far a part is while it still holds, and how far where it may
    have fallen due; the times that end the need. `of_order`: one for all parts."""

    holds: tuple[str, ...]
    since: tuple[str, ...]
    ended_by: tuple[str, ...] = ()
    of_order: bool = False


_ASKED = Need(
    ("awaiting_seller", "partly_confirmed"), UNDER_WAY, ("confirmed_at", "cancelled_at")
)  # fmt: skip
NEEDS: Mapping[str, Need] = {
    "remind_seller": _ASKED,
    "warn_seller": _ASKED,
    "escalate": _ASKED,
    "check_delivery": Need(
        ("confirmed", "shipped"), ("confirmed", "shipped", "delivered", "completed"),
        ("delivered_at", "cancelled_at"),
    ),
    "ask_review": Need(("delivered", "completed"), ("delivered", "completed")),
    "payment_action": Need(("requires_action",), ("requires_action",), of_order=True),
    "payment_failed": Need(("payment_failed",), ("payment_failed",), of_order=True),
}  # fmt: skip


def due(
    parts: DataFrame, before: DataFrame, policy: NoticesPolicy, since: datetime, until: datetime
) -> DataFrame:
    """The steps that fell due before `until`, and had not by `since`: order_id, seller_id, step,
    recipient_kind, recipient_id, reason_codes, due_at, expires_at, since, and of the part
    currency, payable_minor, placed_at, deliver_by, lines.

    `parts`: `decided.newest` as of `until`; `before`: as of `since`. What was too late to be sent
    by `since` is left out. An interval of hours is elapsed time.
    """
    now = _fell_due(parts, policy, until).where(F.col("expires_at") > F.lit(since))
    had = _fell_due(before, policy, since).select(*STEP_KEY)
    return now.join(had, list(STEP_KEY), "left_anti")


def still_holds(step: Column, progress: Column) -> Column:
    """Is there still a need for the step, with a part so far?"""
    needed = [(step == name) & progress.isin(*need.holds) for name, need in NEEDS.items()]
    return F.coalesce(reduce(or_, needed), F.lit(False))


def _fell_due(parts: DataFrame, policy: NoticesPolicy, until: datetime) -> DataFrame:
    steps = [_of_step(parts, name, step, until) for name, step in policy.steps.items()]
    return reduce(DataFrame.unionByName, steps)


def _of_step(parts: DataFrame, name: str, step: Step, until: datetime) -> DataFrame:
    need = NEEDS[name]
    due_at = F.col(step.since) + F.expr(f"interval {step.after_hours} hours")
    expires_at = due_at + F.expr(f"interval {step.stale_after_hours} hours")
    fell = (due_at < F.lit(until)) & F.col("progress").isin(*need.since)
    for end in need.ended_by:
        fell &= F.col(end).isNull() | (F.col(end) > due_at)
    concerned = parts.where(fell)
    if need.of_order:
        first = F.min("seller_id").alias("seller_id")
        concerned = concerned.join(concerned.groupBy("order_id").agg(first), list(KEY))
    recipients = {"seller": F.col("seller_id"), "buyer": F.col("buyer_id"), "operations": F.lit("")}
    return concerned.select(
        "order_id",
        (F.lit("") if need.of_order else F.col("seller_id")).alias("seller_id"),
        F.lit(name).alias("step"),
        F.lit(step.recipient).alias("recipient_kind"),
        F.coalesce(recipients[step.recipient], F.lit("")).alias("recipient_id"),
        F.array(F.lit(step.since)).alias("reason_codes"),
        due_at.alias("due_at"),
        expires_at.alias("expires_at"),
        F.col(step.since).alias("since"),
        "currency", "payable_minor", "placed_at", "deliver_by", "lines",
    )  # fmt: skip
