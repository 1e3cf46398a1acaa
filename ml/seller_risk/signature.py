"""What the registered model takes and gives: every number is an optional double."""

from __future__ import annotations

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from conf.seller_features import SELLER_FEATURES, SHARE

SIGNATURE = ModelSignature(
    inputs=Schema([
        ColSpec(DataType.string if f.type == "string" else DataType.double, f.name, required=False)
        for f in SELLER_FEATURES
    ]),
    outputs=Schema([
        ColSpec(DataType.double, "probability"), ColSpec(DataType.double, "margin"),
        ColSpec(DataType.string, "band"),
    ]),
)  # fmt: skip
EXAMPLE = pd.DataFrame([{
    f.name: "example" if f.type == "string" else 0.5 if f.unit == SHARE else 4.0
    for f in SELLER_FEATURES
}])  # fmt: skip
"""A made-up seller: no real one may leave the lake."""
