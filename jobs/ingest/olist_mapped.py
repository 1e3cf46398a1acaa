"""What an entity's columns are taken from, and the parsed frame that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.contract import Table
from conf.rejections import Rejection
from jobs.ingest import arrow
from jobs.ingest.olist_tables import SOURCE


@dataclass(frozen=True)
class Mapped:
    """An entity: its rows, when each happened and became known, and where its columns come from.

    A payload column that is not in `values` is one that Olist does not know: null. `undated` says
    why a row may have no time; such a row is rejected. `extra` is added to the rows' own.
    """

    table: Table
    rows: DataFrame
    event_id: Column
    at: Column
    values: dict[str, Column]
    extra: dict[str, Column] = field(default_factory=dict)
    undated: str = ""

    def parsed(self, zone: str, first: date) -> DataFrame:
        """The frame to be judged: a row is known when it happened, and `ds` is that business date
        (`first` for a row without a time)."""
        added = [part for name, value in self.extra.items() for part in (F.lit(name), value)]
        extra = F.map_concat("extra", F.create_map(*added)) if added else F.col("extra")
        undated = (F.size("_reasons") == 0) & F.col("_at").isNull()
        missing = F.array(F.lit(Rejection.MISSING_VALUE.code))
        sentence = F.lit(f"occurred_at: {self.undated}")
        given = self.values | {
            "event_id": self.event_id,
            "occurred_at": F.col("_at"),
            "known_at": F.col("_at"),
            "retracted": F.lit(False),
            "extra": F.map_filter(extra, lambda _, value: value.isNotNull()),
            **{column.name: F.col(column.name) for column in SOURCE},
            "ds": F.coalesce(F.to_date(F.from_utc_timestamp("_at", zone)), F.lit(first)),
            "_reasons": F.when(undated, missing).otherwise(F.col("_reasons")),
            "_detail": F.when(undated, sentence).otherwise(F.col("_detail")),
            "_raw": F.col("_raw"),
        }
        kinds = arrow.parsed_columns(self.table)
        return self._complete().select(
            *(given.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in kinds.items())
        )

    def _complete(self) -> DataFrame:
        """The rows with their time; derived ones have nothing of their own and no findings."""
        nothing = {
            "extra": F.create_map().cast("map<string,string>"),
            "_reasons": F.array().cast("array<string>"),
            "_detail": F.lit(""),
            "_raw": F.lit(None).cast("string"),
        }
        own = {n: F.coalesce(n, none) for n, none in nothing.items() if n in self.rows.columns}
        return self.rows.withColumns(nothing | own | {"_at": self.at})
