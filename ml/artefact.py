"""A model as plain text files, each held to its SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

MANIFEST = "manifest.json"


class Tampered(ValueError):
    """Files of a model are not those that were written; the message names them."""


class OtherContract(ValueError):
    """A model that was made of other features than those there are; the message names them."""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files and a manifest with the digest of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    digests = {name: _digest(text.encode()) for name, text in sorted(files.items())}
    (folder / MANIFEST).write_text(json.dumps(digests, indent=1) + "\n")


def read(folder: Path) -> dict[str, str]:
    """The files that the manifest names; Tampered if one is missing, other, or not named."""
    if not (folder / MANIFEST).is_file():
        raise Tampered(f"{folder} holds no model: {MANIFEST} is missing")
    digests = json.loads((folder / MANIFEST).read_text())
    found = {file.name for file in folder.iterdir()} - {MANIFEST}
    wrong = found ^ set(digests) | {
        name for name in found & set(digests)
        if _digest((folder / name).read_bytes()) != digests[name]
    }  # fmt: skip
    if wrong:
        raise Tampered(f"{folder} is not the model that was written: {', '.join(sorted(wrong))}")
    return {name: (folder / name).read_text() for name in digests}


def digest_of(folder: Path, besides: frozenset[str] = frozenset()) -> str:
    """One digest of every file below a folder, by path and content."""
    whole = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and path not in besides and "__pycache__" not in file.parts:
            whole.update(f"{path}\0{_digest(file.read_bytes())}\n".encode())
    return whole.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
