"""Whatever the bytes: no record is lost or invented, no neighbour suffers, nothing crashes."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.contract import Column, Table
from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest.text import Record, RefusedFile, read_records

ENDINGS = ("jsonl", "csv", "jsonl.gz", "csv.gz")
ORDER = list(Rejection)

tables = st.sampled_from(bronze.TABLES)
# letters, quotes, separators and line breaks of every kind; no NUL and no half pairs
words = st.text(
    st.one_of(
        st.sampled_from('a",\n\r\\ {}[]é😀\u2028\ufffd\ufeff0'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
values: dict[str, st.SearchStrategy[Any]] = {
    "string": words,
    "int": st.integers(0, 2**31 - 1),
    "bigint": st.integers(0, 2**63 - 1),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "decimal(18,8)": st.decimals(-(10**9), 10**9, places=8),
    "date": st.dates(),
    "timestamp": st.datetimes(datetime(1900, 1, 2), datetime(2262, 12, 30), timezones=st.just(UTC)),
    "array<string>": st.lists(words, max_size=3),
    "array<int>": st.lists(st.integers(0, 2**31 - 1), max_size=3),
}


def landing_columns(table: Table) -> tuple[Column, ...]:
    return (*bronze.HEAD, *bronze.payload(table))


@st.composite
def rows(draw: st.DrawFn, table: Table) -> dict[str, Any]:
    """Typed values of every column; a key is neither null nor empty."""
    keys = {"event_id", *table.natural_key}
    row = {}
    for column in landing_columns(table):
        some = values[column.type]
        if column.name in keys:
            row[column.name] = draw(some.filter(lambda value: value != ""))
        else:
            row[column.name] = draw(st.none() | some)
    return row


def as_text(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def json_line(row: dict[str, Any]) -> bytes:
    parts = []
    for name, value in row.items():
        text = format(value, "f") if isinstance(value, Decimal) else json.dumps(as_text(value))
        parts.append(f"{json.dumps(name)}: {text}")
    return ("{" + ", ".join(parts) + "}\n").encode()


def csv_field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list):
        value = json.dumps(value)
    if isinstance(value, Decimal):
        value = format(value, "f")
    return '"' + str(as_text(value)).replace('"', '""') + '"'


def csv_line(row: dict[str, Any], line_end: str = "\n") -> bytes:
    return (",".join(map(csv_field, row.values())) + line_end).encode()


def csv_header(table: Table) -> bytes:
    return (",".join(column.name for column in landing_columns(table)) + "\n").encode()


def simple_row(n: int) -> dict[str, Any]:
    """A message whose text has all that CSV must quote, with a line break where `n` is odd."""
    told = {
        "event_id": f"event-{n}", "occurred_at": "2024-05-01T10:00:00Z", "message_id": f"m-{n}",
        "buyer_id": "b", "seller_id": "s", "sender": "buyer",
        "text": f'text {n}, "quoted"' + "\nsecond line" * (n % 2),
    }  # fmt: skip
    return {column.name: told.get(column.name) for column in landing_columns(bronze.MESSAGES)}


def read(content: bytes, ending: str, table: Table = bronze.MESSAGES) -> list[Record]:
    return list(read_records(content, f"part.{ending}", table))


def assert_sound(records: list[Record], table: Table) -> None:
    """What holds for the records of any file."""
    names = {column.name for column in landing_columns(table)} | {"extra"}
    lines = [record.line for record in records]
    assert lines == sorted(set(lines))
    for record in records:
        assert record.values.keys() == names
        assert list(record.reasons) == sorted(set(record.reasons), key=ORDER.index)
        assert bool(record.reasons) == bool(record.detail)
        assert record.reasons or not record.raw
        (record.detail + record.raw).encode()
        assert "\0" not in record.detail + record.raw
        assert len(record.raw) <= 10_000
        json.dumps(record.values, default=str, ensure_ascii=False).encode()


def try_to_read(content: bytes, ending: str, table: Table = bronze.MESSAGES) -> list[Record]:
    try:
        records = read(content, ending, table)
    except RefusedFile as refused:
        refused.detail.encode()
        return []
    assert_sound(records, table)
    return records


@settings(max_examples=150, deadline=None)
@given(tables.flatmap(lambda table: st.tuples(st.just(table), st.lists(rows(table), min_size=1))))
def test_what_is_written_right_is_read_right(landed: tuple[Table, list[dict[str, Any]]]) -> None:
    table, landed_rows = landed
    from_json = read(b"".join(map(json_line, landed_rows)), "jsonl", table)
    from_csv = read(csv_header(table) + b"".join(map(csv_line, landed_rows)), "csv", table)
    for records in (from_json, from_csv):
        assert_sound(records, table)
        assert [record.detail for record in records] == [""] * len(landed_rows)
        assert [record.values for record in records] == [
            {**row, "extra": {}} for row in landed_rows
        ]
    assert [record.line for record in from_json] == list(range(1, len(landed_rows) + 1))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(ENDINGS), tables, st.booleans())
def test_any_bytes_give_records_or_a_refusal(
    content: bytes, ending: str, table: Table, headed: bool
) -> None:
    whole = csv_header(table) + content if headed else content
    try_to_read(whole, ending, table)
    try_to_read(gzip.compress(whole), ending, table)
    try_to_read(gzip.compress(whole)[: len(content)] + content, ending, table)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.data(), tables)
def test_any_json_object_is_a_record(data: st.DataObject, table: Table) -> None:
    names = [column.name for column in landing_columns(table)]
    objects = st.dictionaries(st.sampled_from([*names, "other"]), json_like)
    found = data.draw(st.lists(objects, min_size=1, max_size=4))
    full = dict.fromkeys(names)
    content = b"".join(json.dumps(each).encode() + b"\n" for each in [full, *found])
    assert len(try_to_read(content, "jsonl", table)) == len(found) + 1


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(["jsonl", "csv"]))
def test_a_change_within_a_record_costs_no_other(data: st.DataObject, ending: str) -> None:
    landed = [simple_row(2 * n) for n in range(6)]
    lines = [json_line(row) if ending == "jsonl" else csv_line(row) for row in landed]
    head = b"" if ending == "jsonl" else csv_header(bronze.MESSAGES)
    original = read(head + b"".join(lines), ending)
    assert not any(record.reasons for record in original)
    hit = data.draw(st.integers(1, len(lines) - 1))
    line = lines[hit][:-1]
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, min(len(line), start + 3)))
    some = st.sampled_from(list(b'",\\{}[]:0-e\0\xff \t'))
    piece = bytes(data.draw(st.lists(some | st.integers(0, 255), max_size=3)))
    changed = line[:start] + piece.replace(b"\n", b"") + line[end:] + b"\n"
    records = try_to_read(head + b"".join([*lines[:hit], changed, *lines[hit + 1 :]]), ending)
    place = hit + (1 if ending == "jsonl" else 2)
    others = [record for record in records if record.line != place]
    assert others == [record for record in original if record.line != place]
    assert len(records) == len(original) or not changed.strip()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_stray_quote_never_swallows_rows_around_quoted_line_breaks(data: st.DataObject) -> None:
    landed = [simple_row(n) for n in range(8)]
    lines = [csv_line(row) for row in landed]
    head = csv_header(bronze.MESSAGES)
    hit = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[hit]) - 1))
    changed = lines[hit][:at] + b'"' + lines[hit][at:]
    records = try_to_read(head + b"".join([*lines[:hit], changed, *lines[hit + 1 :]]), "csv")
    good = {record.values["event_id"] for record in records if not record.reasons}
    assert good >= {row["event_id"] for row in landed if row is not landed[hit]}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["jsonl", "csv"]))
def test_a_damaged_gzip_loses_nothing_before_the_damage(data: st.DataObject, ending: str) -> None:
    landed = [simple_row(n) for n in range(40)]
    lines = [json_line(row) if ending == "jsonl" else csv_line(row) for row in landed]
    head = b"" if ending == "jsonl" else csv_header(bronze.MESSAGES)
    first = head + b"".join(lines[:20])
    rest = gzip.compress(b"".join(lines[20:]))
    at = data.draw(st.integers(0, len(rest) - 1))
    damaged = bytearray(rest)
    damaged[at] ^= data.draw(st.integers(1, 255))
    records = try_to_read(gzip.compress(first) + bytes(damaged), f"{ending}.gz")
    assert records[:20] == read(first, ending)
    marks = [record for record in records if Rejection.TRUNCATED_GZIP in record.reasons]
    assert marks in ([], records[-1:])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["good", "bad", "blank", "text"]), max_size=30), st.booleans())
def test_records_are_good_or_rejected_and_no_more(kinds: list[str], newline: bool) -> None:
    texts = {
        "good": json_line(simple_row(0)), "bad": b'{"event_id": 1}\n', "blank": b" \r\n",
        "text": b"\xff\n",
    }  # fmt: skip
    content = json_line(simple_row(1)) + b"".join(texts[kind] for kind in kinds)
    records = try_to_read(content if newline else content[:-1], "jsonl", bronze.MESSAGES)
    good = [record for record in records if not record.reasons]
    assert len(good) == kinds.count("good") + 1
    assert len(records) == 1 + len(kinds) - kinds.count("blank")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_bytes_give_the_same_records(ending: str) -> None:
    content = json_line(simple_row(1)) + b'{"x": "\\ud800", "\xff": [1e5]}\n{'
    if ending.startswith("csv"):
        content = csv_header(bronze.MESSAGES) + csv_line(simple_row(1)) + b'\xff,"\n"'
    packed = gzip.compress(content) if ending.endswith("gz") else content
    assert read(packed, ending) == read(packed, ending)
