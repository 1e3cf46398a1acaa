"""What is recorded of an Olist delivery: its days, and its files counted in their own rows."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import ContractBroken
from jobs.ingest.olist_delivery import TIMES, Delivery
from jobs.ingest.olist_files import GivenFile
from jobs.ingest.olist_parties import UNNAMED
from jobs.ingest.olist_tables import TRANSLATIONS
from jobs.ingest.publish import Landing
from jobs.window import Window


def records_of(olist: Delivery, given: list[GivenFile]) -> dict[str, int]:
    """Records by file (sha256); ContractBroken names every file that is refused whole."""
    place = ("source_sha256", "source_line", "_detail")
    rows = reduce(DataFrame.union, (table.select(*place) for table in olist.tables.values()))
    refused = F.max(F.when(F.col("source_line") == 0, F.col("_detail"))).alias("refused")
    number = F.count(F.lit(1)).alias("records")
    found = rows.groupBy("source_sha256").agg(number, refused).collect()
    names = {file.sha256: file.name for file in given}
    problems = [f"{names[r.source_sha256]}: {r.refused}" for r in found if r.refused is not None]
    if problems:
        raise ContractBroken(f"{'; '.join(sorted(problems))}. Nothing was published")
    return {row.source_sha256: row.records for row in found}


def days_of(olist: Delivery, zone: str) -> Window:
    """The business dates on which something became known; ContractBroken when there is no order."""
    at = F.explode(F.array(*TIMES)).alias("at")
    of_orders = olist.placed.select(at, F.lit(True).alias("of_order"))
    of_reviews = olist.reviews.select("review_answer_timestamp", F.lit(False))
    date = F.to_date(F.from_utc_timestamp("at", zone))
    first, last, any_order = F.min(date), F.max(date), F.bool_or("of_order")
    row = of_orders.union(of_reviews).agg(first, last, any_order).first()
    if row is None or not row[2]:
        raise ContractBroken("no order has a readable time of purchase. Nothing was published")
    return Window(row[0], row[1])


def for_the_gate(landing: Landing) -> Landing:
    """The landing without the rows that no order names: these are unused, not broken."""
    if not landing.total("rejected"):
        return landing
    unnamed = F.col("_detail") == f"occurred_at: {UNNAMED}"
    unused = landing.rows.where((F.col("_fate") == "rejected") & unnamed).count()
    good, rejected = landing.total("good", "replay", "duplicate"), landing.total("rejected")
    return replace(landing, files={"": {"good": good, "rejected": rejected - unused}})


def file_rows(
    new: list[GivenFile], records: dict[str, int], landings: list[Landing], days: Window
) -> list[dict[str, Any]]:
    """Rows for meta/landing_files. A row that tells nothing new, such as the customer of a buyer's
    second order, is a duplicate."""
    fates = _lines_by_fate(landings)
    rows = []
    for file in new:
        entity, number = file.table.entity.name, records.get(file.sha256, 0)
        good, rejected = fates.get((entity, file.sha256), (0, 0))
        if file.table is TRANSLATIONS:  # its good rows are part of listings' rows
            good = number - rejected
        rows.append({
            "source_sha256": file.sha256, "entity": entity, "path": file.name, "ds": days.first,
            "outcome": "taken", "records": number, "good": good, "rejected": rejected,
            "duplicate": number - good - rejected, "bytes": file.bytes,
        })  # fmt: skip
    return rows


def _lines_by_fate(landings: list[Landing]) -> dict[tuple[str, str], tuple[int, int]]:
    """(good, rejected) lines of a file by (entity, sha256); a line with both fates is rejected."""
    place = ("source_sha256", "source_line", "_fate")
    frames = (
        landing.rows.select(F.lit(landing.table.name).alias("entity"), *place)
        for landing in landings
    )
    lines = reduce(DataFrame.union, frames).groupBy("entity", "source_sha256", "source_line")
    fates = lines.agg(
        F.bool_or(F.col("_fate") == "rejected").alias("rejected"),
        F.bool_or(F.col("_fate").isin("good", "replay")).alias("good"),
    )
    counts = fates.groupBy("entity", "source_sha256").agg(
        F.expr("count_if(good and not rejected)"), F.expr("count_if(rejected)")
    )
    return {(entity, sha): (good, bad) for entity, sha, good, bad in counts.collect()}
