"""Rows of a ready table of seller-months: values of the contract's types, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.seller_features import SELLER_FEATURES, Feature
from conf.tables.seller_months import LABEL, MONTH, SELLER_MONTHS

LARGEST_INT = 2**31 - 1
REQUIRED = ("seller_id", MONTH, *(feature.name for feature in SELLER_FEATURES))


def parsed(given: DataFrame, file: str, sha256: str) -> DataFrame:
    """The table's columns, `snapshot_month` as given, and `problems`: column, value, expected.

    An empty text and a NaN are null. Numbers may come as text, whole numbers as 3.0.
    """
    texts = given.select(*(_text(name).alias(f"_{name}") for name in given.columns))
    if LABEL.name not in given.columns:
        texts = texts.withColumn(f"_{LABEL.name}", F.lit(None).cast("string"))
    values = texts.select(
        "*",
        F.when(F.col(f"_{MONTH}").rlike(r"^\d{4}-(0[1-9]|1[0-2])$"),
               F.last_day(F.to_date(F.concat(f"_{MONTH}", F.lit("-01"))))).alias("ds"),
        F.col("_seller_id").alias("seller_id"),
        *(_value(feature).alias(feature.name) for feature in SELLER_FEATURES),
        _truth(F.col(f"_{LABEL.name}")).alias(LABEL.name),
        _kept(unknown_columns(given)).alias("extra"),
        F.lit(file).alias("source_file"), F.lit(sha256).alias("source_sha256"),
    )  # fmt: skip
    problems = F.array_compact(F.array(*_problems())).alias("problems")
    return values.select(*SELLER_MONTHS.column_names, F.col(f"_{MONTH}").alias(MONTH), problems)


def unknown_columns(given: DataFrame) -> list[str]:
    """The columns that the contract does not name."""
    return [name for name in given.columns if name not in (*REQUIRED, LABEL.name)]


def _text(name: str) -> Column:
    text = F.trim(F.col(f"`{name}`").cast("string"))
    return F.when((text != "") & (F.lower(text) != "nan"), text)


def _kept(unknown: Sequence[str]) -> Column:
    """The columns that the contract does not name, those with a value."""
    if not unknown:
        return F.create_map().cast("map<string,string>")
    pairs = [part for name in unknown for part in (F.lit(name), F.col(f"`_{name}`"))]
    return F.map_filter(F.create_map(*pairs), lambda _, value: value.isNotNull())


def _value(feature: Feature) -> Column:
    if feature.type == "string":
        return F.col(f"_{feature.name}")
    number = F.expr(f"try_cast(_{feature.name} as double)")
    if feature.type == "double":
        return number
    fits = (number == F.floor(number)) & (F.abs(number) <= LARGEST_INT)
    return F.when(fits, number).cast("int")


def _truth(text: Column) -> Column:
    lower = F.lower(text)
    return F.when(lower.isin("1", "1.0", "true"), True).when(lower.isin("0", "0.0", "false"), False)


def _problems() -> list[Column]:
    month, label = F.col(f"_{MONTH}"), F.col(f"_{LABEL.name}")
    seller = F.col("_seller_id")
    unread = label.isNotNull() & F.col(LABEL.name).isNull()
    return [
        _problem("seller_id", seller.isNull(), seller, "a seller id"),
        _problem(MONTH, F.col("ds").isNull(), month, "YYYY-MM"),
        _problem(LABEL.name, unread, label, "0, 1 or empty"),
        *(_unsound(feature) for feature in SELLER_FEATURES if feature.type != "string"),
    ]


def _unsound(feature: Feature) -> Column:
    """The problem of a number that cannot be read or lies outside its bounds."""
    value, text = F.col(feature.name), F.col(f"_{feature.name}")
    low, high = feature.bounds
    wrong = text.isNotNull() & ~F.coalesce(value.between(low, high), F.lit(False))
    kind = "a whole number" if feature.type == "int" else "a number"
    upto = f"from {low:g} to {high:g}" if feature.bounded else f"from {low:g} on"
    return _problem(feature.name, wrong, text, f"{kind} {upto}")


def _problem(name: str, wrong: Column, value: Column, expected: str) -> Column:
    return F.when(
        wrong,
        F.struct(
            F.lit(name).alias("column"), F.substring(F.coalesce(value, F.lit("nothing")), 1, 40)
            .alias("value"), F.lit(expected).alias("expected"),
        ),
    )  # fmt: skip
