"""What was decided last about each order."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def newest(decided: DataFrame) -> DataFrame:
    """Of decisions of several days the newest rows of each order: a day has all its parts, and a
    part that a line was taken from is none any more."""
    newest_ds = F.max("ds").over(Window.partitionBy("order_id"))
    return decided.withColumn("_newest", newest_ds).where("ds = _newest").drop("_newest")
