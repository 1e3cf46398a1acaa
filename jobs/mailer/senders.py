"""What a sender is, and the one that writes files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Temporary(Exception):
    """The mail may go another time. `server`: it says something about the server, not the mail."""

    def __init__(self, reason: str, server: bool) -> None:
        super().__init__(reason)
        self.server = server


class Refused(Exception):
    """The mail will never be taken."""


class NoAccess(Exception):
    """The server takes nothing from us, whatever the mail: a matter of settings."""


@dataclass(frozen=True)
class Mail:
    """A finished mail: bytes, and the envelope's two addresses."""

    mail_key: str
    from_address: str = field(repr=False)
    to_address: str = field(repr=False)
    content: bytes = field(repr=False)


class Sender(Protocol):
    """Hands over one mail after the other. `send` returns when the mail was taken, and raises
    Temporary, Refused or NoAccess, whose text names no person."""

    def send(self, mail: Mail) -> None: ...

    def close(self) -> None: ...


class FileSender:
    """Writes `<mail_key>.eml` into a folder, at once and durably; one that is there stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, mail: Mail) -> None:
        target = self._folder / f"{mail.mail_key}.eml"
        try:
            if not target.exists():
                self._write(target, mail.content)
        except OSError as error:
            reason = f"cannot write into {self._folder}: {error.strerror}"
            raise Temporary(reason, server=True) from error

    def _write(self, target: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = target.with_suffix(".draft")  # the folder has one sender at a time
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # else the name may be lost with the power
        finally:
            os.close(folder)

    def close(self) -> None:
        return None
