"""A job's own command-line options, declared beside its `run`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
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


def instant(text: str) -> datetime:
    """An instant in ISO 8601, in UTC; an ArgumentTypeError for one without an offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant like 2026-06-30T14:15:00Z")
    return found.astimezone(UTC)


LATELY = Argument(
    "--lately", "of a range, only the days that are still acted upon", action="store_true",
    default=False,
)  # fmt: skip
UNTIL = Argument(
    "--until", "of an open day, what was known before that instant (ISO 8601 with an offset)",
    type=instant,
)  # fmt: skip
