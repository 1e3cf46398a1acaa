"""Hostile text, amounts and instants as a mail shows them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from jobs.mailer.wording import harmless, instant, money, one_line

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
BAIT = st.lists(
    st.sampled_from(["http", "://", "www.", "evil", ".com", ".", ":", "mailto:", "/", "@", " ",
                     "\u200b", "\uff0e", "\u3002", "\u202e", "de", "1"])
).map("".join)  # fmt: skip
LINK = re.compile(
    r"(?i)://|\w[.\u2024\u3002\uff0e\uff61][^\W\d_]|\b(mailto|https?|javascript|tel):"
)
"""What a mail program may take for a link."""


@given(ANY_TEXT | BAIT)
def test_no_text_stays_a_link_or_breaks_its_line(text: str) -> None:
    shown = harmless(text)
    assert not LINK.search(shown)
    assert not [char for char in shown if unicodedata.category(char) in
                ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]  # fmt: skip
    shown.encode()


@given(ANY_TEXT | BAIT)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("USB 3.0 cable, 2.5 mm", "USB 3.0 cable, 2.5 mm"),
        ("Größe: 42 (neu)", "Größe: 42 (neu)"),
        ("日本語 naïve 👍", "日本語 naïve 👍"),
        ("http://evil.example/a?b", "http[:]//evil[.]example/a?b"),
        ("www.evil.com", "www[.]evil[.]com"),
        ("boss@evil.com", "boss@evil[.]com"),
        ("evil\u200b.com", "evil[.]com"),
        ("evil\uff0ecom", "evil[.]com"),
        ("MAILTO:boss tel:+49 JavaScript:x", "MAILTO[:]boss tel[:]+49 JavaScript[:]x"),
        ("a\r\nBcc: b\tc\x00d\x1b[31m", "a Bcc: b cd[31m"),
        ("cod\u202egpj.exe\u2066", "codgpj[.]exe"),
        ("\ud800half", "half"),
        (7, "7"),
    ],
)
def test_shown(text: object, shown: str) -> None:
    assert harmless(text) == shown


def test_our_own_markup_stays() -> None:
    assert harmless(Markup("https://marketplace.example")) == "https://marketplace.example"


def test_a_sentence_about_nothing_is_not_sent() -> None:
    with pytest.raises(TypeError, match="not there"):
        harmless(None)


def test_long_text_is_cut_where_it_is_seen_to_be() -> None:
    assert one_line("word " * 100, 12) == "word word w…"
    assert len(one_line("x" * 100_000, 80)) == 80


@pytest.mark.parametrize(
    ("minor", "currency", "english", "german"),
    [
        (123_450, "EUR", "EUR 1,234.50", "1.234,50 EUR"),
        (5, "USD", "USD 0.05", "0,05 USD"),
        (-5, "USD", "USD -0.05", "-0,05 USD"),
        (0, "EUR", "EUR 0.00", "0,00 EUR"),
        (1_234_567, "JPY", "JPY 1,234,567", "1.234.567 JPY"),
        (1_234_567, "KWD", "KWD 1,234.567", "1.234,567 KWD"),
        # A float has no room for this one.
        (9_007_199_254_740_993, "EUR", "EUR 90,071,992,547,409.93", "90.071.992.547.409,93 EUR"),
    ],
)
def test_amounts(minor: int, currency: str, english: str, german: str) -> None:
    assert money(minor, currency, "en") == english
    assert money(minor, currency, "de") == german


@pytest.mark.parametrize(
    ("at", "zone", "language", "shown"),
    [
        ("2026-03-02T13:05Z", "Europe/Berlin", "en", "2 March 2026, 14:05 (UTC+1)"),
        ("2026-03-02T13:05Z", "Europe/Berlin", "de", "2. März 2026, 14:05 Uhr (UTC+1)"),
        ("2026-03-02T13:05Z", "UTC", "en", "2 March 2026, 13:05 (UTC)"),
        ("2026-12-31T23:30Z", "Asia/Kolkata", "en", "1 January 2027, 05:00 (UTC+5:30)"),
        ("2026-03-02T01:05Z", "America/St_Johns", "en", "1 March 2026, 21:35 (UTC-3:30)"),
    ],
)
def test_instants_in_the_recipients_zone(at: str, zone: str, language: str, shown: str) -> None:
    assert instant(datetime.fromisoformat(at), ZoneInfo(zone), language) == shown


def test_an_hour_that_comes_twice_is_told_apart() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    twice = [instant(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), berlin, "en") for hour in (0, 1)]
    assert twice == ["25 October 2026, 02:30 (UTC+2)", "25 October 2026, 02:30 (UTC+1)"]
