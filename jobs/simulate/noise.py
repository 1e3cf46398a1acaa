"""How facts reach the landing: when they are known, and what goes wrong with a few of them.

A row has one fate at most. Followed by a second row are: what is duplicated (the same bytes
again), corrected (a new version with other content) and retracted. Late rows are known days
after; broken rows are altered as text. What goes wrong is told beside the data as it lands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from conf.contract import Table
from conf.tables.bronze import CURRENCY_COLUMNS, payload
from jobs.simulate.draws import (
    after,
    between,
    business_date,
    draw,
    waiting,
    weighted,
    whole,
)
from jobs.simulate.plan import Plan

Form = Literal["jsonl", "parquet"]


@dataclass(frozen=True)
class Rates:
    """Shares of the rows with each fate."""

    late: float = 0.005
    corrected: float = 0.003
    retracted: float = 0.001
    duplicated: float = 0.005
    broken: float = 0.0005


FOLLOWED = ("corrected", "retracted", "duplicated")
VERSIONED = ("sellers", "buyers", "listings", "payments")
"""Only duplicated or broken: a late first version would come after the second and win."""
AMENDED = {
    "listing_snapshots": ("in_stock", "not in_stock"),
    "orders": ("rush", "not rush"),
    "order_items": ("ship_by", "ship_by + interval 1 day"),
    "order_events": ("reason", "concat(coalesce(reason, ''), ' (amended)')"),
    "shipments": ("tracking_number", "concat(tracking_number, 'X')"),
    "refunds": ("amount_minor", "amount_minor - amount_minor div 10 - 1"),
    "returns": ("reason", "'damaged on the way'"),
    "disputes": ("text", "concat(coalesce(text, ''), ' (amended)')"),
    "messages": ("text", "concat(text, ' (edited)')"),
    "reviews": ("stars", "if(stars > 3, stars - 2, stars + 1)"),
    "ad_spend": ("spend_minor", "spend_minor + spend_minor div 5 + 1"),
    "buy_box": ("views", "views + 10"),
    "policy_events": ("severity", "if(severity = 'low', 'medium', 'low')"),
    "fx_rates": ("rate", "rate * 1.001"),
}
"""What a correction changes, where there are corrections: a column and its new value."""
KNOWN_AFTER_HOURS = {"shipments": 2.0, "refunds": 0.5, "policy_events": 6.0}
"""Mean hours until a fact is known; a minute for the others."""
FORMAT = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "timeZone": "UTC"}
PLANTED = "planted"
"""The entity under which the truth is written: one row a landed row that something was done to."""


def recorded(table: Table, facts: DataFrame, plan: Plan, rates: Rates, form: Form) -> DataFrame:
    """The facts in one shape for all entities: an id, the time, the payload as `body`, a fate.

    The payload has the contract's types and order, so its first field is of the natural key. It is
    JSON where rows land as text, a struct where they land as Parquet.
    """
    _compare(table, facts)
    columns = {
        column.name: F.col(column.name).cast(column.type).alias(column.name)
        for column in payload(table)
        if column.name in facts.columns
    }
    version = ["version"] if "version" in facts.columns else []
    event_id = F.concat_ws(":", F.lit(table.name), *table.natural_key, *version)
    named = facts.withColumn("event_id", event_id)
    fated = named.withColumn("luck", plan.luck("record", "event_id")).withColumn(
        "fate", weighted({**_possible(table, rates), "none": 1.0}, "fate")
    )
    corrected = F.when(F.col("fate") == "corrected", _amended(table, columns, form))
    return fated.select(
        F.lit(table.name).alias("entity"),
        "event_id",
        "occurred_at",
        "luck",
        "fate",
        F.lit(KNOWN_AFTER_HOURS.get(table.name, 1 / 60)).alias("lag"),
        _ways(table, form).alias("ways"),
        _body(columns, form).alias("body"),
        corrected.alias("other_body"),
    )


def _compare(table: Table, facts: DataFrame) -> None:
    names = {column.name for column in payload(table)}
    required = {column.name for column in payload(table) if column.required}
    missing = required - set(facts.columns)
    unknown = set(facts.columns) - names - {"occurred_at", "version"}
    if missing or unknown:
        raise ValueError(f"{table.name}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def _possible(table: Table, rates: Rates) -> dict[str, float]:
    """The fates that rows of the table can have."""
    return {
        fate: share
        for fate, share in asdict(rates).items()
        if (fate != "corrected" or table.name in AMENDED)
        and (fate in ("duplicated", "broken") or table.name not in VERSIONED)
    }


def _body(columns: Mapping[str, Column], form: Form) -> Column:
    body = F.struct(*columns.values())
    return body if form == "parquet" else F.to_json(body, FORMAT)


def _amended(table: Table, columns: Mapping[str, Column], form: Form) -> Column:
    """The payload after a correction."""
    if table.name not in AMENDED:
        return F.lit(None)
    name, value = AMENDED[table.name]
    amended = F.expr(value).cast(table.column(name).type).alias(name)
    return _body({**columns, name: amended}, form)


def _ways(table: Table, form: Form) -> Column:
    """The ways in which rows of the table can be broken: a typed column breaks in fewer."""
    own = [column for column in payload(table) if column.required]
    ways = ["null_key", "known_too_soon"]
    if form == "jsonl":
        ways += ["truncated", "time_without_offset"]
    if form == "jsonl" and any(column.type in ("int", "bigint") for column in own):
        ways.append("number_as_string")
    if any(column.name in CURRENCY_COLUMNS for column in own):
        ways.append("lower_case_currency")
    return F.expr(f"array({', '.join(map(repr, ways))})")


def _way(ways: Column) -> Column:
    return F.when(F.col("fate") == "broken", ways[whole(F.size(ways), draw("way"))])


def delivered(rows: DataFrame, plan: Plan) -> DataFrame:
    """The window's landing rows and, with the role `told`, what was done to them.

    What happened before the window opens is known when it opens.
    """
    roles = rows.select("*", F.explode(_roles()).alias("role"))
    fate, follows = F.col("fate"), (F.col("role") != "fact") & F.col("fate").isin(*FOLLOWED)
    versioned = follows & (fate != "duplicated")
    known_at = F.greatest(after(F.col("occurred_at"), waiting(F.col("lag"), "lag")), plan.opening())
    delay = (
        F.when(fate == "late", F.least(24 + waiting(40, "late"), F.lit(24 * 9)))
        .when(versioned, between(3, 24 * 15, "follows"))
        .otherwise(0)
    )
    repeat = F.when(follows & ~versioned, between(0, 24 * 9.5, "repeated")).otherwise(0)
    timed = roles.withColumns({"known_at": after(known_at, delay), "versioned": versioned})
    landing = timed.select(
        "entity", "role", "fate", "known_at", "occurred_at",
        business_date(after(F.col("known_at"), repeat), plan.zone).alias("ds"),
        F.when(F.col("versioned"), F.concat_ws(":", "event_id", "fate"))
        .otherwise(F.col("event_id")).alias("event_id"),
        F.when(F.col("versioned") & (fate == "retracted"), True).alias("retracted"),
        F.when(F.col("versioned") & (fate == "corrected"), F.col("other_body"))
        .otherwise(F.col("body")).alias("body"),
        _way(F.col("ways")).alias("way"),
    )  # fmt: skip
    within = F.col("ds").between(F.lit(plan.first), F.lit(plan.last))
    return landing.where(within).withColumn("known_at", _known_at())


def _roles() -> Column:
    """The rows that a fact becomes: itself, what follows it, and what is told of them."""
    followed = ", ".join(map(repr, FOLLOWED))
    return F.expr(
        f"case when fate in ({followed}) then array('fact', 'again', 'told')"
        " when fate = 'none' then array('fact') else array('fact', 'told') end"
    )


def _known_at() -> Column:
    too_soon = (F.col("way") == "known_too_soon") & (F.col("role") != "told")
    return F.when(too_soon, after(F.col("occurred_at"), -1)).otherwise(F.col("known_at"))


def _telling() -> Column:
    return F.to_json(F.struct("entity", "event_id", "fate", "way"))


def planted(landed: DataFrame, table: Table, plan: Plan, rates: Rates) -> DataFrame:
    """What was done to landed rows (event_id, ds) of an entity: `entity`, `ds`, `event_id`,
    `value`. A fate follows from the event_id, so that no row has to be made again for it."""
    first_id = F.regexp_replace("event_id", ":(corrected|retracted)$", "")
    possible = _possible(table, rates)
    fated = (
        landed.withColumn("first", first_id)
        .withColumn("luck", plan.luck("record", "first"))
        # One draw rules most rows out before anything else is looked at.
        .where(draw("fate") < sum(possible.values()))
        .withColumn("fate", weighted({**possible, "none": 1.0}, "fate"))
    )
    follows = F.col("first") != F.col("event_id")
    return (
        fated.where(follows | F.col("fate").isin("late", "broken", "duplicated"))
        .groupBy("event_id", "fate", "luck")
        .agg(F.max("ds").alias("ds"), F.count(F.lit(1)).alias("rows"))
        .where("fate != 'duplicated' or rows > 1")
        .select(
            F.lit(table.name).alias("entity"),
            "event_id",
            "ds",
            "fate",
            _way(_ways(table, "parquet")).alias("way"),
        )
        .select(F.lit(PLANTED).alias("entity"), "ds", "event_id", _telling().alias("value"))
    )


def typed(rows: DataFrame, table: Table) -> DataFrame:
    """Delivered rows of one entity as they land in Parquet, and `ds`; a broken one is altered."""
    names = [field.name for field in cast(StructType, rows.schema["body"].dataType).fields]
    key, currencies = table.natural_key[0], set(names) & set(CURRENCY_COLUMNS)
    landed = {name: F.col(f"body.{name}") for name in names}
    landed[key] = F.when(F.col("way").eqNullSafe("null_key"), None).otherwise(landed[key])
    for name in currencies:
        lower = F.col("way").eqNullSafe("lower_case_currency")
        landed[name] = F.when(lower, F.lower(landed[name])).otherwise(landed[name])
    columns = [column.alias(name) for name, column in landed.items()]
    return rows.where("role != 'told'").select(
        "event_id", "occurred_at", "known_at", "retracted", *columns, "ds"
    )


def worded(rows: DataFrame) -> DataFrame:
    """Delivered rows as text, and what was done to them: `entity`, `ds`, `event_id`, `value`."""
    head = F.to_json(F.struct("event_id", "occurred_at", "known_at", "retracted"), FORMAT)
    text = F.concat(F.expr("substring(head, 1, length(head) - 1)"), F.lit(","),
                    F.expr("substring(body, 2)"))  # fmt: skip
    whole_text = rows.withColumn("head", head).withColumn("text", text)
    told = F.col("role") == "told"
    return whole_text.select(
        F.when(told, PLANTED).otherwise(F.col("entity")).alias("entity"),
        "ds",
        "event_id",
        F.when(told, _telling()).otherwise(F.expr(BROKEN)).alias("value"),
    )


BROKEN = """case way
    when 'truncated' then substring(text, 1, length(text) - 10)
    when 'time_without_offset' then regexp_replace(text, '("occurred_at":"[^"]*)Z"', '$1"')
    when 'null_key' then concat(substring(head, 1, length(head) - 1), ',',
        regexp_replace(substring(body, 2), '^("[a-z_]+"):"[^"]*"', '$1:null'))
    when 'number_as_string' then regexp_replace(text, '":([0-9]+)([,}])', '":"$1"$2')
    when 'lower_case_currency' then replace(text,
        regexp_extract(text, '("currency"|"base"):"[A-Z]{3}"', 0),
        lower(regexp_extract(text, '("currency"|"base"):"[A-Z]{3}"', 0)))
    else text end"""
"""The text of a row, altered in the way in which it is broken."""
