"""Mails as they go out: headers, text and HTML, with friendly and with hostile facts.

`expected/<language>.txt` is one whole mail, readable; whoever changes a template reads the new
text in the failure and copies it there.
"""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.notice_settings import STEPS, NoticesPolicy, load_notices_policy
from jobs.mailer.message import TEMPLATES, mail
from jobs.mailer.notice import Facts, Notice
from jobs.mailer.wording import harmless, one_line
from tests.jobs.mailer.post import FROM, HOSTILE, NOON, notice, read, text_of

RULES = load_notices_policy()
EXPECTED = Path(__file__).parent / "expected"
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
           "Content-Type", "Content-Language"]  # fmt: skip
ENCODED = st.lists(
    st.sampled_from(["=?", "?=", "=", "?", "utf-8?q?", "utf-8?b?", "=0D=0A", "DQo=", "Bcc:", "_x",
                     " ", "\n", "é" * 40, "=3A"])
).map("".join)  # fmt: skip
"""What may come together to an encoded word of a header."""
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


def made(*notices: Notice) -> EmailMessage:
    return read(mail(notices[0].mail_key, notices, RULES, FROM, NOON))


def with_texts(one: Notice, text: str) -> Notice:
    """The notice with `text` wherever a text comes from outside."""
    facts = replace(one.facts, order_number=text, titles=(text,) * 8, seller_name=text, until=NOON)
    return replace(one, facts=facts, recipient_name=text, order_id=text, recipient_id=text)


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, object]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", None))

    def handle_data(self, data: str) -> None:
        self.text += data


def readable(message: EmailMessage) -> str:
    """The mail as a person would read it: headers, text, HTML."""
    headers = "".join(f"{name}: {message[name]}\n" for name in HEADERS)
    return f"{headers}\n{text_of(message)}\n{text_of(message, 'html')}"


@pytest.mark.parametrize("language", RULES.languages)
def test_a_whole_mail(language: str) -> None:
    facts = Facts(
        "A-1", 123_450, "EUR", NOON.replace(hour=1), ("Grüner Tee <100 g>", "Tasse"),
        until=NOON.replace(day=12), seller_name="Müller & Co",
    )  # fmt: skip
    first = notice(language=language)
    second = notice(2, language=language, mail_key=first.key)
    found = readable(made(replace(first, facts=facts, recipient_name="Anna Müller"), second))
    expected = EXPECTED / f"{language}.txt"
    assert found == expected.read_text(), f"if this is meant, copy it to {expected.name}"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize("language", RULES.languages)
@pytest.mark.parametrize("step", STEPS)
def test_facts_cannot_change_a_mails_build(step: str, language: str, text: str) -> None:
    """Hostile facts give the same headers, tags and lines as friendly ones."""
    one = notice(step=step, language=language)
    friendly, hostile = made(with_texts(one, "word")), made(with_texts(one, text))
    assert [address.addr_spec for address in hostile["To"].addresses] == ["anna@shop.example"]
    assert hostile["Message-ID"] == friendly["Message-ID"]
    plain, page = text_of(hostile), Tags(text_of(hostile, "html"))
    assert page.tags == Tags(text_of(friendly, "html")).tags
    assert len(plain.splitlines()) == len(text_of(friendly).splitlines())
    shown = harmless(one_line(text, 80))
    assert shown in plain
    assert shown in page.text  # as text, whatever it looks like
    assert "evil.example" not in plain + page.text
    assert (plain.count("://"), page.text.count("://")) == (1, 0)  # ours
    assert len(hostile.as_bytes()) < 60_000


@settings(max_examples=80, deadline=None)
@given(ANY_TEXT | ENCODED, st.sampled_from(STEPS), st.sampled_from(RULES.languages))
def test_no_text_at_all_changes_it(text: str, step: str, language: str) -> None:
    one = notice(step=step, language=language)
    hostile = made(with_texts(one, text))
    assert_headers(mail(one.mail_key, [with_texts(one, text)], RULES, FROM, NOON).content)
    assert [address.addr_spec for address in hostile["To"].addresses] == ["anna@shop.example"]
    assert [address.addr_spec for address in hostile["From"].addresses] == [FROM]
    assert all("\n" not in str(value) for value in hostile.values())
    assert not hostile.defects
    links = [attrs for tag, attrs in Tags(text_of(hostile, "html")).tags if tag == "a"]
    assert links == [[("href", RULES.delivery.orders_url)]]


def assert_headers(content: bytes) -> None:
    """The headers as a server reads them: no library, whose reading may err as its writing does."""
    head = content.split(b"\r\n\r\n")[0].decode("ascii")
    unfolded = head.replace("\r\n ", " ").split("\r\n")
    assert [line.partition(":")[0] for line in unfolded] == HEADERS
    assert "\n" not in "".join(unfolded)
    ids = [line for line in unfolded if line.startswith("Message-ID: <")]
    assert [line.endswith("@notices.marketplace.example>") for line in ids] == [True]


@pytest.mark.parametrize("language", RULES.languages)
@pytest.mark.parametrize("step", STEPS)
def test_every_tag_is_closed_and_every_text_says_the_order(step: str, language: str) -> None:
    message = made(notice(step=step, language=language))
    open_tags: list[str] = []
    for tag, _ in Tags(text_of(message, "html")).tags:
        if tag.startswith("/"):
            assert open_tags.pop() == tag[1:]
        elif tag not in ("meta", "br"):
            open_tags.append(tag)
    assert not open_tags
    assert "A-1" in str(message["Subject"])
    for text in (text_of(message), text_of(message, "html")):
        assert "A-1" in text
        assert "Green tea" in text
        assert "{" not in text


@pytest.mark.parametrize(
    "name",
    ["Müller, Hans", "a\r\nBcc: b@evil.example", '"x" <b@evil.example>', "é" * 500,
     "b@evil.example,", "=?utf-8?q?b=40evil.example=2C?=", ";:,<>", "\N{FULLWIDTH COMMA}" * 200],
)  # fmt: skip
def test_a_name_adds_no_recipient(name: str) -> None:
    content = mail("a" * 64, [notice(recipient_name=name)], RULES, FROM, NOON).content
    head = content.split(b"\r\n\r\n")[0]
    assert not [line for line in head.split(b"\r\n") if line.lower().startswith(b"bcc")]
    addresses = made(notice(recipient_name=name))["To"].addresses
    assert [address.addr_spec for address in addresses] == ["anna@shop.example"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_lines_are_short_ascii_and_end_as_the_standard_says(text: str) -> None:
    content = mail("a" * 64, [with_texts(notice(), text)], RULES, FROM, NOON).content
    assert content.isascii()
    assert_headers(content)
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_repeat_is_the_same_mail() -> None:
    once, again = (mail("a" * 64, [notice()], RULES, FROM, NOON) for _ in range(2))
    assert once.content == again.content
    assert made(notice())["Message-ID"] == f"<{notice().key}@notices.marketplace.example>"


def test_a_language_without_templates_is_english() -> None:
    french = made(notice(language="fr"))
    assert french["Content-Language"] == "en"
    assert "Please confirm" in text_of(french)


def test_every_step_is_there_in_every_language() -> None:
    wanted = {f"{step}.{part}.j2" for step in STEPS for part in ("subject.txt", "txt", "html")}
    wanted |= {"layout.txt.j2", "layout.html.j2"}
    for language in RULES.languages:
        assert {file.name for file in (TEMPLATES / language).iterdir()} == wanted


def test_titles_beyond_a_few_are_counted() -> None:
    many = replace(notice().facts, titles=tuple(f"Thing {n}" for n in range(8)))
    text = text_of(made(replace(notice(), facts=many)))
    assert "Thing 4" in text
    assert "Thing 5" not in text
    assert "and 3 more" in text


@pytest.mark.parametrize(("amount", "currency"), [(1.5, "EUR"), (True, "EUR"), (1, "EURO")])
def test_an_amount_that_is_no_integer_is_refused(amount: Any, currency: str) -> None:
    with pytest.raises(ValueError, match="order 'A-1': an amount is an integer"):
        replace(notice().facts, amount_minor=amount, currency=currency)


@pytest.mark.parametrize("key", ["../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", ""])
def test_a_key_is_a_digest_and_nothing_else(key: str) -> None:
    with pytest.raises(ValueError, match="order 'order-1': key is no SHA-256"):
        replace(notice(), key=key)
    with pytest.raises(ValueError, match="order 'order-1': mail_key is no SHA-256"):
        replace(notice(), mail_key=key)


def test_a_step_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="order 'order-1': there is no step 'remind' to 'seller'"):
        replace(notice(), step="remind")


def test_the_policys_bounds_are_kept(rules: NoticesPolicy) -> None:
    few = replace(rules, digest_orders_most=1, titles_most=1)
    two = [notice(), notice(2, mail_key=notice().key)]
    text = text_of(read(mail(notice().key, two, few, FROM, NOON)))
    assert "A-2" not in text
    assert "Cup" not in text
