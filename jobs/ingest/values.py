"""One landing value: from JSON or CSV to its declared type, or a fault with its own reason.

Nothing is coerced: a value that is not written as its type wants it is a fault. Types are those
of `conf.contract.Column`; amounts and rates never pass through a float.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from conf.contract import Column
from conf.rejections import Rejection

Convert = Callable[[Any], object]

MAX_JSON_DEPTH = 100
"""Deeper JSON is refused, so that the verdict never depends on the interpreter's stack."""

_INT_MAX = {"int": 2**31 - 1, "bigint": 2**63 - 1}
_DECIMAL_WHOLE, _DECIMAL_FRACTION = 10, 8  # decimal(18,8)
_YEARS = range(1900, 2263)  # what a nanosecond clock can hold, rounded to whole years
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}

_NUMBER = re.compile(r"([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_ESCAPED_NO_TEXT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)


class Fault(Exception):
    """A value that its column cannot take: every reason that applies, and a remark or ""."""

    def __init__(self, *reasons: Rejection, remark: str = "") -> None:
        super().__init__(*reasons)
        self.reasons = reasons
        self.remark = remark


class Literal(str):
    """A JSON number as it was written: one with a sign, fraction, exponent or many digits."""

    __slots__ = ()


QUOTED_EMPTY = Literal("")
"""A CSV field `""`: an empty text, where a field of no characters is null."""


def parse_json(text: str) -> object:
    """The JSON value in `text`: an object as a tuple of (key, value), so that doubled keys show.

    Plain integers are int, all other numbers `Literal`. Raises json.JSONDecodeError for broken
    syntax, another ValueError for NaN, Infinity and what is nested too deep.
    """
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _too_deep(text):
        raise ValueError(f"nested deeper than {MAX_JSON_DEPTH} levels")
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _too_deep(text: str) -> bool:
    depth = 0
    for token in _BRACKETS.finditer(text):
        mark = text[token.start()]
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_JSON_DEPTH:
            return True
    return False


def _json_integer(text: str) -> int | Literal:
    # -0 is no int of its own, and int() of thousands of digits raises: both stay text
    return Literal(text) if text[0] == "-" or len(text) > 19 else int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple,
    parse_float=Literal,  # the text, never a float
    parse_int=_json_integer,
    parse_constant=_no_number,
)


def compact(value: object) -> str:
    """JSON text without spaces of a value of `parse_json`, numbers as they were written."""
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(compact, value))}]"
    if isinstance(value, tuple):
        return "{" + ",".join(f"{compact(key)}:{compact(item)}" for key, item in value) + "}"
    return json.dumps(value, ensure_ascii=False)


def texts(value: object) -> Iterator[str]:
    """Every string in a value of `parse_json`, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def text_faults(value: object) -> set[Rejection]:
    """What JSON escapes can say and no table can hold: NUL and halves of a surrogate pair."""
    faults = set()
    for text in texts(value):
        if "\0" in text:
            faults.add(Rejection.NUL_BYTE)
        try:
            text.encode()
        except UnicodeEncodeError:
            faults.add(Rejection.INVALID_UTF8)
    return faults


def may_have_text_faults(text: str) -> bool:
    """False where the JSON `text` cannot hold what `text_faults` looks for (nearly always)."""
    return "\\u" in text and _ESCAPED_NO_TEXT.search(text) is not None


def from_json(column: Column) -> Convert:
    """What turns a JSON value of `column`, not null, into its type; it raises Fault."""
    return _JSON[column.type]


def from_csv(column: Column, is_key: bool) -> Convert:
    """What turns a CSV field of `column`, a str, into its type; it raises Fault.

    An empty field is null. In a key a text stays "", for the later check to refuse; a number or a
    date cannot, and is refused here.
    """
    if column.type == "string":
        return _key_text if is_key else _optional_text
    read = _TEXT[column.type]

    def convert(field: str) -> object:
        if field:
            return read(field)
        if is_key:
            raise Fault(Rejection.EMPTY_KEY)
        return None

    return convert


def _key_text(field: str) -> str:
    return field or ""


def _optional_text(field: str) -> str | None:
    return field or ("" if field is QUOTED_EMPTY else None)


def _integer(type_: str) -> Convert:
    largest = _INT_MAX[type_]
    longest = len(str(largest))

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise Fault(*_integer_faults(text))
        # int() refuses thousands of digits, so that only short ones may reach it
        digits = text if len(text) <= longest else text.lstrip("0")
        if len(digits) > longest or (number := int(digits or "0")) > largest:
            raise Fault(Rejection.OVERFLOW, remark=f"more than {largest}")
        return number

    return read


def _integer_faults(text: str) -> Iterator[Rejection]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        yield Rejection.NOT_A_NUMBER
        return
    sign, _, fraction, exponent = match.groups()
    if exponent:
        yield Rejection.EXPONENT
    if fraction is not None:
        yield Rejection.FRACTION
    if sign:
        yield Rejection.SIGN


def _double(text: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Fault(Rejection.NOT_A_NUMBER)
    if match[1] == "+":
        raise Fault(Rejection.SIGN)
    number = float(text)
    if math.isinf(number):
        raise Fault(Rejection.OVERFLOW)
    return number


def _decimal(text: str) -> Decimal:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Fault(Rejection.NOT_A_NUMBER)
    sign, whole, fraction, exponent = match.groups()
    if exponent:
        raise Fault(Rejection.EXPONENT)
    if sign == "+":
        raise Fault(Rejection.SIGN)
    if len(fraction or "") > _DECIMAL_FRACTION:
        raise Fault(Rejection.OVERFLOW, remark=f"more than {_DECIMAL_FRACTION} fraction digits")
    if len(whole.lstrip("0")) > _DECIMAL_WHOLE:
        raise Fault(Rejection.OVERFLOW, remark=f"more than {_DECIMAL_WHOLE} whole digits")
    return Decimal(text)


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise Fault(Rejection.WRONG_TYPE, remark="true or false is wanted")
    return _BOOLEANS[text]


def _instant(text: str) -> datetime:
    # fromisoformat alone would also take weeks, basic forms and any separator
    if _INSTANT.fullmatch(text) is None:
        raise Fault(Rejection.BAD_TIME)
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            raise Fault(Rejection.TIME_WITHOUT_OFFSET)
        if when.tzinfo is not UTC:
            when = when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Fault(Rejection.BAD_TIME) from None
    if when.year not in _YEARS:
        raise Fault(Rejection.BAD_TIME, remark="outside the years 1900 to 2262")
    return when


def _day(text: str) -> date:
    if _DAY.fullmatch(text) is None:
        raise Fault(Rejection.BAD_DATE)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault(Rejection.BAD_DATE) from None


def _array_text(type_: str) -> Convert:
    convert = _JSON[type_]

    def read(text: str) -> object:
        try:
            value = parse_json(text)
        except ValueError as error:
            raise Fault(Rejection.WRONG_TYPE, remark=f"no JSON array: {error}") from None
        if may_have_text_faults(text) and (faults := text_faults(value)):
            raise Fault(*faults)
        return convert(value)

    return read


def _misfit(value: object) -> Fault:
    nested = isinstance(value, list | tuple)
    return Fault(Rejection.NESTED_VALUE if nested else Rejection.WRONG_TYPE)


def _json_text(read: Convert | None = None) -> Convert:
    """A JSON string, which `read` turns into its type."""

    def convert(value: object) -> object:
        if type(value) is not str:
            raise _misfit(value)
        return read(value) if read else value

    return convert


def _json_number(read: Convert) -> Convert:
    """A JSON number, whose text `read` turns into its type."""

    def convert(value: object) -> object:
        if type(value) is not int and type(value) is not Literal:  # True is an instance of int
            raise _misfit(value)
        return read(str(value))

    return convert


def _json_integer_column(type_: str) -> Convert:
    largest = _INT_MAX[type_]
    otherwise = _json_number(_integer(type_))

    def convert(value: object) -> object:
        if type(value) is int and value <= largest:
            return value
        return otherwise(value)

    return convert


def _json_boolean(value: object) -> object:
    if not isinstance(value, bool):
        raise _misfit(value)
    return value


def _json_array(element: Convert) -> Convert:
    def convert(value: object) -> object:
        if not isinstance(value, list):
            raise Fault(Rejection.WRONG_TYPE, remark="an array is wanted")
        return [element(item) for item in value]

    return convert


_JSON: dict[str, Convert] = {
    "string": _json_text(),
    "int": _json_integer_column("int"),
    "bigint": _json_integer_column("bigint"),
    "boolean": _json_boolean,
    "double": _json_number(_double),
    "decimal(18,8)": _json_number(_decimal),
    "timestamp": _json_text(_instant),
    "date": _json_text(_day),
    "array<string>": _json_array(_json_text()),
    "array<int>": _json_array(_json_integer_column("int")),
}
_TEXT: dict[str, Convert] = {
    "int": _integer("int"),
    "bigint": _integer("bigint"),
    "boolean": _boolean,
    "double": _double,
    "decimal(18,8)": _decimal,
    "timestamp": _instant,
    "date": _day,
    "array<string>": _array_text("array<string>"),
    "array<int>": _array_text("array<int>"),
}
