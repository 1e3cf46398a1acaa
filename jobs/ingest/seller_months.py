"""Take a ready table of seller-months into bronze: the 36 features and, where known, the label.

The file is Parquet or CSV with `seller_id`, `snapshot_month` (YYYY-MM), the features in any order
and `high_risk_60d` (empty where unknown). It is taken as a whole or not at all.

examples:
  ./spark-submit.sh ingest.seller_months --input seller_months.parquet --lake-root lake
  ./spark-submit.sh ingest.seller_months --input seller_months.csv --lake-root lake
"""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import meta
from conf.tables.seller_months import CODES, LABEL, MONTH, SELLER_MONTHS
from jobs.arguments import Argument
from jobs.errors import ContractBroken, UsageError
from jobs.ingest import seller_month_rows as rows
from jobs.lake.io import Lake
from jobs.window import Window

READS = ()
WRITES = (SELLER_MONTHS,)
WINDOW = "none"
ARGUMENTS = (Argument("--input", "the file, .parquet or .csv (plain or .gz)", required=True),)

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window | None, *, input: str) -> None:
    sha256 = _fingerprint(lake.spark, input)
    known = lake.read(SELLER_MONTHS)
    if not known.where(F.col("source_sha256") == sha256).isEmpty():
        log.info("%s was taken before: nothing to do", input)
        return
    given = _read(lake.spark, input)
    _require_columns(given, input)
    parsed = lake.settle(rows.parsed(given, input.rsplit("/", 1)[-1], sha256))
    _require_sound(parsed, input)
    _require_new(lake, parsed, known, input)
    months = parsed.drop(MONTH, "problems")
    _say(given, months)
    lake.append_once(SELLER_MONTHS, months, sha256)


def _fingerprint(spark: SparkSession, path: str) -> str:
    if not path.endswith((".parquet", ".csv", ".csv.gz")):
        raise UsageError(f"--input: {path} ends neither in .parquet nor in .csv nor in .csv.gz")
    try:
        contents = spark.read.format("binaryFile").load(path)
        found = contents.select(F.sha2("content", 256).alias("sha256")).collect()
    except Exception as error:
        raise UsageError(f"--input: {path} cannot be read: {str(error)[:200]}") from error
    if len(found) != 1:
        raise UsageError(f"--input: {path} is not one file")
    return str(found[0]["sha256"])


def _read(spark: SparkSession, path: str) -> DataFrame:
    """The table as it is: typed from Parquet, text from CSV."""
    if path.endswith(".parquet"):
        return spark.read.parquet(path)
    return spark.read.csv(
        path, header=True, multiLine=True, escape='"', mode="FAILFAST", encoding="UTF-8",
        enforceSchema=False,
    )  # fmt: skip


def _require_columns(given: DataFrame, path: str) -> None:
    missing = [name for name in rows.REQUIRED if name not in given.columns]
    if missing:
        raise ContractBroken(
            f"{path}: column {', '.join(missing)} is missing; add it (empty where unknown). The "
            "table needs seller_id, snapshot_month and the 36 features of docs/features.md"
        )
    if LABEL.name not in given.columns:
        log.info("%s has no %s: every label is unknown", path, LABEL.name)


def _require_sound(parsed: DataFrame, path: str) -> None:
    """ContractBroken naming each column with values that cannot be, one of them, and its seller."""
    wrong = F.explode("problems").alias("problem")
    found = (
        parsed.select("seller_id", MONTH, wrong)
        .groupBy("problem.column")
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(F.struct(MONTH, "seller_id", "problem.value", "problem.expected")).alias("one"),
        )
        .orderBy("column")
        .collect()
    )
    if found:
        problems = [
            f"{row['column']}: {row['rows']} rows, for example {row['one']['value']!r} "
            f"(seller {row['one']['seller_id']}, {row['one'][MONTH]}), expected "
            f"{row['one']['expected']}"
            for row in found
        ]
        raise ContractBroken(
            f"{path}: {'; '.join(problems)}. Nothing was published: repair the column (empty where "
            "unknown) and take the file again"
        )
    doubled = parsed.groupBy("ds", "seller_id").agg(F.count(F.lit(1)).alias("rows"))
    row = doubled.where("rows > 1").orderBy("ds", "seller_id").first()
    if row is not None:
        raise ContractBroken(
            f"{path}: seller_id {row['seller_id']} comes {row['rows']} times in {MONTH} "
            f"{row['ds']:%Y-%m}; a seller-month is one row: leave one. Nothing was published"
        )


def _require_new(lake: Lake, parsed: DataFrame, known: DataFrame, path: str) -> None:
    """ContractBroken when a month is there already, from another file or from events."""
    months = parsed.select("ds").distinct()
    taken = known.select("ds", "source_file").distinct().join(months, "ds").orderBy("ds").first()
    if taken is not None:
        raise ContractBroken(
            f"{path}: column {MONTH} has {taken['ds']:%Y-%m}, which {taken['source_file']} brought "
            "already; leave these months out, or use a new lake root"
        )
    of_events = lake.read(meta.LANDING_FILES).where("outcome = 'taken'")
    covered = of_events.agg(F.min("ds").alias("first"), F.max("ds").alias("last")).first()
    if covered is None or covered["first"] is None:
        return
    within = months.where(F.col("ds").between(F.lit(covered["first"]), F.lit(covered["last"])))
    row = within.orderBy("ds").first()
    if row is not None:
        raise ContractBroken(
            f"{path}: column {MONTH} has {row['ds']:%Y-%m}, of which this lake has events "
            f"({covered['first']} to {covered['last']}): its features are computed from them; "
            "leave these months out, or use a new lake root"
        )


def _say(given: DataFrame, months: DataFrame) -> None:
    if unknown := rows.unknown_columns(given):
        log.info("unknown columns, kept in extra: %s", ", ".join(unknown))
    for name, codes in CODES.items():
        unseen = months.where(~F.col(name).isin(*codes)).select(name).distinct().limit(20).collect()
        if unseen:
            log.warning("%s: not seen before, accepted: %s", name,
                        ", ".join(sorted(row[name] for row in unseen)))  # fmt: skip
    row = months.agg(
        F.count(F.lit(1)).alias("rows"), F.count_distinct("ds").alias("months"),
        F.count("high_risk_60d").alias("labelled"),
        F.count_if("high_risk_60d").alias("positive"),
    ).first()  # fmt: skip
    assert row is not None
    log.info("%d seller-months of %d months, %d labelled, %d of these high risk", *row)
