"""Which requests are planned, withdrawn, or contradicted by what came back."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from features.payment_requests import came_back

pytestmark = pytest.mark.spark


def test_only_a_rejected_request_without_an_object_is_contradicted_by_one(
    spark: SparkSession,
) -> None:
    own = spark.createDataFrame(
        [("gone", "REJECTED", None), ("declined", "REJECTED", "pi_1"),
         ("accepted", "ACCEPTED", "pi_2"), ("open", "UNKNOWN", None),
         ("never_seen", "REJECTED", None)],
        "request_key string, state string, provider_id string",
    )  # fmt: skip
    wanted = spark.createDataFrame(
        [("o-1", ["gone", "declined"]), ("o-2", ["accepted", "open", "gone"]), ("o-3", [])],
        "order_id string, seen_request_keys array<string>",
    )
    assert [row["request_key"] for row in came_back(own, wanted).collect()] == ["gone"]
