"""The payment provider's objects as known at the end of a window, or at an instant within it.

What refine has merged is served as it stands, with what came after it added up on top. Where silver
knows more than is asked for, all of it is added up from bronze, by the same function.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.tables import bronze, provider
from features import provider as told_by_provider
from jobs.history import LOOK_BACK_DAYS, History
from jobs.lake.records import newest_day

JOB = "refine.provider"


def of_window(past: History) -> dict[str, DataFrame]:
    """The rows of each table of `conf.tables.provider` by name, as of the end of the window."""
    lake = past.lake
    refined = newest_day(lake, "refined", JOB)
    serves = refined is not None and refined <= past.window.last
    events = past.all_of(bronze.STRIPE_EVENTS)
    if serves:
        events = events.where(F.col("ds") > F.lit(refined))
    told = told_by_provider.told(lake.settle(events))
    return {
        table.name: told_by_provider.with_month(
            table,
            _added(past, table, told[table.name]) if serves
            else told_by_provider.added_up(table, told[table.name]),
            lake.zone,
        )
        for table in provider.TABLES
    }  # fmt: skip


def told_on(past: History, first: date) -> DataFrame:
    """(payment_intent_id, order_id, payment_no, request_key) of what the provider told from the
    business date `first` on."""
    events = past.all_of(bronze.STRIPE_EVENTS).where(F.col("ds") >= F.lit(first))
    told = told_by_provider.told(events)
    columns = ("payment_intent_id", "order_id", "payment_no", "request_key")
    charges = told[provider.CHARGES.name].withColumn("request_key", F.lit(None).cast("string"))
    named = told[provider.PAYMENT_INTENTS.name].select(*columns).union(charges.select(*columns))
    return named.distinct()


def _added(past: History, table: provider.Table, new: DataFrame) -> DataFrame:
    """What stands, and new rows added up with those of it that they are about."""
    (key,) = table.key
    # An object may be older than what has landed.
    since = (past.window.first - timedelta(days=LOOK_BACK_DAYS)).replace(day=1)
    stands = past.lake.read(table).where(F.col("occurred_month") >= F.lit(since))
    keys = new.select(key).distinct()
    about = stands.join(keys, key, "left_semi")
    rest = stands.join(keys, key, "left_anti").drop("occurred_month")
    return rest.unionByName(told_by_provider.added_to(table, about, new))
