"""One sender at a time: a lock that the kernel frees however the sender ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from jobs.errors import OutsideUnavailable


class AnotherSender(OutsideUnavailable):
    """Another process sends; the second copy leaves without having done anything."""


def only_sender(path: Path, otherwise: str) -> IO[str]:
    """The lock's file, to be closed when the sending ends; AnotherSender, saying `otherwise`, when
    another process has it."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AnotherSender(otherwise) from None
    return file
