"""The model as MLflow loads it: `mlflow.pyfunc.load_model("models:/seller_risk@champion")`.

MLflow runs this file; it reads text and JSON only. Input: the 36 columns; output: probability,
margin and band of each row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ml.seller_risk.encoding import columns_of
from ml.seller_risk.model import read


class SellerRisk(PythonModel):
    """Scores rows; reasons are left to `ml.seller_risk.model`."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = read(Path(context.artifacts["files"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        rows = pa.Table.from_pandas(model_input, preserve_index=False)
        margin = self.model.margin(columns_of(rows))
        return pd.DataFrame({
            "probability": self.model.calibration.probability(margin), "margin": margin,
            "band": self.model.band(margin),
        })  # fmt: skip


mlflow.models.set_model(SellerRisk())
