"""A job's own command-line options, declared beside its `run`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One option; its value reaches `run` under `name`."""

    flag: str
    help: str
    type: Callable[[str], Any] = str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] | None = None
    action: str | None = None

    @property
    def name(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declares the option on an argparse parser."""
        if self.action:
            parser.add_argument(self.flag, help=self.help, action=self.action)
            return
        parser.add_argument(
            self.flag, help=self.help, type=self.type, default=self.default,
            required=self.required, choices=self.choices,
            metavar=None if self.choices else self.name.upper(),
        )  # fmt: skip
