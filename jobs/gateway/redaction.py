"""Secrets that do not show themselves, and logs that do not show them."""

from __future__ import annotations

import logging
import re

SECRETS = re.compile(r"\b((?:[sr]k|whsec)_|(?:[a-z]+_\w+?_secret_))[A-Za-z0-9_]+")
WATCHED_LOGGERS = (
    "stripe",
    "urllib3",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "jobs.gateway",
)
"""A filter of a logger does not see what its children log: each is named."""


class Secret:
    """A value that only `reveal` gives; it never appears in a text, a repr or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def redacted(text: str) -> str:
    """The text with every key, signing secret and client secret cut after its prefix."""
    return SECRETS.sub(r"\1***", text)


class RedactingFilter(logging.Filter):
    """Rewrites a record that names a secret, also in its arguments and its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
        return True


def guard_logs() -> None:
    """Puts the filter on our loggers and the SDK's, once; the SDK's own are silenced below warning,
    because it logs whole bodies."""
    for name in WATCHED_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(given, RedactingFilter) for given in logger.filters):
            logger.addFilter(RedactingFilter())
    logging.getLogger("stripe").setLevel(logging.WARNING)
