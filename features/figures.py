"""When and how much each ledger row counts for each metric: the spans that the report adds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.currencies import NO_CURRENCY
from conf.metrics import DIMENSION_OF, METRICS, WEEK_DAYS, Against, Metric, Month, Source, Trailing
from features import exchange, spans

ALL = "all"
KEYS = ["metric", "dimension", "member", "currency"]
AMOUNTS = ["numerator", "denominator", "prior", "lacking", "prior_lacking"]
"""What spans add up: the figure's parts, what it is compared with in the same ledger, and how many
amounts of each had no exchange rate."""


@dataclass(frozen=True)
class Ledgers:
    """What the report reads: silver's ledger, added up to what its metrics need.

    Each has `occurred_ds` and `known_ds`. `orders`, `sales` (both by currency), `categories` and
    `regions` (by member and currency) hold the measures of their metrics; `buyers` (buyer_id,
    orders) and `sellers` (seller_id, lines_placed) tell who was present. `sellers` is all of
    history, for whether a seller is new is a question about all of it; the others need the last
    `report.history_days`. `rates` are rows of bronze/fx_rates. Used several times each.
    """

    orders: DataFrame
    buyers: DataFrame
    sales: DataFrame
    sellers: DataFrame
    categories: DataFrame
    regions: DataFrame
    rates: DataFrame


def summed(ledger: DataFrame, source: Source) -> DataFrame:
    """The measures of a source's metrics, added up per currency (and `member`, if there is one),
    occurred_ds and known_ds."""
    by = [name for name in ("member", "currency") if name in ledger.columns]
    totals = (F.sum(name).alias(name) for name in _measures(source))
    return ledger.groupBy(*by, "occurred_ds", "known_ds").agg(*totals)


def all_spans(
    ledgers: Ledgers, reporting_currency: str, max_rate_age_days: int, begin: date
) -> DataFrame:
    """(KEYS, begins, ends, AMOUNTS) of every metric, each of them with an empty one at `begin`."""
    counted = [
        _always(ledgers, reporting_currency, begin),
        *_counted(ledgers, reporting_currency, max_rate_age_days),
    ]
    columns = [*KEYS, "begins", "ends", *AMOUNTS]
    return reduce(DataFrame.unionByName, (frame.select(*columns) for frame in counted))


def _counted(ledgers: Ledgers, target: str, max_rate_age_days: int) -> Iterator[DataFrame]:
    """Spans (KEYS, begins, ends, AMOUNTS) of every metric."""
    sales = ledgers.sales
    money = sales.where(F.col("gmv_minor") != 0)
    converted = exchange.converted(money, "gmv_minor", ledgers.rates, target, max_rate_age_days)
    yield _ledger_spans(ledgers.orders, _of(Source.ORDERS))
    yield _ledger_spans(sales, [*_of(Source.SALES), *_of(Source.CATEGORIES)])
    yield _ledger_spans(
        converted.withColumn("orders_placed", F.lit(0)), _of(Source.CONVERTED), target
    )
    # How many orders stand behind the converted sum needs no rate.
    yield _ledger_spans(sales.withColumn("gmv_minor", F.lit(0)), _of(Source.CONVERTED), target)
    yield _ledger_spans(ledgers.regions.drop("member"), _of(Source.REGIONS))
    for source, members in (
        (Source.CATEGORIES, ledgers.categories), (Source.REGIONS, ledgers.regions),
    ):  # fmt: skip
        yield _ledger_spans(members, _of(source), dimension=DIMENSION_OF[source])
    yield _presence_spans(ledgers.buyers, "buyer_id", Source.ORDERS)
    yield _presence_spans(ledgers.sellers, "seller_id", Source.SALES)


def _of(source: Source) -> list[Metric]:
    return [metric for metric in METRICS if metric.source is source and not metric.presence]


def _measures(source: Source) -> list[str]:
    names = (
        name for m in _of(source) for name in (m.numerator, m.denominator, m.cases) if name
    )  # fmt: skip
    return sorted(set(names))


def _ledger_spans(
    ledger: DataFrame, metrics: Sequence[Metric], target: str = NO_CURRENCY, dimension: str = ALL
) -> DataFrame:
    """What rows of (currency, occurred_ds, known_ds, ...) add to the metrics, and when."""
    until = F.col("known_until") if "known_until" in ledger.columns else None
    lacking = F.col("lacking") if "lacking" in ledger.columns else F.lit(0)
    parts = [part for metric in metrics for part in _parts(metric, target, lacking)]
    begins, ends = spans.while_known(F.col("_part.begins"), F.col("_part.ends"), until)
    member = F.col("member") if "member" in ledger.columns else F.lit(ALL)
    return (
        ledger.select("*", F.explode(F.array(*parts)).alias("_part"))
        .select(
            F.col("_part.metric").alias("metric"), F.lit(dimension).alias("dimension"),
            member.alias("member"), F.col("_part.currency").alias("currency"),
            begins.alias("begins"), ends.alias("ends"),
            *(F.col(f"_part.{name}").alias(name) for name in AMOUNTS),
        )
        .where(_any(AMOUNTS))
    )  # fmt: skip


def _parts(metric: Metric, target: str, lacking: Column) -> Iterator[Column]:
    amount = F.col(metric.numerator)
    size = metric.denominator or metric.cases
    of = F.col(size) if size else F.lit(0)
    yield _part(metric, target, spans.span(metric.window), [amount, of, 0, lacking, 0])
    if metric.against is Against.LAST_MONTH:
        yield _part(metric, target, spans.span(Month.LAST), [0, 0, amount, 0, lacking])
    if metric.against is Against.WEEK_BEFORE:
        before = spans.span(Trailing(WEEK_DAYS, 2 * WEEK_DAYS - 1))
        yield _part(metric, target, before, [0, 0, amount, 0, lacking])


def _part(metric: Metric, target: str, on: Column, amounts: Sequence[Column | int]) -> Column:
    currency = F.col("currency") if metric.per_currency else F.lit(target)
    values = [value if isinstance(value, Column) else F.lit(value) for value in amounts]
    return F.struct(
        F.lit(metric.name).alias("metric"), currency.alias("currency"),
        on["begins"].alias("begins"), on["ends"].alias("ends"),
        *(v.cast("bigint").alias(name) for v, name in zip(values, AMOUNTS, strict=True)),
    )  # fmt: skip


def _presence_spans(ledger: DataFrame, member: str, source: Source) -> DataFrame:
    """Spans of the metrics that count members instead of adding amounts."""
    parts = [
        (m, number, presence)
        for m in METRICS
        if m.source is source
        for number, presence in enumerate(m.presence)
    ]
    measure = parts[0][0].numerator
    windows = [(f"{m.name}:{number}", p.newest, p.oldest) for m, number, p in parts]
    weights = [
        value
        for m, number, p in parts
        for value in (
            F.lit(f"{m.name}:{number}"),
            F.struct(
                F.lit(p.numerator).alias("numerator"), F.lit(p.denominator).alias("denominator")
            ),
        )
    ]  # fmt: skip
    weight = F.element_at(F.create_map(*weights), F.col("part"))
    return spans.presences(ledger, member, measure, windows).select(
        F.split("part", ":")[0].alias("metric"), F.lit(ALL).alias("dimension"),
        F.lit(ALL).alias("member"), F.lit(NO_CURRENCY).alias("currency"), "begins", "ends",
        *_amounts(weight["numerator"].cast("bigint"), weight["denominator"].cast("bigint")),
    )  # fmt: skip


def _amounts(*given: Column) -> list[Column]:
    zeros = [F.lit(0).cast("bigint")] * (len(AMOUNTS) - len(given))
    return [value.alias(name) for value, name in zip([*given, *zeros], AMOUNTS, strict=True)]


def _always(ledgers: Ledgers, target: str, begin: date) -> DataFrame:
    """An empty span of each metric that has a row even when nothing is known."""
    names = [
        F.struct(
            F.lit(m.name).alias("metric"),
            F.lit(target if m.source is Source.CONVERTED else NO_CURRENCY).alias("currency"),
        )
        for m in METRICS
        if not m.per_currency
    ]
    once = ledgers.sales.sparkSession.range(1).select(F.explode(F.array(*names)).alias("_of"))
    return once.select(
        "_of.metric", F.lit(ALL).alias("dimension"), F.lit(ALL).alias("member"), "_of.currency",
        F.lit(begin).alias("begins"), F.lit(begin).alias("ends"), *_amounts(),
    )  # fmt: skip


def _any(names: Sequence[str]) -> Column:
    return F.greatest(*(F.abs(name) for name in names)) != 0
