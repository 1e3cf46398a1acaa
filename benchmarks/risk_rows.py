"""Drawn seller-months and a model of a fixed size, for the benchmarks of seller risk."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import yaml

from conf.model_settings import load_seller_risk
from conf.seller_features import SELLER_FEATURES, SHARE
from conf.settings import CONF
from ml.calibration import Calibration
from ml.seller_risk.encoding import Columns, columns_of, fitted
from ml.seller_risk.explain import Catalogue, peers
from ml.seller_risk.model import Model
from ml.seller_risk.train import Chosen, Rows, fit, parameters

DS = date(2026, 6, 30)
PLACES = ("US", "DE", "GB", "JP")
TREES, LEAVES = 300, 31


def drawn(rows: int, seed: int = 1) -> pd.DataFrame:
    """(ds, seller_id, 36 columns, label): noise, of which a third of the features tell the label,
    and a tenth of the values missing."""
    rng = np.random.default_rng(seed)
    trouble = rng.standard_normal(rows)
    columns: dict[str, Any] = {"ds": DS, "seller_id": [f"s-{n:07d}" for n in range(rows)]}
    for number, feature in enumerate(SELLER_FEATURES):
        if feature.type == "string":
            columns[feature.name] = np.array(PLACES, object)[rng.integers(0, 4, rows)]
            continue
        signal = rng.standard_normal(rows) + (trouble if number % 3 == 0 else 0)
        values = 1 / (1 + np.exp(2 - signal)) if feature.unit == SHARE else np.exp(2 + signal)
        columns[feature.name] = np.where(rng.random(rows) < 0.1, np.nan, values)
    columns["label"] = (rng.random(rows) < 1 / (1 + np.exp(3.5 - 2 * trouble))).astype(np.int32)
    return pd.DataFrame(columns)


def as_parquet(months: pd.DataFrame, folder: str, files: int = 4) -> None:
    """The months in a few files, so that every core has rows to read."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    for number, part in enumerate(np.array_split(np.arange(len(months)), files)):
        months.iloc[part].to_parquet(f"{folder}/{number}.parquet", index=False)


def columns_of_months(months: pd.DataFrame) -> Columns:
    return columns_of(pa.Table.from_pandas(months, preserve_index=False))


def scores(text: str, features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What LightGBM's text says of encoded rows."""
    result: npt.NDArray[Any] = lightgbm.Booster(model_str=text).predict(features)
    return result


def chosen(trees: int = TREES, leaves: int = LEAVES) -> Chosen:
    """Fixed parameters, so that only the trainers differ."""
    rules = load_seller_risk()
    own = {
        "learning_rate": 0.05, "num_leaves": leaves, "min_data_in_leaf": 50,
        "feature_fraction": 0.8, "bagging_fraction": 0.85, "lambda_l2": 2.0,
    }  # fmt: skip
    return Chosen(parameters(rules.training, rules.features, **own), trees, ())


def encoded(months: pd.DataFrame) -> tuple[Any, Rows]:
    """(encoding, rows) of drawn months."""
    columns = columns_of_months(months)
    encoding = fitted(columns, load_seller_risk().features)
    label: npt.NDArray[Any] = months["label"].to_numpy()
    sellers = months["seller_id"].to_numpy().astype(str)
    return encoding, Rows(encoding.encode(columns), label, sellers, months["ds"].to_numpy())


def model(months: pd.DataFrame, threads: int) -> Model:
    """A model of TREES x LEAVES of these months."""
    encoding, rows = encoded(months)
    catalogue = yaml.safe_load((CONF / "models" / "seller_risk_reasons.yaml").read_text())
    columns = columns_of_months(months)
    return Model(
        trees=fit(rows, chosen(), threads).model_to_string(), encoding=encoding,
        calibration=Calibration(), bands={"critical": 1.0},
        catalogue=Catalogue(catalogue["families"], catalogue["features"]), peers=peers(columns),
        trained={"known_on": str(DS)},
    )  # fmt: skip
