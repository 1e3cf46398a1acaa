"""Repeats of an event_id that ingest could not see, because the first stood too far back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import asof
from jobs.history import History
from jobs.lake.records import record_quality
from jobs.state import SOURCE

log = logging.getLogger(__name__)

CHECK = "conflicting_repeat"


def report_conflicts(past: History, rows: Mapping[str, DataFrame]) -> None:
    """Records, per entity and landing day of the window, how many rows repeat an event_id of the
    same key with other content, and where the first of them and its forerunner stand.

    `rows` are bronze rows of the touched keys by entity. The first row of an event_id counts, here
    as everywhere: nothing is changed.
    """
    if not rows:
        return
    narrow = [
        past.in_question(SOURCE[name], frame).select(
            F.lit(name).alias("entity"),
            asof.key_hash(SOURCE[name].natural_key).alias("key"),
            "event_id", "content_hash", *asof.FIRST_LANDED,
        )
        for name, frame in rows.items()
    ]  # fmt: skip
    row_hash = F.xxhash64("entity", "key", "event_id")
    union = reduce(DataFrame.union, narrow).withColumn("row_hash", row_hash)
    # Hardly ever is there any: looked for by hashes first, without a sort of all rows.
    suspect = past.lake.settle(_suspect(union))
    if suspect.isEmpty():
        return
    among = union.join(suspect, "row_hash", "left_semi")
    repeats = asof.conflicting_repeats(among, ("entity", "key"))
    place = F.concat_ws(":", "source_file", "source_line")
    first = F.concat_ws(":", "first_file", "first_line")
    sentence = F.concat(
        F.lit("event_id "), F.substring("event_id", 1, 80), F.lit(": "), place,
        F.lit(" against "), first, F.lit(", which counts"),
    )  # fmt: skip
    order = F.struct("source_file", "source_line")
    found = (
        repeats.where(F.col("ds") >= F.lit(past.window.first))
        .groupBy("entity", "ds")
        .agg(F.count(F.lit(1)).alias("rows"), F.min_by(sentence, order).alias("detail"))
        .orderBy("ds", "entity")
        .collect()
    )
    for row in found:
        log.warning(
            "%s of %s: %d rows repeat an event_id with other content; %s",
            row["entity"], row["ds"], row["rows"], row["detail"],
        )  # fmt: skip
    record_quality(
        past.lake,
        [
            {"table": SOURCE[row["entity"]].path, "check": CHECK, "ds": row["ds"],
             "rows": row["rows"], "detail": row["detail"]}
            for row in found
        ],
    )  # fmt: skip


def _suspect(rows: DataFrame) -> DataFrame:
    """(row_hash) of the events that may come with different contents for one key."""
    contents = F.min("content_hash").alias("least"), F.max("content_hash").alias("most")
    return rows.groupBy("row_hash").agg(*contents).where("least <> most").select("row_hash")
