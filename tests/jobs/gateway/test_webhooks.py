"""Signatures, rows and the inbox: what is accepted, what is refused and why."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.tables import bronze
from jobs.gateway import webhooks
from jobs.gateway.webhooks import (
    MAX_BODY_BYTES,
    EventRow,
    Kept,
    Refusal,
    Refused,
    canonical,
    event_row,
    first_of_each,
    kept_line,
    listed_row,
    read_inbox,
    signature_fault,
    webhook_row,
)

SECRET, OLD_SECRET = "whsec_ours", "whsec_before"
RECEIVED = datetime(2026, 6, 30, 12, 0, 0, 250_000, UTC)
SIGNED = int(RECEIVED.timestamp())
DAY = RECEIVED.date()
HOSTILE = (
    "line\u2028and paragraph\u2029ends, next line\u0085, \ufeffa mark, \u202eturned, 😀, é",
    r"escaped \u0000 and half a pair \ud800",
    "\r\n\t\v\f\x1c\x1e\x00\x7f",
    "</script>'; drop table events; --",
)


def body_of(id_: str = "evt_1", created: int = SIGNED, **more: Any) -> str:
    event = {
        "id": id_, "object": "event", "type": "payment_intent.succeeded", "created": created,
        "data": {"object": {"id": "pi_1", "amount": 1234}}, **more,
    }  # fmt: skip
    return json.dumps(event)


def v1(body: str | bytes, at: int = SIGNED, secret: str = SECRET) -> str:
    raw = body if isinstance(body, bytes) else body.encode()
    return hmac.new(secret.encode(), b"%d." % at + raw, hashlib.sha256).hexdigest()


def header(body: str | bytes, at: int = SIGNED, secret: str = SECRET) -> str:
    return f"t={at},v1={v1(body, at, secret)}"


def fault(body: str | bytes, given: str | None, *secrets: str, at: datetime = RECEIVED) -> object:
    raw = body if isinstance(body, bytes) else body.encode()
    return signature_fault(raw, given, at, secrets or (SECRET,))


def kept(body: str, signature: str | None = None, at: datetime = RECEIVED) -> Kept:
    return Kept(body, signature or header(body, int(at.timestamp())), at, "a.jsonl", 1)


def row(body: str, at: datetime = RECEIVED) -> EventRow:
    found = webhook_row(kept(body, at=at), [SECRET])
    assert not isinstance(found, Refusal), found
    return found


# the signature


def test_a_body_that_one_of_our_secrets_signed_in_time_is_accepted() -> None:
    assert fault(body_of(), header(body_of())) is None


@pytest.mark.parametrize("signed_with", [SECRET, OLD_SECRET])
def test_either_secret_is_accepted_while_one_replaces_the_other(signed_with: str) -> None:
    given = header(body_of(), secret=signed_with)
    assert fault(body_of(), given, SECRET, OLD_SECRET) is None
    assert fault(body_of(), given, "whsec_another") is Refusal.SIGNATURE_WRONG


def test_one_good_signature_among_several_is_enough() -> None:
    ours, theirs = v1(body_of()), v1(body_of(), secret="whsec_theirs")
    assert fault(body_of(), f"t={SIGNED},v1={theirs},v0={'0' * 64},v1={ours}") is None
    assert fault(body_of(), f"t={SIGNED},v1={theirs},v1={'é'}") is Refusal.SIGNATURE_WRONG


GOOD = v1(body_of())


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (None, Refusal.SIGNATURE_MISSING),
        ("", Refusal.SIGNATURE_MISSING),
        (",,=,;", Refusal.SIGNATURE_MISSING),
        (f"t={SIGNED}", Refusal.SIGNATURE_MISSING),
        (f"v1={GOOD}", Refusal.SIGNATURE_MISSING),
        (f"t={SIGNED},v0={GOOD}", Refusal.SIGNATURE_MISSING),
        (f"T={SIGNED},V1={GOOD}", Refusal.SIGNATURE_MISSING),
        (f"t={SIGNED},v1=", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD.upper()}", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD[:-1]}", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD}0", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED + 1},v1={GOOD}", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},t={SIGNED},v1={GOOD}", Refusal.SIGNATURE_WRONG),
        (f"t=+{SIGNED},v1={GOOD}", Refusal.SIGNATURE_WRONG),
        (f"t={'9' * 4000},v1={GOOD}", Refusal.SIGNATURE_WRONG),
        (f"t=٣,v1={GOOD}", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD},x=\ud800", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD},x=\0", Refusal.SIGNATURE_WRONG),
        (f"t={SIGNED},v1={GOOD}," + "x" * 9000, Refusal.SIGNATURE_WRONG),
    ],
)
def test_an_odd_header_is_refused_and_nothing_breaks(given: str | None, refusal: Refusal) -> None:
    assert fault(body_of(), given) is refusal


def test_blanks_around_the_parts_do_no_harm() -> None:
    assert fault(body_of(), f" t={SIGNED} , v1={GOOD} ") is None


@settings(deadline=None)
@given(st.data())
def test_any_byte_that_is_changed_spoils_the_signature(data: st.DataObject) -> None:
    body = body_of(note=HOSTILE[0]).encode()
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert fault(bytes(changed), header(body)) is Refusal.SIGNATURE_WRONG


def test_every_bit_counts() -> None:
    body = body_of().encode()
    for place in range(len(body)):
        for bit in range(8):
            changed = bytearray(body)
            changed[place] ^= 1 << bit
            assert fault(bytes(changed), header(body)) is Refusal.SIGNATURE_WRONG


@given(st.text("0123456789abcdef", min_size=64, max_size=64).filter(lambda text: text != GOOD))
def test_no_other_signature_fits(text: str) -> None:
    assert fault(body_of(), f"t={SIGNED},v1={text}") is Refusal.SIGNATURE_WRONG


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        (-86_400, Refusal.TIMESTAMP_TOO_OLD),
        (-300, Refusal.TIMESTAMP_TOO_OLD),  # the receipt is a quarter second later
        (-299, None),
        (0, None),
        (300, None),
        (301, Refusal.TIMESTAMP_IN_FUTURE),
        (86_400, Refusal.TIMESTAMP_IN_FUTURE),
    ],
)
def test_the_signature_is_made_near_the_receipt(seconds: int, verdict: object) -> None:
    at = SIGNED + seconds
    assert fault(body_of(), header(body_of(), at)) is verdict


def test_a_timestamp_tells_nothing_before_the_signature_fits() -> None:
    assert fault(body_of(), header(body_of(), 1, "whsec_x")) is Refusal.SIGNATURE_WRONG


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, ""), (" ",)])
def test_without_a_secret_nothing_is_judged(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="without a secret"):
        signature_fault(b"{}", header("{}", secret=""), RECEIVED, secrets)


@settings(deadline=None)
@given(
    body=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    lag=st.integers(-250, 250),
    other=st.sampled_from(["", "x", "v0=1", "v1=00"]),
)
def test_it_agrees_with_the_official_library(body: str, secret: str, lag: int, other: str) -> None:
    now = time.time()
    signed = stripe.WebhookSignature.generate_signature_header(body, secret, int(now) + lag)
    given = f"{signed},{other}" if other else signed
    assert stripe.WebhookSignature.verify_header(body, given, secret, 300)
    at = datetime.fromtimestamp(now, UTC)
    assert signature_fault(body.encode(), given, at, [secret]) is None


# rows


def test_a_row_has_the_columns_of_bronze_and_their_values() -> None:
    body = body_of("evt_7", SIGNED - 60)
    expected = {column.name for column in (*bronze.HEAD, *bronze.payload(bronze.STRIPE_EVENTS))}
    found = row(body)
    assert set(found) == expected == set(EventRow.__annotations__)
    assert found == {
        "event_id": "evt_7", "stripe_event_id": "evt_7", "type": "payment_intent.succeeded",
        "occurred_at": datetime.fromtimestamp(SIGNED - 60, UTC), "known_at": RECEIVED,
        "retracted": False, "payload": body, "signature": header(body), "source": "webhook",
    }  # fmt: skip


def test_a_listed_event_has_no_signature_and_canonical_text() -> None:
    event = json.loads(body_of("evt_7"))
    found = listed_row(event, RECEIVED)
    assert not isinstance(found, Refusal)
    assert (found["source"], found["signature"], found["known_at"]) == ("listed", None, RECEIVED)
    assert json.loads(found["payload"]) == event
    turned = dict(reversed(event.items()))
    assert listed_row(turned, RECEIVED) == found


def test_nothing_is_known_before_it_happened() -> None:
    """The provider's clock may be ahead of ours."""
    found = row(body_of(created=SIGNED + 100))
    assert (
        found["known_at"]
        == found["occurred_at"]
        == RECEIVED.replace(microsecond=0) + timedelta(seconds=100)
    )


def test_an_event_of_tomorrow_is_refused() -> None:
    assert webhook_row(kept(body_of(created=SIGNED + 400)), [SECRET]) is Refusal.TIMESTAMP_IN_FUTURE


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("", Refusal.BODY_NOT_JSON),
        ("[]", Refusal.BODY_NOT_JSON),
        ('"text"', Refusal.BODY_NOT_JSON),
        ("null", Refusal.BODY_NOT_JSON),
        ("{", Refusal.BODY_NOT_JSON),
        (body_of() + "x", Refusal.BODY_NOT_JSON),
        ("\ufeff" + body_of(), Refusal.BODY_NOT_JSON),
        ('{"id": "evt_1", "id": "evt_2"}', Refusal.BODY_NOT_JSON),
        ('{"data": {"a": 1, "a": 2}}', Refusal.BODY_NOT_JSON),
        ('{"amount": NaN}', Refusal.BODY_NOT_JSON),
        (f'{{"amount": {"9" * 5000}}}', Refusal.BODY_NOT_JSON),
        ('{"a": "\0"}', Refusal.BODY_NOT_JSON),
        ("[" * 100_000, Refusal.BODY_NOT_JSON),
        ('{"a":' * 100_000, Refusal.BODY_NOT_JSON),
        ("{}", Refusal.NOT_AN_EVENT),
        (body_of(object="payment_intent"), Refusal.NOT_AN_EVENT),
        (body_of(id=""), Refusal.NOT_AN_EVENT),
        (body_of(id=7), Refusal.NOT_AN_EVENT),
        (body_of(id="evt_\0"), Refusal.NOT_AN_EVENT),
        (body_of(id="evt_\ud800"), Refusal.NOT_AN_EVENT),
        (body_of(id="evt_" + "1" * 300), Refusal.NOT_AN_EVENT),
        (body_of(type=None), Refusal.NOT_AN_EVENT),
        (body_of(type="<b>"), Refusal.NOT_AN_EVENT),
        (body_of(created="1"), Refusal.NOT_AN_EVENT),
        (body_of(created=True), Refusal.NOT_AN_EVENT),
        (body_of(created=1.5), Refusal.NOT_AN_EVENT),
        (body_of(created=-1), Refusal.NOT_AN_EVENT),
        (body_of(created=10**18), Refusal.NOT_AN_EVENT),
        (body_of(data=None), Refusal.NOT_AN_EVENT),
        (body_of(data={}), Refusal.NOT_AN_EVENT),
    ],
    ids=lambda value: value.code if isinstance(value, Refusal) else value[:30],
)
def test_a_signed_body_that_is_no_event_is_refused(body: str, refusal: Refusal) -> None:
    assert webhook_row(kept(body), [SECRET]) is refusal


def test_every_refusal_has_a_sentence() -> None:
    for refusal in Refusal:
        assert refusal.code == refusal.code.lower()
        assert len(refusal.value.split()) > 3


# any order, any number of times

ids = st.integers(1, 5).map(lambda number: f"evt_{number}")


@st.composite
def arrivals(draw: st.DrawFn) -> EventRow:
    """An event, delivered or listed, at some time; its pending_webhooks differ each time."""
    id_ = draw(ids)
    created = SIGNED - int(id_[-1])
    at = RECEIVED + timedelta(seconds=draw(st.integers(0, 3)))
    body = body_of(id_, created, pending_webhooks=draw(st.integers(0, 2)))
    if draw(st.booleans()):
        return row(body, at)
    found = listed_row(json.loads(body), at)
    assert not isinstance(found, Refusal)
    return found


@settings(deadline=None)
@given(st.lists(arrivals(), max_size=12), st.data())
def test_any_order_and_repetition_gives_the_same_rows(
    came: list[EventRow], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(came), max_size=8)) if came else []
    otherwise = data.draw(st.permutations(came + again))
    once = first_of_each(came)
    assert first_of_each(otherwise) == once
    assert first_of_each([*once, *otherwise]) == once
    assert [found["stripe_event_id"] for found in once] == list(
        dict.fromkeys(found["stripe_event_id"] for found in once)
    )
    assert {found["stripe_event_id"] for found in once} == {
        found["stripe_event_id"] for found in came
    }


@settings(deadline=None)
@given(st.lists(arrivals(), max_size=12), st.integers(0, 4))
def test_batches_in_the_order_of_receipt_give_what_one_batch_gives(
    came: list[EventRow], quarters: int
) -> None:
    """As the quarter-hours of a day do: what landed first stays."""
    until = RECEIVED + timedelta(seconds=quarters)
    early = first_of_each(found for found in came if found["known_at"] < until)
    late = first_of_each(found for found in came if found["known_at"] >= until)
    known = {found["event_id"] for found in early}
    both = early + [found for found in late if found["event_id"] not in known]
    assert first_of_each(both) == first_of_each(came)


def test_the_first_known_wins_and_the_webhook_at_the_same_instant() -> None:
    webhook, listed = row(body_of()), listed_row(json.loads(body_of()), RECEIVED)
    earlier = listed_row(json.loads(body_of()), RECEIVED - timedelta(seconds=9))
    assert not isinstance(listed, Refusal)
    assert not isinstance(earlier, Refusal)
    assert first_of_each([listed, webhook]) == [webhook]
    assert first_of_each([webhook, earlier]) == [earlier]
    later = row(body_of(), RECEIVED + timedelta(seconds=9))
    assert first_of_each([later, listed]) == [listed]


# the inbox


def put(inbox: Path, content: bytes, day: date = DAY, name: str = "a-00001.jsonl") -> Path:
    path = inbox / "stripe_events" / f"ds={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def taken(inbox: Path, first: date = DAY, last: date = DAY) -> list[Kept | Refused]:
    return list(read_inbox(inbox, first, last))


@pytest.mark.parametrize("body", [*HOSTILE, "", body_of(), "x" * MAX_BODY_BYTES,
                                  "\0" * MAX_BODY_BYTES, "\U0010ffff" * (MAX_BODY_BYTES // 4)],
                         ids=range(9))  # fmt: skip
def test_a_body_comes_out_as_it_went_in(tmp_path: Path, body: str) -> None:
    put(tmp_path, kept_line(body, "t=1,v1=ÿ\u2028", RECEIVED) + kept_line("next", None, RECEIVED))
    name = f"stripe_events/ds={DAY}/a-00001.jsonl"
    assert taken(tmp_path) == [
        Kept(body, "t=1,v1=ÿ\u2028", RECEIVED, name, 1),
        Kept("next", None, RECEIVED, name, 2),
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.text("t=1,v \x85"))
def test_a_line_is_one_line_of_ascii(body: str, signature: str | None) -> None:
    line = kept_line(body, signature, RECEIVED)
    assert line.isascii()
    assert line.decode().splitlines(keepends=True) == [line.decode()]


def test_a_line_that_is_still_being_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    first, second = kept_line("one", "s", RECEIVED), kept_line("two é", "s", RECEIVED)
    for end in range(len(second)):
        put(tmp_path, first + second[:end])
        assert [getattr(found, "body", found) for found in taken(tmp_path)] == ["one"]
    put(tmp_path, first + second)
    assert [getattr(found, "body", found) for found in taken(tmp_path)] == ["one", "two é"]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"not json\n",
        b"[]\n",
        b'{"body":"x"}\n',
        b"\xff\xfe\n",
        b'{"received_at":"2026-06-30","signature":null,"body":"x"}\n',
        b'{"received_at":"2026-06-30T12:00:00","signature":null,"body":"x"}\n',
        b'{"received_at":"2026-06-30T12:00:00+02:00","signature":null,"body":"x"}\n',
        b'{"received_at":"2026-06-30T12:00:00+00:00","signature":1,"body":"x"}\n',
        b'{"received_at":"2026-06-30T12:00:00+00:00","signature":null,"body":["x"]}\n',
        b'{"received_at":"2026-06-30T12:00:00+00:00","signature":null,"body":"\\ud800"}\n',
        b'{"received_at":7,"signature":null,"body":"x"}\n',
        b'{"received_at":"2026-06-30T12:00:00+00:00","signature":null,"body":"x","body":"y"}\n',
        b'{"received_at":"2026-06-30T12:00:00+00:00","signature":null,"body":"x","more":1}\n',
        b"[" * 100_000 + b"\n",
        b"x" * webhooks.MAX_LINE_BYTES * 2 + b"\n",
        b"\0\n",
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_a_line_that_is_not_ours_is_refused_and_its_neighbours_stay(
    tmp_path: Path, line: bytes
) -> None:
    ours = kept_line("ours", None, RECEIVED)
    put(tmp_path, ours + line + ours)
    before, refused, after = taken(tmp_path)
    assert isinstance(before, Kept)
    assert isinstance(after, Kept)
    assert isinstance(refused, Refused)
    assert (before.line, refused.line, after.line) == (1, 2, 3)
    assert refused.refusal is Refusal.LINE_NOT_OURS
    assert refused.file == f"stripe_events/ds={DAY}/a-00001.jsonl"
    assert refused.detail
    assert "\0" not in refused.raw
    assert len(refused.raw) <= 4000


def test_only_the_days_asked_for_are_read_and_only_folders_of_days(tmp_path: Path) -> None:
    for offset in range(-2, 3):
        day = DAY + timedelta(days=offset)
        put(tmp_path, kept_line(str(offset), None, RECEIVED), day)
    put(tmp_path, kept_line("b", None, RECEIVED), name="b-00001.jsonl")
    put(tmp_path, b"other", name="readme.txt")
    (tmp_path / "stripe_events" / "ds=tomorrow").mkdir()
    found = taken(tmp_path, DAY - timedelta(days=1), DAY)
    assert [getattr(one, "body", one) for one in found] == ["-1", "0", "b"]


def test_an_inbox_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert taken(tmp_path / "none") == []


def test_the_inbox_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, kept_line("one", None, RECEIVED) * 3)
    reading = read_inbox(tmp_path, DAY, DAY)
    next(reading)
    reading.close()  # type: ignore[attr-defined]


def test_what_is_kept_is_judged_again_by_its_time_of_receipt(tmp_path: Path) -> None:
    body = body_of(note=HOSTILE[1])
    good, old = header(body), header(body, SIGNED - 1000)
    put(tmp_path, kept_line(body, good, RECEIVED) + kept_line(body, old, RECEIVED)
        + kept_line(body.replace("1234", "9234"), good, RECEIVED))  # fmt: skip
    judged = [webhook_row(one, [SECRET]) for one in taken(tmp_path) if isinstance(one, Kept)]
    assert judged == [row(body), Refusal.TIMESTAMP_TOO_OLD, Refusal.SIGNATURE_WRONG]


def test_text_that_a_table_cannot_hold_stays_an_escape(tmp_path: Path) -> None:
    """Halves of a surrogate pair come as escapes in JSON; both sources leave them so."""
    event = json.loads(body_of(note="\ud800 and \0"))
    listed = event_row(event, canonical(event), RECEIVED, "listed", None)
    assert not isinstance(listed, Refusal)
    for text in (listed["payload"], row(json.dumps(event))["payload"]):
        assert text.encode()
        assert r"\ud800 and \u0000" in text
