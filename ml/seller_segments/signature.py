"""What the registered segmentation takes and gives: every number is an optional double."""

from __future__ import annotations

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from conf.model_settings import load_seller_segments
from ml.seller_segments.behaviour import columns

_COLUMNS = columns(load_seller_segments().features)
SIGNATURE = ModelSignature(
    inputs=Schema([
        ColSpec(DataType.string, "marketplace", required=False),
        *(ColSpec(DataType.double, name, required=False)
          for name in _COLUMNS if name != "marketplace"),
    ]),
    outputs=Schema([
        ColSpec(DataType.long, "segment_id"), ColSpec(DataType.string, "segment_name"),
    ]),
)  # fmt: skip
EXAMPLE = pd.DataFrame([{n: "example" if n == "marketplace" else 90.0 for n in _COLUMNS}])
"""A made-up seller: no real one may leave the lake."""
