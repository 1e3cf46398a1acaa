"""The trained model: text and JSON files, and what scores with them.

Nothing here needs Spark, jars or the registry: a Spark task, the registry's own loader and a
container score alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml import artefact
from ml.artefact import OtherContract
from ml.calibration import Calibration
from ml.leaf_tables import LeafTables, leaf_tables
from ml.seller_risk.encoding import NAMES, Columns, Encoding, columns_of
from ml.seller_risk.explain import Catalogue, Peers, reasons
from ml.trees import margins

Array = npt.NDArray[Any]
LOWEST_BAND = "normal"
REASON = pa.struct([
    ("code", pa.string()), ("family", pa.string()), ("feature", pa.string()),
    ("value", pa.string()), ("peer_percentile", pa.float64()), ("contribution", pa.float64()),
    ("text", pa.string()), ("action", pa.string()),
])  # fmt: skip
SCORES = pa.schema([
    ("seller_id", pa.string()), ("probability", pa.float64()), ("margin", pa.float64()),
    ("band", pa.string()), ("reasons", pa.list_(REASON)), ("additivity", pa.float64()),
])  # fmt: skip


@dataclass(frozen=True)
class Model:
    """Everything that a score needs."""

    trees: str  # LightGBM's text
    encoding: Encoding
    calibration: Calibration
    bands: Mapping[str, float]  # lowest margin of each band, the riskiest first
    catalogue: Catalogue
    peers: Peers
    trained: Mapping[str, Any]  # as of when, on which months, with what: for people and `hindsight`

    @cached_property
    def booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)

    @cached_property
    def tables(self) -> LeafTables:
        return leaf_tables(self.booster)

    @property
    def importance(self) -> dict[str, float]:
        """Each feature's share of what all splits gained."""
        gains = self.booster.feature_importance("gain")
        return {name: float(gain / max(gains.sum(), 1e-300))
                for name, gain in zip(NAMES, gains, strict=True)}  # fmt: skip

    def margin(self, columns: Columns, threads: int = 1) -> Array:
        """[rows] log odds."""
        return margins(self.booster, self.encoding.encode(columns), threads)

    def band(self, margin: Array) -> Array:
        """[rows] names of bands."""
        bands = np.full(len(margin), LOWEST_BAND, object)
        for name, least in reversed(list(self.bands.items())):
            bands[margin >= least] = name
        return bands

    def scores(self, rows: pa.Table | pa.RecordBatch, threads: int = 1) -> pa.Table:
        """SCORES of rows with `seller_id` and the 36 columns, in their order.

        `additivity` is how far the contributions are from adding up to the margin.
        """
        columns = columns_of(rows)
        encoded = self.encoding.encode(columns)
        margin = margins(self.booster, encoded, threads)
        contributions = self.tables.contributions(encoded)
        off = np.abs(contributions.sum(axis=1) + self.tables.bias - margin)
        return pa.table({
            "seller_id": rows.column("seller_id").cast(pa.string()),
            "probability": self.calibration.probability(margin),
            "margin": margin,
            "band": pa.array(self.band(margin), pa.string()),
            "reasons": pa.array(reasons(columns, contributions, self.catalogue, self.peers),
                                SCORES.field("reasons").type),
            "additivity": off,
        }, schema=SCORES)  # fmt: skip

    def write(self, folder: Path) -> None:
        """The model as files, each held to its digest."""
        contents = {
            "encoding": self.encoding.to_json(), "calibration": asdict(self.calibration),
            "bands": dict(self.bands), "reasons": asdict(self.catalogue),
            "peers": asdict(self.peers), "trained": dict(self.trained),
        }  # fmt: skip
        files = {f"{name}.json": _text(content) for name, content in contents.items()}
        artefact.write(folder, {**files, "trees.txt": self.trees})


def read(folder: Path) -> Model:
    """The model of a folder; artefact.Tampered, or OtherContract if it knows other features."""
    return of_files(artefact.read(folder))


def of_files(files: Mapping[str, str]) -> Model:
    """The model of its files' texts, by name."""
    content = {name.removesuffix(".json"): json.loads(text)
               for name, text in files.items() if name.endswith(".json")}  # fmt: skip
    try:
        encoding = Encoding.of_json(content["encoding"])
    except ValueError as error:
        raise OtherContract(str(error)) from None
    return Model(
        trees=files["trees.txt"], encoding=encoding,
        calibration=Calibration(**content["calibration"]), bands=content["bands"],
        catalogue=Catalogue(**content["reasons"]), peers=Peers(**content["peers"]),
        trained=content["trained"],
    )  # fmt: skip


def bands(margin: Array, shares: Mapping[str, float]) -> dict[str, float]:
    """The lowest margin of each band, so that it begins where that share of these rows ends."""
    return {name: float(np.quantile(margin, 1 - share)) for name, share in shares.items()}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=False) + "\n"


assert set(NAMES) >= {"marketplace", "tenure_days"}  # what peers are grouped by
