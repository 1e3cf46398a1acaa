"""The registry as jobs see it: where it is, and exit codes for what goes wrong with it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.settings import Settings
from jobs.errors import ContractBroken, NoChampion, NoRegistry, OutsideUnavailable, UsageError
from jobs.lake.lease import is_local, local_path
from ml.artefact import OtherContract, Tampered

if TYPE_CHECKING:
    from ml.registry import Registry, Version

SELLER_RISK, SELLER_SEGMENTS = "seller_risk", "seller_segments"
MODELS = (SELLER_RISK, SELLER_SEGMENTS)
"""Each is the package ml/<name>, whose `model.of_files` reads a version's files."""


@contextmanager
def registry(settings: Settings) -> Iterator[Registry]:
    """The registry; what it refuses becomes a job's error with its exit code."""
    from ml.registry import NoSuchVersion, Registry, RegistryDown

    try:
        yield Registry(*_where(settings))
    except RegistryDown as error:
        raise OutsideUnavailable(str(error)) from None
    except (Tampered, OtherContract) as error:
        raise ContractBroken(str(error)) from None
    except NoSuchVersion as error:
        raise UsageError(str(error)) from None


def champion(models: Registry, name: str) -> tuple[Version, Any]:
    """The champion, its files checked; NoChampion (exit 5) where there is none yet."""
    version = models.champion(name)
    if version is None:
        raise NoChampion(
            f"no version of {name} is champion yet: train one with learn.{name}, then promote it "
            f"with learn.promote --model {name} --version V --why TEXT"
        )
    return version, _of_files(name, models.files(version))


def _where(settings: Settings) -> tuple[str, str | None]:
    """(tracking URI, folder for artifacts): beside the tables of a local lake, else as given."""
    if settings.mlflow_uri:
        return settings.mlflow_uri, None
    root = settings.lake_root or ""
    if not is_local(root):
        raise NoRegistry(
            "no model registry: set MLFLOW_TRACKING_URI, or mlflow_uri in conf/env; only a lake on "
            "this machine keeps its own"
        )
    folder = Path(local_path(root)).absolute() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder}/mlflow.db", (folder / "artifacts").as_uri()


def version_model(models: Registry, name: str, number: str) -> Any:
    """The model of a version, its files checked."""
    return _of_files(name, models.files(models.version(name, number)))


def champion_or_none(models: Registry, name: str) -> tuple[Version, Any] | None:
    """The champion, where there is one that knows the same features."""
    version = models.champion(name)
    if version is None:
        return None
    try:
        return version, _of_files(name, models.files(version))
    except OtherContract:
        return None


def _of_files(name: str, files: Mapping[str, str]) -> Any:
    # Which package is a matter of the name, and importing it takes a second: not before.
    return importlib.import_module(f"ml.{name}.model").of_files(files)
