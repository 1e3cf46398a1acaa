"""The outbox: follow-ups as notices, one a step of an order, and who gets them."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.follow_ups import still_holds
from features.keys import key_of, key_of_list

TITLES_MOST = 5
INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'+00:00'"


def keyed(due: DataFrame) -> DataFrame:
    """Follow-ups with their notice_key: SHA-256 of order, seller and step. A step that is due
    again on a later day is the same notice: the first day counts."""
    key = key_of(*(F.col(name) for name in ("order_id", "seller_id", "step")))
    named = due.withColumn("notice_key", key)
    first = Window.partitionBy("notice_key").orderBy("ds")
    return named.withColumn("_nth", F.row_number().over(first)).where("_nth = 1").drop("_nth")


def planned(new: DataFrame, listings: DataFrame, sellers: DataFrame) -> DataFrame:
    """Rows of actions/notices, planned together: those of one recipient and step that go in one
    mail share a mail_key, which is frozen with them."""
    digest = Window.partitionBy("recipient_kind", "recipient_id", "step")
    keys = F.array_sort(F.collect_list("notice_key").over(digest))
    together = (F.col("recipient_kind") != "buyer") & (F.size(keys) > 1)
    mail_key = F.when(together, key_of_list(keys)).otherwise(F.col("notice_key"))
    named = _with_names(new, listings, sellers)
    facts = F.to_json(
        F.struct(
            F.col("payable_minor").alias("amount_minor"),
            "currency",
            _text(F.col("since")).alias("since"),
            _text(F.col("deliver_by")).alias("until"),
            "titles",
            "seller_name",
        )
    )
    nothing = {
        name: F.lit(None).cast(kind)
        for name, kind in (
            ("settled_at", "timestamp"), ("next_attempt_at", "timestamp"), ("error", "string"),
        )
    }  # fmt: skip
    return named.withColumns(
        {
            "mail_key": mail_key, "facts": facts, "state": F.lit("PLANNED"),
            "attempts": F.lit(0), **nothing,
        }
    )  # fmt: skip


def no_longer_needed(open_notices: DataFrame, parts: DataFrame) -> DataFrame:
    """The open notices whose order does not need them any more. `parts`: the newest progress
    of each part; a notice for a whole order holds as long as it does for any of them."""
    n, p = open_notices.alias("n"), parts.alias("p")
    about = (F.col("n.order_id") == F.col("p.order_id")) & (
        (F.col("n.seller_id") == "") | (F.col("n.seller_id") == F.col("p.seller_id"))
    )
    holds = still_holds(F.col("n.step"), F.col("p.progress"))
    needed = n.join(p, about).where(holds).select("n.notice_key").distinct()
    return open_notices.join(needed, "notice_key", "left_anti")


def with_recipients(open_notices: DataFrame, sellers: DataFrame, buyers: DataFrame) -> DataFrame:
    """Notices with address, recipient_name and country as they are now."""
    named = sellers.select(
        F.lit("seller").alias("recipient_kind"), F.col("seller_id").alias("recipient_id"),
        F.col("email").alias("address"), F.col("name").alias("recipient_name"),
        F.col("marketplace").alias("country"),
    )  # fmt: skip
    anonymous = buyers.select(
        F.lit("buyer").alias("recipient_kind"), F.col("buyer_id").alias("recipient_id"),
        F.col("email").alias("address"), F.lit("").alias("recipient_name"), "country",
    )  # fmt: skip
    people = named.unionByName(anonymous)
    return open_notices.join(people, ["recipient_kind", "recipient_id"], "left")


def _with_names(new: DataFrame, listings: DataFrame, sellers: DataFrame) -> DataFrame:
    each = new.select(
        "notice_key", F.explode(F.slice("lines", 1, TITLES_MOST)).alias("line")
    ).select("notice_key", "line.line_no", "line.listing_id")
    titled = each.join(listings.select("listing_id", "title"), "listing_id").groupBy("notice_key")
    titles = titled.agg(
        F.transform(
            F.array_sort(F.collect_list(F.struct("line_no", "title"))), lambda line: line["title"]
        ).alias("titles")
    )
    names = sellers.select("seller_id", F.col("name").alias("seller_name"))
    return (
        new.join(titles, "notice_key", "left")
        .join(names, "seller_id", "left")
        .withColumn("titles", F.coalesce("titles", F.array().cast("array<string>")))
    )


def _text(instant: Column) -> Column:
    return F.date_format(instant, INSTANT)
