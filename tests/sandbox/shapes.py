"""The requests that the product sends, as committed in `shapes/`: names in braces stand for ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "shapes"


@dataclass(frozen=True)
class Shape:
    name: str
    method: str
    path: str
    params: Mapping[str, Any]


def shapes(ids: Mapping[str, str] | None = None) -> list[Shape]:
    """All of them, by name; with `ids`, these in place of the names in braces."""
    return [_read(file, ids or {}) for file in sorted(FOLDER.glob("*.json"))]


def _read(file: Path, ids: Mapping[str, str]) -> Shape:
    text = file.read_text()
    for name, id_ in ids.items():
        text = text.replace(f"{{{name}}}", id_)
    return Shape(file.stem, **json.loads(text))
