"""Keys that name what a thing is about: in Python here, in Spark in `features/keys.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

UNIT_SEPARATOR = "\x1f"
"""Between the parts of what is hashed: no part may hold it."""


def key_of(parts: Iterable[str]) -> str:
    """Hex SHA-256 over the parts as UTF-8, joined with U+001F."""
    return hashlib.sha256(UNIT_SEPARATOR.join(parts).encode()).hexdigest()
