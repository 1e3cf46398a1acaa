"""The segmentation as MLflow loads it: `load_model("models:/seller_segments@champion")`.

MLflow runs this file; it reads JSON only. Input: rows of behaviour, each a seller by himself;
output: his nearest segment. The smoothed one needs his last month-ends: `Model.assigned`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ml.seller_segments.behaviour import behaviour, columns
from ml.seller_segments.model import read

ANY_DAY = date(1970, 1, 1)


class SellerSegments(PythonModel):
    """The raw segment of rows."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = read(Path(context.artifacts["files"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        # `behaviour` sorts by key: the key keeps the order of the input.
        keys = [f"{number:012d}" for number in range(len(model_input))]
        lacking = set(columns(self.model.features)) - set(model_input.columns)
        keyed = model_input.assign(ds=ANY_DAY, seller_id=keys, **dict.fromkeys(lacking, np.nan))
        rows = behaviour(pa.Table.from_pandas(keyed, preserve_index=False), self.model.features)
        segment = self.model.raw(rows)
        names = self.model.every_name
        return pd.DataFrame({
            "segment_id": segment, "segment_name": [names[int(n)] for n in segment],
        })  # fmt: skip


mlflow.models.set_model(SellerSegments())
