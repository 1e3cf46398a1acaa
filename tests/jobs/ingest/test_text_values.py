"""One value at a time: what each declared type takes from JSON and CSV, and why it refuses."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from conf.contract import Column
from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest.values import Fault, from_csv, from_json, parse_json

TEN = datetime(2024, 5, 1, 10, tzinfo=UTC)

FROM_JSON = [
    ("string", '"a\\u00e9"', "aé"),
    ("string", '""', ""),
    ("string", "1", Rejection.WRONG_TYPE),
    ("string", "1.0", Rejection.WRONG_TYPE),
    ("string", "false", Rejection.WRONG_TYPE),
    ("string", "[]", Rejection.NESTED_VALUE),
    ("string", "{}", Rejection.NESTED_VALUE),
    ("int", "0", 0),
    ("int", "2147483647", 2**31 - 1),
    ("int", "2147483648", Rejection.OVERFLOW),
    ("int", "-1", Rejection.SIGN),
    ("int", "-0", Rejection.SIGN),
    ("int", "true", Rejection.WRONG_TYPE),
    ("int", '"1"', Rejection.WRONG_TYPE),
    ("int", "[1]", Rejection.NESTED_VALUE),
    ("bigint", "9223372036854775807", 2**63 - 1),
    ("bigint", "9223372036854775808", Rejection.OVERFLOW),
    ("bigint", "1" + "0" * 5000, Rejection.OVERFLOW),
    ("bigint", "1e3", Rejection.EXPONENT),
    ("bigint", "10.0", Rejection.FRACTION),
    ("bigint", "-1.5E+3", (Rejection.EXPONENT, Rejection.FRACTION, Rejection.SIGN)),
    ("double", "1.5", 1.5),
    ("double", "7", 7.0),
    ("double", "-2e-3", -0.002),
    ("double", "1e999", Rejection.OVERFLOW),
    ("double", '"1.5"', Rejection.WRONG_TYPE),
    ("double", "false", Rejection.WRONG_TYPE),
    ("decimal(18,8)", "1.10", Decimal("1.10")),
    ("decimal(18,8)", "0.1", Decimal("0.1")),
    ("decimal(18,8)", "9999999999.99999999", Decimal("9999999999.99999999")),
    ("decimal(18,8)", "3", Decimal(3)),
    ("decimal(18,8)", "0.123456789", Rejection.OVERFLOW),
    ("decimal(18,8)", "10000000000", Rejection.OVERFLOW),
    ("decimal(18,8)", "1e2", Rejection.EXPONENT),
    ("decimal(18,8)", '"1.1"', Rejection.WRONG_TYPE),
    ("boolean", "true", True),
    ("boolean", "1", Rejection.WRONG_TYPE),
    ("boolean", '"true"', Rejection.WRONG_TYPE),
    ("boolean", "[true]", Rejection.NESTED_VALUE),
    ("date", '"2024-02-29"', date(2024, 2, 29)),
    ("date", '"2023-02-29"', Rejection.BAD_DATE),
    ("date", '"2024-W18-3"', Rejection.BAD_DATE),
    ("date", '"2024-5-1"', Rejection.BAD_DATE),
    ("date", '""', Rejection.BAD_DATE),
    ("date", "20240501", Rejection.WRONG_TYPE),
    ("timestamp", '"2024-05-01T10:00:00Z"', TEN),
    ("timestamp", '"2024-05-01T10:00:00+00:00"', TEN),
    ("timestamp", '"2024-05-01T12:00:00+02:00"', TEN),
    ("timestamp", '"2024-05-01 04:30:00-0530"', TEN),
    ("timestamp", '"2024-05-01T10:00:00.1Z"', TEN.replace(microsecond=100_000)),
    ("timestamp", '"2024-05-01T10:00:00.123456999Z"', TEN.replace(microsecond=123_456)),
    ("timestamp", '"2024-05-01T10:00:00.1234567891Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00:00,5Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00:00"', Rejection.TIME_WITHOUT_OFFSET),
    ("timestamp", '"2024-05-01T10:00:60Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T24:00:00Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00:00+02"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00:00+25:00"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01"', Rejection.BAD_TIME),
    ("timestamp", '" 2024-05-01T10:00:00Z"', Rejection.BAD_TIME),
    ("timestamp", '"2024-05-01T10:00:00Z\\n"', Rejection.BAD_TIME),
    ("timestamp", '"1900-01-01T00:00:00Z"', datetime(1900, 1, 1, tzinfo=UTC)),
    ("timestamp", '"1900-01-01T00:00:00+01:00"', Rejection.BAD_TIME),
    ("timestamp", '"2262-12-31T23:00:00-01:00"', Rejection.BAD_TIME),
    ("timestamp", '"0001-01-01T00:00:00+14:00"', Rejection.BAD_TIME),
    ("timestamp", "1714557600", Rejection.WRONG_TYPE),
    ("array<string>", '["a", ""]', ["a", ""]),
    ("array<string>", '"a"', Rejection.WRONG_TYPE),
    ("array<string>", '["a", 1]', Rejection.WRONG_TYPE),
    ("array<string>", '["a", null]', Rejection.WRONG_TYPE),
    ("array<string>", '["a", ["b"]]', Rejection.NESTED_VALUE),
    ("array<string>", '{"a": "b"}', Rejection.WRONG_TYPE),
    ("array<int>", "[1, 2]", [1, 2]),
    ("array<int>", "[]", []),
    ("array<int>", "[true]", Rejection.WRONG_TYPE),
    ("array<int>", "[2147483648]", Rejection.OVERFLOW),
]

FROM_CSV = [
    ("string", "a", "a"),
    ("string", "", None),
    ("int", "", None),
    ("int", "007", 7),
    ("int", "0" * 5000 + "7", 7),
    ("int", "+5", Rejection.SIGN),
    ("int", "-5", Rejection.SIGN),
    ("int", " 5", Rejection.NOT_A_NUMBER),
    ("int", "5 ", Rejection.NOT_A_NUMBER),
    ("int", "٣", Rejection.NOT_A_NUMBER),
    ("int", "²", Rejection.NOT_A_NUMBER),
    ("int", "1_000", Rejection.NOT_A_NUMBER),
    ("int", "-", Rejection.NOT_A_NUMBER),
    ("int", ".", Rejection.NOT_A_NUMBER),
    ("int", "e3", Rejection.NOT_A_NUMBER),
    ("int", ".5", Rejection.FRACTION),
    ("int", "5.", Rejection.FRACTION),
    ("int", "9" * 5000, Rejection.OVERFLOW),
    ("double", "1e3", 1000.0),
    ("double", "nan", Rejection.NOT_A_NUMBER),
    ("double", "Infinity", Rejection.NOT_A_NUMBER),
    ("double", "+1.5", Rejection.SIGN),
    ("decimal(18,8)", "0001.5", Decimal("1.5")),
    ("decimal(18,8)", "NaN", Rejection.NOT_A_NUMBER),
    ("decimal(18,8)", "1.000000000", Rejection.OVERFLOW),
    ("boolean", "True", True),
    ("boolean", "false", False),
    ("boolean", "TRUE", Rejection.WRONG_TYPE),
    ("boolean", "0", Rejection.WRONG_TYPE),
    ("date", "2024-05-01", date(2024, 5, 1)),
    ("timestamp", "2024-05-01T10:00:00Z", TEN),
    ("array<string>", '["a","b"]', ["a", "b"]),
    ("array<string>", "a", Rejection.WRONG_TYPE),
    ("array<string>", "[NaN]", Rejection.WRONG_TYPE),
    ("array<string>", "[" * 100_000, Rejection.WRONG_TYPE),
    ("array<string>", r'["\ud800"]', Rejection.INVALID_UTF8),
    ("array<string>", r'["\u0000"]', Rejection.NUL_BYTE),
    ("array<int>", "", None),
    ("array<int>", "[1,-2]", Rejection.SIGN),
]


def outcome(convert: Any, value: Any) -> Any:
    """The converted value, or the reason or tuple of reasons of its Fault."""
    try:
        return convert(value)
    except Fault as fault:
        return fault.reasons[0] if len(fault.reasons) == 1 else fault.reasons


def shorten(value: Any) -> str:
    return repr(value)[:40]


@pytest.mark.parametrize(("type_", "text", "expected"), FROM_JSON, ids=shorten)
def test_json_value(type_: str, text: str, expected: Any) -> None:
    found = outcome(from_json(Column("x", type_, "")), parse_json(text))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("type_", "field", "expected"), FROM_CSV, ids=shorten)
def test_csv_value(type_: str, field: str, expected: Any) -> None:
    found = outcome(from_csv(Column("x", type_, ""), is_key=False), field)
    assert found == expected
    assert type(found) is type(expected)


def test_an_empty_csv_key_is_kept_as_text_and_refused_as_number() -> None:
    assert outcome(from_csv(Column("x", "string", ""), is_key=True), "") == ""
    assert outcome(from_csv(Column("x", "int", ""), is_key=True), "") is Rejection.EMPTY_KEY
    assert outcome(from_csv(Column("x", "date", ""), is_key=True), "") is Rejection.EMPTY_KEY


def test_every_landing_column_has_its_readers() -> None:
    for table in bronze.TABLES:
        for column in (*bronze.HEAD, *bronze.payload(table)):
            assert callable(from_json(column))
            assert callable(from_csv(column, is_key=False))


def test_parse_json_shows_doubled_keys_and_keeps_numbers_as_written() -> None:
    assert parse_json('{"a": 1, "a": {"b": 1.50}}') == (("a", 1), ("a", (("b", "1.50"),)))


@pytest.mark.parametrize("text", ["[NaN]", "Infinity", "-Infinity", "[" * 101 + "]" * 101])
def test_parse_json_refuses_what_is_no_json_or_too_deep(text: str) -> None:
    with pytest.raises(ValueError, match=r"no JSON number|nested deeper"):
        parse_json(text)


def test_brackets_within_strings_do_not_nest() -> None:
    text = json.dumps(["[{" * 200 + '\\" [', "]"])
    assert parse_json(text) == json.loads(text)
    assert parse_json("[" + "[]," * 200 + "[]]") == [[]] * 201
