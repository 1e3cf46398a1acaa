"""Registering a judged model: parameters, metrics, data sets, plots, card and files."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import mlflow
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset

from conf.model_settings import SellerRisk
from conf.tables import features
from jobs.lake.io import Lake
from jobs.learn.promotion import GATES, LEAKAGE, MISSED, NONE
from jobs.models import SELLER_RISK
from ml.registry import Registry, Version
from ml.seller_risk import card
from ml.seller_risk.model import Model
from ml.seller_risk.signature import EXAMPLE, SIGNATURE
from ml.seller_risk.training import Data, Outcome


def register(models: Registry, lake: Lake, model: Model, data: Data, outcome: Outcome,
             rules: SellerRisk) -> Version:  # fmt: skip
    """Logs the training as one run, and its model as one version."""
    read = {table.path: lake.version(table)
            for table in (features.SELLER_SNAPSHOTS, features.SELLER_LABELS)}  # fmt: skip
    tags = {
        "known_on": str(model.trained["known_on"]),
        MISSED: "; ".join(outcome.missed) or NONE,
        GATES: "missed" if outcome.missed else "passed",
        LEAKAGE: ", ".join(sorted({f.feature or f.test for f in outcome.findings})) or NONE,
        **{f"version_of_{path}": str(number) for path, number in read.items()},
    }  # fmt: skip
    with models.run(SELLER_RISK, f"{SELLER_RISK} {model.trained['known_on']}"), \
            tempfile.TemporaryDirectory() as folder:  # fmt: skip
        mlflow.log_params({**_parameters(rules), **model.trained["months"]})
        mlflow.log_metrics(card.metrics(outcome))
        mlflow.set_tags(tags)
        for path, number in read.items():
            mlflow.log_input(_data_set(lake, path, number, data), context="training")
        pages = Path(folder, "card")
        card.write(pages, model, outcome, rules, read)
        mlflow.log_artifacts(str(pages), "card")
        model.write(Path(folder, "files"))
        code = [_copied(files(name), Path(folder, "code", name)) for name in ("ml", "conf")]
        return models.register(
            SELLER_RISK, code[0] / "seller_risk" / "registered.py", Path(folder, "files"),
            SIGNATURE, EXAMPLE, code, {name: text[:5_000] for name, text in tags.items()},
        )  # fmt: skip


def _copied(package: Traversable, folder: Path) -> Path:
    """The package's sources as a folder: under spark-submit they lie in a zip."""
    folder.mkdir(parents=True)
    for entry in package.iterdir():
        if entry.is_file():
            (folder / entry.name).write_bytes(entry.read_bytes())
        elif entry.name != "__pycache__":
            _copied(entry, folder / entry.name)
    return folder


def _data_set(lake: Lake, path: str, number: int, data: Data) -> MetaDataset:
    """A table by address and Delta version, and a digest of the rows that were used."""
    source = DeltaDatasetSource(path=f"{lake.root}/{path}", delta_table_version=number)
    return MetaDataset(source, name=path, digest=data.digest)  # type: ignore[abstract]


def _parameters(rules: SellerRisk) -> dict[str, object]:
    training = asdict(rules.training)
    return {name: value for name, value in training.items() if name not in ("fixed", "search")}
