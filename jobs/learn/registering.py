"""Registering a judged model: parameters, metrics, data sets, card and files."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import mlflow
from mlflow.data.delta_dataset_source import DeltaDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.models import ModelSignature

from conf.contract import Table
from jobs.lake.io import Lake
from jobs.learn.promotion import GATES, LEAKAGE, MISSED, NONE
from ml.registry import Registry, Version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A judged model as the registry takes it. `digest` is that of the rows it was made of."""

    name: str
    known_on: str
    missed: Sequence[str]
    leaks: Sequence[str]
    tags: Mapping[str, str]
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    reads: Sequence[Table]
    digest: str
    write_card: Callable[[Path, Mapping[str, int]], None]
    write_files: Callable[[Path], None]
    signature: ModelSignature
    example: Any


def register(models: Registry, lake: Lake, one: Candidate) -> Version:
    """Logs the training as one run, and its model as one version."""
    read = {table.path: lake.version(table) for table in one.reads}
    tags = {
        "known_on": one.known_on,
        MISSED: "; ".join(one.missed) or NONE,
        GATES: "missed" if one.missed else "passed",
        LEAKAGE: ", ".join(sorted(set(one.leaks))) or NONE,
        **one.tags, **{f"version_of_{path}": str(number) for path, number in read.items()},
    }  # fmt: skip
    with models.run(one.name, f"{one.name} {one.known_on}"), \
            tempfile.TemporaryDirectory() as folder:  # fmt: skip
        mlflow.log_params(dict(one.parameters))
        mlflow.log_metrics(dict(one.metrics))
        mlflow.set_tags(tags)
        for path, number in read.items():
            mlflow.log_input(_data_set(lake, path, number, one.digest), context="training")
        one.write_card(Path(folder, "card"), read)
        mlflow.log_artifacts(str(Path(folder, "card")), "card")
        one.write_files(Path(folder, "files"))
        code = [_copied(files(name), Path(folder, "code", name)) for name in ("ml", "conf")]
        version = models.register(
            one.name, code[0] / one.name / "registered.py", Path(folder, "files"), one.signature,
            one.example, code, {name: text[:5_000] for name, text in tags.items()},
        )  # fmt: skip
    log.info("registered as %s version %s", version.name, version.number)
    return version


def _copied(package: Traversable, folder: Path) -> Path:
    """The package's sources as a folder: under spark-submit they lie in a zip."""
    folder.mkdir(parents=True)
    for entry in package.iterdir():
        if entry.is_file():
            (folder / entry.name).write_bytes(entry.read_bytes())
        elif entry.name != "__pycache__":
            _copied(entry, folder / entry.name)
    return folder


def _data_set(lake: Lake, path: str, number: int, digest: str) -> MetaDataset:
    """A table by address and Delta version, and a digest of the rows that were used."""
    source = DeltaDatasetSource(path=f"{lake.root}/{path}", delta_table_version=number)
    return MetaDataset(source, name=path, digest=digest)  # type: ignore[abstract]
