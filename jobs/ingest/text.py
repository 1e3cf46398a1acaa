"""Strict reading of one landing file of text: JSON lines or CSV, plain or gzip.

Structure and types only: what also holds for Parquet (keys, codes, currencies, times against each
other, duplicates) is judged later. One bad record never costs its neighbours, and nothing but
RefusedFile leaves `read_records`, whatever the bytes.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from conf.contract import Table
from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest import values as v

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_RAW_CHARACTERS = 10_000
MAX_DETAIL_CHARACTERS = 1_000
MAX_QUOTED_LINES, MAX_QUOTED_BYTES = 1_000, 1024 * 1024
"""How far a CSV record with an open quote is followed beyond its first physical line."""

_BOM = b"\xef\xbb\xbf"
_GZIP_START = b"\x1f\x8b\x08"
_PACKED_PIECE, _UNPACKED_PIECE = 16 * 1024, 64 * 1024
_FIELD = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",\n]*+)),')
_DAMAGE = "\ufffd"  # stands in the text where its bytes are no text, so that the column is found
_ORDER = {reason: place for place, reason in enumerate(Rejection)}

Problem = tuple[Rejection, str]


class RefusedFile(Exception):
    """A file of which no record can be taken: the reason, and what was found."""

    def __init__(self, rejection: Rejection, detail: str) -> None:
        super().__init__(rejection, detail)
        self.rejection = rejection
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Record:
    """One landed record.

    `line` is its first physical line, from 1 (in CSV that is the header). `values` holds every
    column that a landing row may bring, None where absent or unreadable, and `extra`, a dict of
    strings with what the contract does not name. Where `reasons` (in the order of the enum) is not
    empty, `detail` names the columns and `raw` is the record as it came.
    """

    line: int
    values: dict[str, object]
    reasons: tuple[Rejection, ...] = ()
    detail: str = ""
    raw: str = ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What holds for all records of a file: how each column is read, and what it may show."""

    convert: dict[str, v.Convert]
    required: tuple[str, ...]
    personal: frozenset[str]

    def values(self) -> dict[str, object]:
        """The values of a record of which nothing could be read."""
        return {**dict.fromkeys(self.convert), "extra": {}}


def read_records(content: bytes, name: str, table: Table) -> Iterator[Record]:
    """The records of a landing file in their order, good and bad; blank lines are no records.

    `name` says the format: .jsonl or .csv, each also with .gz. Raises RefusedFile, before the first
    record, for a file that is refused whole. A compressed file that breaks off gives its whole
    lines, then one record with TRUNCATED_GZIP, which holds what remains.
    """
    format_, packed = name.removesuffix(".gz"), name.endswith(".gz")
    if not format_.endswith((".jsonl", ".csv")):
        raise RefusedFile(Rejection.UNREADABLE_FILE, "the name ends neither in .jsonl nor in .csv")
    text, damage = _unpacked(content) if packed else (content, "")
    if len(text) > MAX_UNPACKED_BYTES:
        raise RefusedFile(Rejection.TOO_LARGE, f"more than {MAX_UNPACKED_BYTES:,} bytes")
    text = text.removeprefix(_BOM)
    if not text and not damage:
        raise RefusedFile(Rejection.ZERO_BYTES, f"{len(content)} bytes, none of them text")
    rest = text[text.rfind(b"\n") + 1 :] if damage else b""
    text = text[: len(text) - len(rest)]
    reading = _reading(table, csv=format_.endswith(".csv"))
    if text:
        yield from (_csv if format_.endswith(".csv") else _json_lines)(text, reading)
    if damage:
        line = text.count(b"\n") + 1
        yield _rejected(line, reading.values(), [(Rejection.TRUNCATED_GZIP, damage)], rest)


def _reading(table: Table, csv: bool) -> _Reading:
    columns = tuple(column for column in table.columns if column not in bronze.TAIL)
    keys = {bronze.c.EVENT_ID.name, *table.natural_key}
    convert = {c.name: v.from_csv(c, c.name in keys) if csv else v.from_json(c) for c in columns}
    return _Reading(
        convert=convert,
        required=tuple(c.name for c in columns if c.required),
        personal=frozenset(c.name for c in columns if c.personal),
    )


def _unpacked(packed: bytes) -> tuple[bytes, str]:
    """Members one after the other, and why they break off ("" for a whole file).

    It stops beyond MAX_UNPACKED_BYTES.
    """
    if packed and not packed.startswith(_GZIP_START[: len(packed)]):
        raise RefusedFile(Rejection.UNREADABLE_FILE, "the name says gzip, the content does not")
    unpacked, member, at = io.BytesIO(), zlib.decompressobj(wbits=31), 0
    while packed and unpacked.tell() <= MAX_UNPACKED_BYTES:
        piece, before = packed[at : at + _PACKED_PIECE], member.copy()
        try:
            part = member.decompress(piece, _UNPACKED_PIECE)
        except zlib.error as error:
            unpacked.write(_up_to_the_fault(before, piece))
            return unpacked.getvalue(), f"at byte {at} or soon after: {error}"
        unpacked.write(part)
        at += len(piece) - len(member.unconsumed_tail) - len(member.unused_data)
        if member.eof:
            if at == len(packed):
                break
            if not packed.startswith(_GZIP_START, at):
                return unpacked.getvalue(), f"at byte {at}: no gzip follows"
            member = zlib.decompressobj(wbits=31)
        elif at == len(packed) and not part:
            return unpacked.getvalue(), f"at byte {at}: the file ends within a member"
    return unpacked.getvalue(), ""


def _up_to_the_fault(member: zlib._Decompress, piece: bytes) -> bytes:
    """What zlib drops when it raises: that which it had unpacked before the faulty byte."""
    found = bytearray()
    with suppress(zlib.error):
        for at in range(len(piece)):
            found += member.decompress(piece[at : at + 1])
    return bytes(found)


def _json_lines(content: bytes, reading: _Reading) -> Iterator[Record]:
    _require_keys(content, reading)
    for number, line in enumerate(io.BytesIO(content), 1):
        if not line.isspace():
            yield _json_record(number, line, reading)


def _require_keys(content: bytes, reading: _Reading) -> None:
    """One record with the key is enough: a record without it is that record's fault."""
    missing, objects = set(reading.required), 0
    for line in io.BytesIO(content):
        if not missing:
            return
        try:
            found = v.parse_json(_decoded(line)[0].strip(" \t\r\n"))
        except ValueError:
            continue
        if isinstance(found, tuple):
            objects += 1
            missing.difference_update(key for key, _ in found)
    if missing and objects:
        raise _missing(missing, reading)


def _missing(missing: set[str], reading: _Reading) -> RefusedFile:
    names = ", ".join(name for name in reading.required if name in missing)
    return RefusedFile(Rejection.MISSING_COLUMN, f"missing: {names}")


def _json_record(number: int, line: bytes, reading: _Reading) -> Record:
    text, problems = _decoded(line)
    text = text.strip(" \t\r\n")
    try:
        pairs = v.parse_json(text)
        if not isinstance(pairs, tuple):
            raise ValueError("no object")
    except json.JSONDecodeError as error:
        reason = Rejection.INVALID_JSON if line.endswith(b"\n") else Rejection.TRUNCATED_LINE
        problems.append((reason, f"character {error.pos + 1}: {error.msg}"))
        return _rejected(number, reading.values(), problems, line)
    except ValueError as error:
        problems.append((Rejection.INVALID_JSON, str(error)))
        return _rejected(number, reading.values(), problems, line)
    suspect = problems or v.may_have_text_faults(text)
    spoilt = _spoilt(pairs, problems, reading) if suspect else set()
    if len(dict(pairs)) < len(pairs):
        doubled = _doubled(name for name, _ in pairs)
        problems.append((Rejection.DUPLICATE_JSON_KEY, _shown_names(doubled)))
    return _record(number, line, pairs, reading, problems, spoilt)


def _csv(content: bytes, reading: _Reading) -> Iterator[Record]:
    """Rows after the header.

    A record whose quote is open at the end of its line goes on to the line that closes it, if that
    gives a row as wide as the header within MAX_QUOTED_LINES and MAX_QUOTED_BYTES. Otherwise the
    quote is broken: the first physical line alone is rejected and reading goes on with the next, so
    that a stray quote costs one row. Such a record can only end on the next line with an odd number
    of quotes, hence no line is looked at more than twice.
    """
    at, number = _line_end(content, 0), 2
    header = _header(content[:at], reading)
    while at < len(content):
        line, lines = content[at : _line_end(content, at)], 1
        if line.count(b'"') % 2:
            line, lines = _with_continuation(content, at, line, len(header))
        if not line.isspace():
            yield _csv_record(number, line, header, reading)
        at, number = at + len(line), number + lines


def _line_end(content: bytes, at: int) -> int:
    return content.find(b"\n", at) + 1 or len(content)


def _header(line: bytes, reading: _Reading) -> list[str]:
    text, problems = _decoded(line)
    names = _fields(text.rstrip("\r\n"))
    if problems or names is None:
        detail = "; ".join(detail for _, detail in problems) or "broken quotes"
        raise RefusedFile(Rejection.UNREADABLE_FILE, f"header: {detail}")
    if doubled := _doubled(names):
        raise RefusedFile(Rejection.UNREADABLE_FILE, f"header: doubled {_shown_names(doubled)}")
    if missing := set(reading.required) - set(names):
        raise _missing(missing, reading)
    return names


def _with_continuation(content: bytes, at: int, line: bytes, width: int) -> tuple[bytes, int]:
    """The record that `line` opens and its number of physical lines; (line, 1) if it has no end."""
    end, limit = at + len(line), at + len(line) + MAX_QUOTED_BYTES
    for lines in range(2, MAX_QUOTED_LINES + 1):
        begin, end = end, _line_end(content, end)
        if begin == end or end > limit:
            break
        if content.count(b'"', begin, end) % 2:
            fields = _fields(_decoded(content[at:end])[0].rstrip("\r\n"))
            if fields is not None and len(fields) == width:
                return content[at:end], lines
            break
    return line, 1


def _fields(text: str) -> list[str] | None:
    """The fields of one record; None where a quote is open or anything but a comma follows it."""
    if '"' not in text:
        return text.split(",")
    fields, at = [], 0
    text += ","
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None:
            return None
        quoted, plain = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"') or v.QUOTED_EMPTY)
        at = match.end()
    return fields


def _csv_record(number: int, line: bytes, header: list[str], reading: _Reading) -> Record:
    text, problems = _decoded(line)
    text = text.rstrip("\r\n")
    fields = _fields(text)
    if fields is not None and len(fields) == len(header):
        pairs = list(zip(header, fields, strict=True))
        spoilt = _spoilt(pairs, problems, reading) if problems else set()
        return _record(number, line, pairs, reading, problems, spoilt)
    values = reading.values()
    # what stands before the fault is still known by its place
    sound = text[: text.index('"')].split(",")[:-1] if fields is None else fields
    event_id = dict(zip(header, sound, strict=False)).get(bronze.c.EVENT_ID.name)
    values[bronze.c.EVENT_ID.name] = None if not event_id or _DAMAGE in event_id else event_id
    return _rejected(number, values, [*problems, _misshapen(line, fields, header)], line)


def _misshapen(line: bytes, fields: list[str] | None, header: list[str]) -> Problem:
    cut = not line.endswith(b"\n")
    if fields is None:
        is_open = line.count(b'"') % 2 == 1
        reason = Rejection.TRUNCATED_LINE if cut and is_open else Rejection.BROKEN_QUOTE
        return reason, "a quote is not closed" if is_open else "a quote stands within a field"
    if len(fields) > len(header):
        reason = Rejection.LONG_ROW
    else:
        reason = Rejection.TRUNCATED_LINE if cut else Rejection.SHORT_ROW
    return reason, f"{len(fields)} fields, the header has {len(header)}"


def _decoded(raw: bytes) -> tuple[str, list[Problem]]:
    """The text, with _DAMAGE for what is none."""
    problems: list[Problem] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        text = raw.decode(errors="replace")
        found = f"byte {error.start + 1} is {raw[error.start]:#04x}"
        problems.append((Rejection.INVALID_UTF8, found))
    if "\0" in text:
        problems.append((Rejection.NUL_BYTE, f"character {text.index(chr(0)) + 1} is NUL"))
        text = text.replace("\0", _DAMAGE)
    return text, problems


def _record(
    number: int,
    raw: bytes,
    pairs: Iterable[tuple[str, Any]],
    reading: _Reading,
    problems: list[Problem],
    spoilt: set[str],
) -> Record:
    """The record of these columns, typed; `spoilt` ones are known to be bad and stay out."""
    values = reading.values()
    extra = {}
    for name, value in pairs:
        convert = reading.convert.get(name)
        if convert is None:
            extra[name] = value if type(value) is str else v.compact(value)
        elif value is not None and name not in spoilt:
            try:
                values[name] = convert(value)
            except v.Fault as fault:
                shown = _shown(name, value, reading) + (fault.remark and f" ({fault.remark})")
                problems.extend((reason, shown) for reason in fault.reasons)
    if problems:
        return _rejected(number, values, problems, raw)
    values["extra"] = extra
    return Record(number, values)


def _spoilt(
    pairs: Iterable[tuple[str, Any]], problems: list[Problem], reading: _Reading
) -> set[str]:
    """Names of the columns that hold damaged or impossible text; each becomes a problem."""
    damage = [reason for reason, _ in problems]
    spoilt = set()
    for name, value in pairs:
        reasons = v.text_faults([name, value])
        if damage and any(_DAMAGE in text for text in v.texts([name, value])):
            reasons.update(damage)
        if reasons:
            spoilt.add(name)
            problems.extend((reason, _shown(name, value, reading)) for reason in reasons)
    return spoilt


def _shown(name: str, value: Any, reading: _Reading) -> str:
    """Column and excerpt for people; personal data stays in `raw`, which is marked as such."""
    if name in reading.personal:
        return f"{name}: (personal data)"
    text = value if isinstance(value, str) else v.compact(value)
    return f"{name if name in reading.convert else _shown_names([name])}: {text[:40]!r}"


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _shown_names(names: Iterable[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names)


def _rejected(
    number: int, values: dict[str, object], problems: Iterable[Problem], raw: bytes
) -> Record:
    reasons = sorted({reason for reason, _ in problems}, key=_ORDER.__getitem__)
    detail = "; ".join(dict.fromkeys(detail for _, detail in problems))
    # four bytes a character at most: the slice saves decoding megabytes for what is shown
    text = raw[: 4 * MAX_RAW_CHARACTERS].decode(errors="backslashreplace").rstrip("\r\n")
    shown = text.replace("\0", r"\x00")[:MAX_RAW_CHARACTERS]
    return Record(number, values, tuple(reasons), detail[:MAX_DETAIL_CHARACTERS], shown)
