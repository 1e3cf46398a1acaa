"""Whole files of text: what a record carries, what refuses a file, where a fault ends."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest

from conf.rejections import Rejection
from conf.tables import bronze
from jobs.ingest import text
from jobs.ingest.text import Record, RefusedFile, read_records

SPEND = {
    "event_id": "e1", "occurred_at": "2024-05-01T10:00:00Z", "seller_id": "s1",
    "date": "2024-04-30", "spend_minor": 5, "attributed_gmv_minor": 7, "currency": "EUR",
}  # fmt: skip
MESSAGE = {
    "event_id": "e1", "occurred_at": "2024-05-01T10:00:00Z", "message_id": "m1",
    "buyer_id": "b1", "seller_id": "s1", "sender": "buyer", "text": "hello",
}  # fmt: skip


def json_lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def csv_rows(*rows: dict[str, Any]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def read(content: bytes, ending: str = "jsonl", entity: str = "ad_spend") -> list[Record]:
    table = next(table for table in bronze.TABLES if table.name == entity)
    return list(read_records(content, f"{entity}/ds=2024-05-01/part-1.{ending}", table))


def refusal(content: bytes, ending: str = "jsonl") -> RefusedFile:
    with pytest.raises(RefusedFile) as refused:
        read(content, ending)
    return refused.value


def reasons(records: list[Record]) -> list[tuple[Rejection, ...]]:
    return [record.reasons for record in records]


def test_a_good_record_has_every_column_and_nothing_to_say() -> None:
    (record,) = read(json_lines(SPEND))
    columns = {column.name for column in (*bronze.HEAD, *bronze.payload(bronze.AD_SPEND))}
    assert record.values.keys() == columns | {"extra"}
    assert record.values["known_at"] is None
    assert record.values["spend_minor"] == 5
    assert (record.line, record.reasons, record.detail, record.raw) == (1, (), "", "")


def test_json_lines_and_csv_give_the_same_values() -> None:
    (from_json,), (from_csv,) = read(json_lines(SPEND)), read(csv_rows(SPEND), "csv")
    assert from_json.values == from_csv.values


def test_a_bad_record_keeps_its_event_id_its_text_and_names_its_columns() -> None:
    (record,) = read(json_lines({**SPEND, "spend_minor": 1.5, "date": "1 May", "currency": 3}))
    assert record.reasons == (Rejection.WRONG_TYPE, Rejection.FRACTION, Rejection.BAD_DATE)
    assert record.values["event_id"] == "e1"
    assert record.values["attributed_gmv_minor"] == 7
    assert record.values["spend_minor"] is None
    assert record.detail == "date: '1 May'; spend_minor: '1.5'; currency: '3'"
    assert json.loads(record.raw)["date"] == "1 May"


@pytest.mark.parametrize("bad", ["", '"', ",,,,,,,,,"])
def test_a_misshapen_row_keeps_its_event_id(bad: str) -> None:
    header, row = csv_rows(SPEND).decode().splitlines()
    cut = ",".join(row.split(",")[:4])
    first, second = read(f"{header}\n{cut},{bad}\n{row}\n".encode(), "csv")
    assert first.values["event_id"] == "e1"
    assert first.reasons
    assert not second.reasons


def test_personal_data_is_not_repeated_in_the_detail() -> None:
    buyer = {
        "event_id": "e1", "occurred_at": "2024-05-01T10:00:00Z", "buyer_id": "b1",
        "registered_at": "2024-05-01T10:00:00Z", "country": "DE", "email": ["ann@example.com"],
    }  # fmt: skip
    (record,) = read(json_lines(buyer), entity="buyers")
    assert record.detail == "email: (personal data)"
    assert "ann@example.com" in record.raw


def test_raw_and_detail_are_bounded_and_printable() -> None:
    line = b'{"event_id": "e1", "note": "' + b"\x00\xff" * 50_000 + b'"}\n'
    _, record = read(json_lines(SPEND) + line)
    assert record.raw.startswith(r'{"event_id": "e1", "note": "\x00\xff\x00')
    assert len(record.raw) == text.MAX_RAW_CHARACTERS
    assert len(record.detail) <= text.MAX_DETAIL_CHARACTERS
    assert record.reasons == (Rejection.NUL_BYTE, Rejection.INVALID_UTF8)


def test_extra_keeps_what_the_contract_does_not_name() -> None:
    extra = '"a": "text", "b": 1.50, "c": 1e400, "d": {"x": [1, null], "x": "\\u00e9"}, "ds": true'
    line = json.dumps(SPEND)[:-1] + ", " + extra + "}\n"
    (record,) = read(line.encode())
    assert record.values["extra"] == {
        "a": "text", "b": "1.50", "c": "1e400", "d": '{"x":[1,null],"x":"é"}', "ds": "true",
    }  # fmt: skip


def test_an_empty_field_is_null_and_a_quoted_one_is_an_empty_text() -> None:
    content = csv_rows({**MESSAGE, "order_id": ""}).decode().replace("e1,", ",")
    first, second = content, content.replace("hello,", '"",')
    (unquoted,) = read(first.encode(), "csv", "messages")
    (quoted,) = read(second.encode(), "csv", "messages")
    assert (unquoted.values["event_id"], unquoted.values["order_id"]) == ("", None)
    assert quoted.values["text"] == ""
    assert type(quoted.values["text"]) is str


def test_a_missing_column_is_refused_with_the_names_of_all() -> None:
    row = {key: SPEND[key] for key in ("event_id", "seller_id", "date", "currency")}
    for content, ending in ((csv_rows(row), "csv"), (json_lines(row, row), "jsonl")):
        refused = refusal(content, ending)
        assert refused.rejection is Rejection.MISSING_COLUMN
        assert refused.detail == "missing: occurred_at, spend_minor, attributed_gmv_minor"


def test_one_record_with_the_key_saves_the_json_file() -> None:
    without = {key: value for key, value in SPEND.items() if key != "currency"}
    assert reasons(read(json_lines(without, SPEND))) == [(), ()]
    assert reasons(read(b"no object\n[]\n")) == [(Rejection.INVALID_JSON,)] * 2


def test_a_refusal_comes_before_the_first_record() -> None:
    with pytest.raises(RefusedFile):
        next(read_records(b"", "a.csv", bronze.AD_SPEND))


@pytest.mark.parametrize("name", ["a.json", "a.parquet", "a.csv.zip", "csv"])
def test_an_unknown_ending_is_refused(name: str) -> None:
    with pytest.raises(RefusedFile) as refused:
        next(read_records(json_lines(SPEND), name, bronze.AD_SPEND))
    assert refused.value.rejection is Rejection.UNREADABLE_FILE


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_a_file_without_text_is_refused(content: bytes) -> None:
    assert refusal(content, "csv").rejection is Rejection.ZERO_BYTES
    assert refusal(content, "jsonl").rejection is Rejection.ZERO_BYTES
    assert refusal(gzip.compress(content), "jsonl.gz").rejection is Rejection.ZERO_BYTES


def test_too_large_counts_unpacked_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    content = json_lines(SPEND) * 1000
    monkeypatch.setattr(text, "MAX_UNPACKED_BYTES", len(content))
    assert len(read(content)) == len(read(gzip.compress(content), "jsonl.gz")) == 1000
    monkeypatch.setattr(text, "MAX_UNPACKED_BYTES", len(content) - 1)
    assert refusal(content).rejection is Rejection.TOO_LARGE
    assert refusal(gzip.compress(content), "jsonl.gz").rejection is Rejection.TOO_LARGE


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_gzip_cut_anywhere_gives_the_whole_rows_and_one_mark(ending: str) -> None:
    rows = [{**SPEND, "event_id": f"e{n * n}", "spend_minor": n**5} for n in range(30)]
    content = json_lines(*rows) if ending == "jsonl" else csv_rows(*rows)
    good = read(content, ending)
    packed = gzip.compress(content)
    for cut in range(1, len(packed)):
        *found, mark = read(packed[:cut], f"{ending}.gz")
        assert found == good[: len(found)]
        assert mark.reasons == (Rejection.TRUNCATED_GZIP,)
        assert mark.line == (found[-1].line + 1 if found else mark.line)
        assert mark.raw in content.decode()
    assert read(packed, f"{ending}.gz") == good


def test_a_gzip_of_many_parts_is_one_file() -> None:
    rows = [{**SPEND, "event_id": f"e{n}"} for n in range(200)]
    parts = [gzip.compress(json_lines(row)) + gzip.compress(b"") for row in rows]
    assert read(b"".join(parts), "jsonl.gz") == read(json_lines(*rows))


def test_a_fault_beyond_the_first_piece_keeps_the_rows_before_it() -> None:
    rows = [{**SPEND, "event_id": f"e{n}"} for n in range(20_000)]
    packed = bytearray(gzip.compress(json_lines(*rows)))
    packed[-6] ^= 1  # the checksum
    *found, mark = read(bytes(packed), "jsonl.gz")
    assert [record.values["event_id"] for record in found] == [row["event_id"] for row in rows]
    assert (mark.line, mark.raw) == (20_001, "")


def test_a_quote_is_followed_as_far_as_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = csv_rows({**MESSAGE, "text": "a\n" * 9 + "z"}, MESSAGE)
    assert reasons(read(rows, "csv", "messages")) == [(), ()]
    monkeypatch.setattr(text, "MAX_QUOTED_LINES", 9)
    short = reasons(read(rows, "csv", "messages"))
    assert short == [
        (Rejection.BROKEN_QUOTE,),
        *[(Rejection.SHORT_ROW,)] * 8,
        (Rejection.BROKEN_QUOTE,),
        (),
    ]
    monkeypatch.setattr(text, "MAX_QUOTED_LINES", 1000)
    monkeypatch.setattr(text, "MAX_QUOTED_BYTES", 10)
    assert reasons(read(rows, "csv", "messages")) == short


def test_a_quoted_record_as_wide_as_no_row_is_a_broken_quote() -> None:
    header, row = csv_rows(MESSAGE).decode().splitlines()
    opens = row.replace("m1", '"m1')
    closes = row.replace("hello", 'hello"')
    records = read(f"{header}\n{opens}\n{row}\n{closes}\n{row}\n".encode(), "csv", "messages")
    assert reasons(records) == [(Rejection.BROKEN_QUOTE,), (), (Rejection.BROKEN_QUOTE,), ()]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "bad",
    ['e1,"open\n', '"",""\n', 'e1,"a""\n', '"\n', '""""\n', '"""\n', 'a"b,"c"\n', '"a","b\n""\n'],
)
def test_many_broken_quotes_take_linear_time(bad: str) -> None:
    header, row = csv_rows(MESSAGE).decode().splitlines()
    content = f"{header}\n{row}\n{bad * 50_000}{row}\n".encode()
    records = read(content, "csv", "messages")
    assert not records[0].reasons
    assert not records[-1].reasons
    assert all(record.reasons for record in records[1:-1])


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "line",
    [
        b"[" * 5_000_000,
        b'{"a":' * 1_000_000,
        b'"' + rb"\"" * 2_000_000 + b"[" * 200,
        b"{" + b",".join(b'"k%d":1' % n for n in range(200_000)) + b',"k7":2}',
        b'{"spend_minor":' + b"9" * 5_000_000 + b"}",
    ],
)
def test_a_hostile_json_line_is_rejected_in_linear_time(line: bytes) -> None:
    first, bad, last = read(json_lines(SPEND) + line + b"\n" + json_lines(SPEND))
    assert bad.reasons
    assert not first.reasons
    assert not last.reasons


def test_a_row_of_a_megabyte_is_good() -> None:
    long_text = 'a "quoted" word, ' * 100_000
    for content, ending in (
        (json_lines({**MESSAGE, "text": long_text}), "jsonl"),
        (csv_rows({**MESSAGE, "text": long_text}), "csv"),
    ):
        (record,) = read(content, ending, "messages")
        assert record.values["text"] == long_text


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    content = b"\n" + json_lines(SPEND) + b"\r\n  \t\n" + json_lines(SPEND) + b"\n\n"
    assert [record.line for record in read(content)] == [2, 5]
    header, row = csv_rows(SPEND).split(b"\n")[:2]
    rows = b"\n".join([header, b"", row, b"  ", b"\r", row, b"", b""])
    assert [record.line for record in read(rows, "csv")] == [3, 6]


def test_a_header_may_quote_its_names() -> None:
    header, row = csv_rows(SPEND).decode().splitlines()
    quoted = ",".join(f'"{name}"' for name in header.split(","))
    assert read(f"{quoted}\n{row}\n".encode(), "csv") == read(csv_rows(SPEND), "csv")


@pytest.mark.parametrize("header", ['event_id,"occurred_at', "a\0b", "\xff", 'a"b'])
def test_an_unreadable_header_refuses_the_file(header: str) -> None:
    assert (
        refusal(f"{header}\nrow\n".encode("latin-1"), "csv").rejection is Rejection.UNREADABLE_FILE
    )
