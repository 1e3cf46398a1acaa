"""Hostile text made harmless; amounts and times as people write them.

What people outside wrote is shown on one line, without control, format or direction characters,
and broken so that no mail program makes a link of it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, tzinfo
from typing import Any

from markupsafe import Markup

from conf import currencies

CUT = "\N{HORIZONTAL ELLIPSIS}"
# Dots that browsers take for a dot in a name of a host; followed by a letter they may be one.
DOT = re.compile(r"(?<=\w)[.\u2024\u3002\uff0e\uff61](?=[^\W\d_])")
SCHEME = re.compile(
    r"(?i)\b(https?|ftps?|mailto|tel|sms|skype|whatsapp|javascript|data|file|intent):"
)
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
FORMS = {
    # thousands, decimal mark, amount, instant
    "en": (",", ".", "{currency} {number}", "{day} {month} {year}, {clock} ({offset})"),
    "de": (".", ",", "{number} {currency}", "{day}. {month} {year}, {clock} Uhr ({offset})"),
}


def one_line(text: str, most: int = 1000) -> str:
    """`text` on one line, its invisible characters gone, cut to `most` characters."""
    seen = "".join(_shown(char) for char in text[: 8 * most])
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + CUT


def unlinked(line: str) -> str:
    """`line` with every address of a site or a mailbox broken in a way that a reader sees."""
    line = DOT.sub("[.]", line.replace("://", "[:]//"))
    return SCHEME.sub(r"\1[:]", line)


def harmless(value: Any) -> Any:
    """What a template shows of a value: Jinja's `finalize`. Markup is ours and stays.

    TypeError for None: a sentence that names nothing is not sent.
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        raise TypeError("a template shows a value that is not there")
    return unlinked(one_line(str(value)))


def money(amount_minor: int, currency: str, language: str) -> str:
    """An amount of minor units with its currency's decimal digits: "EUR 1,234.50"."""
    digits = currencies.exponent(currency)
    thousands, mark, form, _ = FORMS[language]
    whole, part = divmod(abs(amount_minor), 10**digits)
    number = f"{whole:,}".replace(",", thousands) + (f"{mark}{part:0{digits}}" if digits else "")
    sign = "-" if amount_minor < 0 else ""
    return form.format(currency=currency, number=sign + number)


def instant(at: datetime, zone: tzinfo, language: str) -> str:
    """An instant by the wall clock of `zone`, with the offset, since an hour may come twice."""
    local = at.astimezone(zone)
    month = MONTHS[language].split()[local.month - 1]
    return FORMS[language][3].format(
        day=local.day, month=month, year=local.year, clock=f"{local:%H:%M}",
        offset=_offset(local.utcoffset() or timedelta()),
    )  # fmt: skip


def _offset(offset: timedelta) -> str:
    minutes = round(abs(offset).total_seconds() / 60)
    if not minutes:
        return "UTC"
    sign = "-" if offset < timedelta() else "+"
    rest = f":{minutes % 60:02}" if minutes % 60 else ""
    return f"UTC{sign}{minutes // 60}{rest}"


def _shown(char: str) -> str:
    if char.isspace() or char in "\u2028\u2029":
        return " "
    return "" if unicodedata.category(char).startswith("C") else char
