"""The label of a seller's snapshot: does enforcement follow within the horizon?

It is a function of the snapshot's date and of the newest closed day: null while immature, and,
once mature, what was known on the day on which it became so, whenever it is asked.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import LabelsPolicy
from features import asof
from features.asof import KNOWN_FROM, KNOWN_UNTIL

ACTION_KEY = ("action_id",)


def labels(
    snapshots: DataFrame, actions: DataFrame, closed: date, policy: LabelsPolicy, zone: str
) -> DataFrame:
    """`features.seller_labels` of the snapshots (ds, seller_id), as sure as the end of `closed`.

    `actions` are bronze rows of enforcement actions known at the end of `closed`.
    """
    known = asof.versions(actions, ACTION_KEY).select(
        "seller_id", "action", "until", "occurred_at", "known_at", "event_id",
        asof.business_date(F.col("occurred_at"), zone).alias("occurred_ds"),
        KNOWN_FROM, KNOWN_UNTIL,
    )  # fmt: skip
    available_on = F.date_add("ds", policy.sure_after_days)
    asked = snapshots.select("ds", "seller_id", available_on.alias("label_available_on"))
    followed = _followed(asked, known, policy)
    suspended = _suspended(asked, known, zone)
    on = ["ds", "seller_id"]
    mature = F.col("label_available_on") <= F.lit(closed)
    state = F.when(F.col("suspended"), "not_at_risk").when(mature, "mature").otherwise("immature")
    return (
        asked.join(followed, on, "left")
        .join(suspended, on, "left")
        .withColumn("label_state", state)
        .select(
            *on,
            F.when(F.col("label_state") == "mature", F.coalesce("followed", F.lit(False)))
            .alias("high_risk_60d"),
            "label_available_on", "label_state",
        )
    )  # fmt: skip


def given(months: DataFrame, policy: LabelsPolicy) -> DataFrame:
    """`features.seller_labels` from rows of bronze.seller_months: a label that is given is sure."""
    known = F.col("high_risk_60d").isNotNull()
    return months.select(
        "ds", "seller_id", "high_risk_60d",
        F.date_add("ds", policy.sure_after_days).alias("label_available_on"),
        F.when(known, "mature").otherwise("immature").alias("label_state"),
    )  # fmt: skip


def _followed(asked: DataFrame, known: DataFrame, policy: LabelsPolicy) -> DataFrame:
    """(ds, seller_id, followed) for snapshots after which an action of those that count came."""
    counting = known.where(F.col("action").isin(*policy.actions))
    days_after = F.datediff("occurred_ds", "ds")
    return (
        asked.join(counting, "seller_id")
        .where(days_after.between(1, policy.horizon_days) & asof.counts_at("label_available_on"))
        .groupBy("ds", "seller_id")
        .agg(F.lit(True).alias("followed"))
    )


def _suspended(asked: DataFrame, known: DataFrame, zone: str) -> DataFrame:
    """(ds, seller_id, suspended) of sellers with any suspension or reinstatement known at ds."""
    of_account = known.where(F.col("action").isin("suspension", "reinstatement"))
    last = F.max(F.struct("occurred_at", "known_at", "event_id", "action", "until"))
    end = asof.end_of_day(F.col("ds"), zone)
    open_ended = F.col("last.until").isNull() | (F.col("last.until") > end)
    return (
        asked.join(of_account, "seller_id")
        .where(asof.counts_at("ds"))
        .groupBy("ds", "seller_id")
        .agg(last.alias("last"))
        .select("ds", "seller_id", ((F.col("last.action") == "suspension") & open_ended)
                .alias("suspended"))
    )  # fmt: skip
