"""What is wrong with a parsed row, and what becomes of it: the same rules for every source.

A row's fate is `good` (appended to bronze), `replay` (it is there already, from this very place:
an earlier run was cut short), `duplicate` (its content is there already) or `rejected`.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.contract import Check, Table
from conf.currencies import CODES
from conf.rejections import Rejection
from conf.tables import bronze

FATES = ("good", "replay", "duplicate", "rejected")


def with_content(parsed: DataFrame, table: Table, zone: str) -> DataFrame:
    """Parsed rows with their defaults and their `content_hash`.

    A row without `known_at` is known at the last microsecond of its landing day; so is one whose
    `known_at` lies before that day, and the original is kept in `extra`.
    """
    start = F.to_utc_timestamp(F.col("ds").cast("timestamp"), zone)
    end = F.to_utc_timestamp(F.date_add("ds", 1).cast("timestamp"), zone)
    original = F.date_format("known_at", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    raised = F.map_concat("extra", F.create_map(F.lit("known_at"), original))
    extra = F.coalesce("extra", F.create_map().cast("map<string,string>"))
    defaulted = parsed.withColumns(
        {"extra": extra, "_given_known_at": F.col("known_at")}
    ).withColumns(
        {
            "extra": F.when(F.col("known_at") < start, raised).otherwise(F.col("extra")),
            "known_at": F.when(F.col("known_at") >= start, F.col("known_at")).otherwise(
                end - F.expr("interval 1 microsecond")
            ),
            "retracted": F.coalesce("retracted", F.lit(False)),
            "_end": end,
        }
    )
    return defaulted.withColumn("content_hash", _content_hash(table))


def with_findings(rows: DataFrame, table: Table, *, landed: bool = True) -> DataFrame:
    """Adds to `_reasons` and `_detail` what the contract says against a row that could be read.

    `required` columns bind landed rows only: a ready-made input may not know them.
    """
    rules = [rule for rule in _rules(table) if landed or rule[0] is not Rejection.MISSING_VALUE]
    codes = F.array_distinct(
        F.array_compact(F.array(*(F.when(broken, F.lit(r.code)) for r, broken, _ in rules)))
    )
    details = F.concat_ws("; ", *(F.when(broken, detail) for _, broken, detail in rules))
    # Most rows are sound: lists are made of the others only.
    any_broken = reduce(or_, (F.coalesce(broken, F.lit(False)) for _, broken, _ in rules))
    judged = (F.size("_reasons") == 0) & any_broken
    return rows.withColumns(
        {
            "_reasons": F.when(judged, codes).otherwise(F.col("_reasons")),
            "_detail": F.when(judged, details).otherwise(F.col("_detail")),
        }
    ).drop("_given_known_at", "_end")


def repeated_ids(rows: DataFrame, known: DataFrame) -> DataFrame:
    """(id_hash) of the event_ids that come more than once, in the rows or in bronze.

    Hashes are counted because they are short: a few ids that come once may be among them.
    """
    run = rows.select(_id_hash(), F.lit(1).alias("here"))
    both = run.unionByName(known.select(_id_hash(), F.lit(0).alias("here")))
    times, here = F.count(F.lit(1)).alias("times"), F.max("here").alias("here")
    counts = both.groupBy("id_hash").agg(times, here)
    return counts.where("times > 1 and here = 1").select("id_hash")


def among(rows: DataFrame, repeated: DataFrame) -> DataFrame:
    """The rows with one of these ids."""
    hashed = rows.withColumn("id_hash", _id_hash())
    return hashed.join(repeated, "id_hash", "left_semi").drop("id_hash")


def _id_hash() -> Column:
    return F.xxhash64("event_id").alias("id_hash")


def first_of(rows: DataFrame, known: DataFrame) -> DataFrame:
    """(event_id, _first): where the row of each event_id stands that counts, and its content.

    `known` holds rows of bronze: event_id, content_hash, source_file, source_line, source_sha256.
    A row in bronze counts before one of this run, within a run the first by file and line.
    """
    place = ["event_id", "content_hash", "source_file", "source_line", "source_sha256"]
    run = rows.where(F.size("_reasons") == 0).select(*place, F.lit(False).alias("landed"))
    both = run.unionByName(known.select(*place, F.lit(True).alias("landed")))
    order = F.struct(~F.col("landed"), "source_file", "source_line")
    found = F.struct("landed", "content_hash", "source_file", "source_line", "source_sha256")
    return both.groupBy("event_id").agg(F.min_by(found, order).alias("_first"))


def with_fate(rows: DataFrame, first: DataFrame) -> DataFrame:
    """Adds `_fate`, comparing rows with the `first_of` their event_id where it is repeated.

    A row that is not the first and has other content is rejected and names both.
    """
    judged = rows.join(first, "event_id", "left")
    here = F.concat_ws(":", "source_file", "source_line")
    there = F.concat_ws(":", "_first.source_file", "_first.source_line")
    same_place = (F.col("_first.source_sha256") == F.col("source_sha256")) & (
        F.col("_first.source_line") == F.col("source_line")
    )
    clean = F.size("_reasons") == 0
    equal = F.col("_first.content_hash") == F.col("content_hash")
    fate = (
        F.when(~clean, "rejected")
        .when(F.col("_first").isNull(), "good")
        .when(same_place, F.when(F.col("_first.landed"), "replay").otherwise("good"))
        .when(equal, "duplicate")
        .otherwise("rejected")
    )
    conflict = clean & (fate == "rejected")
    text = F.concat(F.lit("event_id "), "event_id", F.lit(": "), here, F.lit(" against "), there)
    return judged.withColumns(
        {
            "_fate": fate,
            "_detail": F.when(conflict, text).otherwise(F.col("_detail")),
            "_reasons": F.when(conflict, F.array(F.lit(Rejection.CONFLICT.code))).otherwise(
                F.col("_reasons")
            ),
        }
    ).drop("_first")


def _content_hash(table: Table) -> Column:
    # A map cannot be hashed; its sorted entries can. known_at is no part of the content.
    entries = F.map_entries("extra")
    extra = F.array_sort(F.filter(entries, lambda entry: entry["key"] != "known_at"))
    payload = [F.col(column.name) for column in bronze.payload(table)]
    kept = F.when(F.size("extra") == 0, "[]").otherwise(F.to_json(extra))
    return F.xxhash64("occurred_at", "retracted", *payload, kept)


def _rules(table: Table) -> list[tuple[Rejection, Column, Column]]:
    """(reason, condition that is true for a bad row, what was found) for every rule."""
    keys = (bronze.c.EVENT_ID.name, *table.natural_key)
    landing = [*bronze.HEAD, *bronze.payload(table)]
    texts = [c.name for c in landing if c.name in keys and c.type == "string"]
    required = [c.name for c in landing if c.required and c.name not in keys]
    coded = [c for c in landing if c.codes]
    money = [c.name for c in landing if c.name in bronze.CURRENCY_COLUMNS]
    return [
        *((Rejection.EMPTY_KEY, F.trim(F.col(n)) == "", F.lit(n)) for n in texts),
        *((Rejection.NULL_KEY, F.col(n).isNull(), F.lit(n)) for n in keys),
        *((Rejection.MISSING_VALUE, F.col(n).isNull(), F.lit(n)) for n in required),
        *((Rejection.UNKNOWN_CODE, ~F.col(c.name).isin(*c.codes), _found(c.name)) for c in coded),
        *((Rejection.UNKNOWN_CURRENCY, ~F.col(n).isin(*CODES), _found(n)) for n in money),
        (
            Rejection.KNOWN_BEFORE_OCCURRED,
            F.coalesce("_given_known_at", "known_at") < F.col("occurred_at"),
            F.lit("known_at is before occurred_at"),
        ),
        (
            Rejection.KNOWN_AFTER_DAY,
            F.col("_given_known_at") >= F.col("_end"),
            F.concat(F.lit("known_at "), F.col("_given_known_at").cast("string")),
        ),
        *((Rejection.CHECK_FAILED, ~F.expr(c.sql), F.lit(c.sentence)) for c in _checks(table)),
    ]


def _checks(table: Table) -> list[Check]:
    own = {f"{name}_present" for name in table.natural_key} | {"known_after_occurred"}
    return [check for check in table.checks if check.name not in own]


def _found(name: str) -> Column:
    return F.concat(F.lit(f"{name} "), F.substring(name, 1, 40))
