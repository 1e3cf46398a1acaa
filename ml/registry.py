"""The one module that talks to the MLflow registry: runs, versions, aliases.

A model version is a folder of text and JSON and the code that loads it. Its digest stands in a tag:
the files are held to it before anything is loaded or executed.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException, RestException
from mlflow.models import ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.tracking import MlflowClient

from ml.artefact import Tampered, digest_of

CHAMPION, PREVIOUS = "champion", "previous_champion"
DIGEST = "content_sha256"
ADDED_ON_DOWNLOAD = frozenset({"registered_model_meta"})
ADDRESS = "MLFLOW_TRACKING_URI"
LOADED_WITH = ("mlflow", "lightgbm", "numba", "numpy", "pandas", "pyarrow", "pyyaml")
QUIET = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}  # fmt: skip
"""A registry that is down must be known within a minute: MLflow's own defaults try for several."""


class RegistryDown(RuntimeError):
    """The registry did not answer."""


class NoSuchVersion(LookupError):
    """There is no such version, or no champion yet."""


@dataclass(frozen=True)
class Version:
    """A registered version: its number, tags, and the run that made it."""

    name: str
    number: str
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """One tracking server, which is the registry too."""

    def __init__(self, uri: str, artifacts: str | None = None) -> None:
        self.uri, self.artifacts = uri, artifacts
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        with _answering(uri):
            with _own_environment():
                mlflow.set_tracking_uri(uri)
            mlflow.set_registry_uri(uri)
            self.client = MlflowClient(uri, uri)

    @contextmanager
    def run(self, experiment: str, name: str) -> Iterator[Any]:
        """A run of an experiment, which is made where it is not there."""
        with _answering(self.uri):
            if self.client.get_experiment_by_name(experiment) is None:
                self.client.create_experiment(experiment, self.artifacts)
            mlflow.set_experiment(experiment)
            with mlflow.start_run(run_name=name) as run:
                yield run

    def register(
        self,
        name: str,
        code: Path,
        files: Path,
        signature: ModelSignature,
        example: Any,
        code_paths: Sequence[Path],
        tags: Mapping[str, str],
    ) -> Version:
        """Logs a model in the current run and registers it, its digest among the tags."""
        with _answering(self.uri):
            logged = mlflow.pyfunc.log_model(
                name="model", python_model=str(code), artifacts={"files": str(files)},
                signature=signature, input_example=example,
                code_paths=[str(path) for path in code_paths], conda_env=_loaded_with(),
            )  # fmt: skip
            with tempfile.TemporaryDirectory() as folder:
                digest = self._downloaded(logged.model_uri, Path(folder))[1]
            made = mlflow.register_model(logged.model_uri, name, tags={**tags, DIGEST: digest})
            return self.version(name, made.version)

    def version(self, name: str, number: str) -> Version:
        with _answering(self.uri):
            found = self.client.get_model_version(name, str(number))
            return Version(name, str(found.version), found.run_id or "", dict(found.tags))

    def versions(self, name: str) -> list[Version]:
        """All versions of a model, the oldest first; none where the model is not known yet."""
        with _answering(self.uri):
            found = self.client.search_model_versions(f"name='{name}'")
            numbers = sorted(int(one.version) for one in found)
        return [self.version(name, str(number)) for number in numbers]

    def champion(self, name: str, alias: str = CHAMPION) -> Version | None:
        """The version that jobs read; None where nobody has been promoted yet."""
        try:
            with _answering(self.uri):
                number = self.client.get_model_version_by_alias(name, alias).version
        except NoSuchVersion:
            return None
        return self.version(name, number)

    def point(self, name: str, number: str, alias: str = CHAMPION) -> None:
        """Moves an alias to a version."""
        with _answering(self.uri):
            self.client.set_registered_model_alias(name, alias, number)

    def files(self, version: Version) -> dict[str, str]:
        """The texts of a version's files, held to the digest it was registered with."""
        with self._checked(version) as found:
            inside = found / "artifacts" / "files"
            return {file.name: file.read_text() for file in inside.iterdir()}

    def loaded(self, version: Version) -> PyFuncModel:
        """The version as MLflow loads it, code included; Tampered before any of it is run."""
        with self._checked(version) as found:
            return mlflow.pyfunc.load_model(str(found))

    @contextmanager
    def _checked(self, version: Version) -> Iterator[Path]:
        """A copy of the version's files; Tampered if they are not those that were registered."""
        with tempfile.TemporaryDirectory() as folder, _answering(self.uri):
            uri = f"models:/{version.name}/{version.number}"
            found, digest = self._downloaded(uri, Path(folder))
            if digest != version.tags.get(DIGEST):
                raise Tampered(
                    f"the files of {version.name} version {version.number} are not those that were "
                    f"registered: their digest is {digest[:12]}, not "
                    f"{version.tags.get(DIGEST, 'any')[:12]}"
                )
            yield found

    def _downloaded(self, uri: str, folder: Path) -> tuple[Path, str]:
        found = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
        return found, digest_of(found, ADDED_ON_DOWNLOAD)


def _loaded_with() -> dict[str, object]:
    """What a model is loaded with elsewhere: the versions of this interpreter."""
    packages = [f"{name}=={metadata.version(name)}" for name in LOADED_WITH]
    return {"dependencies": [f"python={platform.python_version()}", "pip", {"pip": packages}]}


@contextmanager
def _own_environment() -> Iterator[None]:
    """Leaves the address of the registry as it was for other processes."""
    before = os.environ.get(ADDRESS)
    yield
    os.environ.pop(ADDRESS, None)
    if before is not None:
        os.environ[ADDRESS] = before


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    """Says in our own terms that the registry is down, or has no such thing."""
    try:
        yield
    except (RestException, MlflowException) as error:
        missing = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
        if error.error_code in missing and "not found" in str(error).lower():
            raise NoSuchVersion(str(error)) from None
        if "API request to" in str(error) or "Max retries" in str(error):
            raise RegistryDown(f"the model registry {uri} does not answer: {error}") from None
        raise
