"""What every decision carries: its date, its policy, the model that was asked."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.contract import Table


def signed(rows: DataFrame, table: Table, policy_version: int, ds: date) -> DataFrame:
    """The rows as the table holds them, decided on `ds` without a model."""
    dated = rows.withColumns(
        {
            "ds": F.lit(ds),
            "policy_version": F.lit(policy_version),
            "model_version": F.lit(None).cast("string"),
        }
    )
    # Lists made by functions are of types that hold no null; stored ones may.
    return dated.select(
        *(
            F.col(column.name).cast(column.type) if column.type.startswith("array")
            else F.col(column.name)
            for column in table.columns
        )
    )  # fmt: skip
