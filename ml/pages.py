"""Cards of models: card.html and card.md from the templates beside a model's code."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2


def write_card(folder: Path, model: str, content: Mapping[str, Any]) -> None:
    """Both from ml/<model>/card.*.j2; in HTML every value is escaped."""
    for ending, escaped in (("html", True), ("md", False)):
        environment = jinja2.Environment(
            autoescape=escaped, undefined=jinja2.StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        source = (files("ml") / model / f"card.{ending}.j2").read_text()
        (folder / f"card.{ending}").write_text(environment.from_string(source).render(content))
