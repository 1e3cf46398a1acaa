"""What goes out now, what waits, and what never goes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conf.notice_settings import NoticesPolicy
from jobs.mailer.journal import Journal
from jobs.mailer.notice import Notice, digest_key, unavailable
from jobs.mailer.senders import NoAccess, Refused, Sender, Temporary
from jobs.sender_lock import AnotherSender
from tests.jobs.mailer.post import HOSTILE, NOON, FakeSender, Post, notice, read, text_of

MINUTE = timedelta(minutes=1)
AWAY = Temporary("the server is away", server=True)
Make = Callable[[Sender], Post]


def test_a_notice_that_is_due_goes_out_once(post: Post, sender: FakeSender) -> None:
    assert post.states([notice()]) == ["sent"]
    assert post.states([notice()]) == ["sent"]
    assert [mail.to_address for mail in sender.mails] == ["anna@shop.example"]


def test_a_second_run_says_when_it_was_sent(
    post: Post, make_post: Make, sender: FakeSender
) -> None:
    post.mailer.send([notice()])
    again = make_post(sender)
    again.clock.at = NOON + 20 * MINUTE
    (outcome,) = again.mailer.send([notice()])
    assert (outcome.state, outcome.at) == ("sent", NOON)
    assert len(sender.mails) == 1


def test_what_is_due_first_goes_first(post: Post, sender: FakeSender) -> None:
    late, early = notice(1, due_at=NOON - MINUTE), notice(2, due_at=NOON - 2 * MINUTE)
    post.mailer.send([late, early])
    assert [mail.mail_key for mail in sender.mails] == [early.key, late.key]


@pytest.mark.parametrize(("after", "state"), [(-1, "sent"), (0, "stale"), (1, "stale")])
def test_a_stale_notice_is_never_sent(
    post: Post, sender: FakeSender, after: int, state: str
) -> None:
    assert post.states([notice(expires_at=NOON - after * timedelta(microseconds=1))]) == [state]
    assert len(sender.mails) == (state == "sent")


def test_what_is_not_due_waits_until_it_is(post: Post, sender: FakeSender) -> None:
    (outcome,) = post.mailer.send([notice(due_at=NOON + MINUTE)])
    assert (outcome.state, outcome.next_at) == ("withheld", NOON + MINUTE)
    assert not sender.mails


@pytest.mark.parametrize("address", [
    None, "", "nobody", "@shop.example", "a@", "a@b", "a b@shop.example", "a@shop.example,b@x.de",
    "a@shop.example\r\nBcc: b@x.de", "Anna <a@shop.example>", "a@@shop.example", "ä@shop.example",
    "a" * 65 + "@shop.example", "a@" + "b" * 250 + ".example", "a@..example", '"a b"@shop.example',
    "a\0@shop.example", "a@shop.example;", "a@[127.0.0.1]", "<a@shop.example>", *HOSTILE,
])  # fmt: skip
def test_what_is_no_address_is_undeliverable_and_not_repeated(
    post: Post, sender: FakeSender, address: str | None
) -> None:
    (outcome,) = post.mailer.send([notice(address=address)])
    assert outcome.state == "undeliverable"
    assert outcome.reason in ("there is no address", "what stands as the address is none")
    assert not sender.mails


@pytest.mark.parametrize(
    ("given", "used"),
    [("a+b_c@shop.example", "a+b_c@shop.example"), ("a@müller.example", "a@xn--mller-kva.example"),
     (" a@shop.example ", "a@shop.example")],
)  # fmt: skip
def test_an_address_is_used_as_servers_read_it(
    post: Post, sender: FakeSender, given: str, used: str
) -> None:
    assert post.states([notice(address=given)]) == ["sent"]
    assert sender.mails[0].to_address == used
    assert str(read(sender.mails[0])["To"]) == f"Anna <{used}>"


# Quiet hours


def test_at_night_a_seller_is_left_alone_until_seven_by_his_clock(
    post: Post, sender: FakeSender
) -> None:
    post.clock.at = datetime(2026, 6, 10, 21, 30, tzinfo=UTC)  # 23:30 in Berlin
    (outcome,) = post.mailer.send([notice(country="DE")])
    assert outcome.state == "withheld"
    assert outcome.next_at == datetime(2026, 6, 11, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    assert not sender.mails
    post.clock.at = outcome.next_at
    assert post.states([notice(country="DE")]) == ["sent"]


def test_operations_is_told_at_any_hour(post: Post) -> None:
    post.clock.at = datetime(2026, 6, 10, 23, tzinfo=UTC)
    assert post.states([notice(step="escalate")]) == ["sent"]


def test_a_long_run_that_reaches_into_the_night_stops_there(post: Post, sender: FakeSender) -> None:
    post.clock.at = datetime(2026, 6, 10, 18, 59, 59, 950_000, tzinfo=UTC)  # 20:59:59.95 in Berlin
    assert post.states([notice(n) for n in range(3)]).count("sent") == 1
    assert len(sender.mails) == 1


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    country=st.sampled_from(["DE", "US", "AU", "BR", "IN", "NZ", "CL", None, "XX"]),
    step=st.sampled_from(["remind_seller", "ask_review", "payment_action"]),
)
def test_nothing_ever_goes_out_in_quiet_hours(
    tmp_path: Path, rules: NoticesPolicy, at: datetime, country: str | None, step: str
) -> None:
    sender = FakeSender()
    post = Post(Path(tempfile.mkdtemp(dir=tmp_path)), sender, rules)  # an example may come twice
    post.clock.at = at
    one = notice(step=step, country=country, due_at=at - MINUTE, expires_at=at + timedelta(days=3))
    (outcome,) = post.mailer.send([one])
    wall = at.astimezone(rules.zone(country)).time()
    assert (outcome.state == "withheld") == rules.quiet_hours[one.recipient_kind].cover(wall)
    if outcome.state == "withheld":
        assert outcome.next_at
        assert outcome.next_at > at
        post.clock.at = outcome.next_at
        assert post.states([one]) == ["sent"]
    post.journal.close()


# Digests


def a_digest(count: int) -> list[Notice]:
    ones = [notice(number) for number in range(count)]
    key = digest_key(one.key for one in ones)
    return [replace(one, mail_key=key) for one in ones]


@pytest.mark.parametrize(
    ("count", "subject", "tail"),
    [(1, "Please confirm order A-0", None), (2, "Please confirm 2 orders", None),
     (50, "Please confirm 50 orders", "and 30 more")],
)  # fmt: skip
def test_a_digest_is_one_mail(
    post: Post, sender: FakeSender, count: int, subject: str, tail: str | None
) -> None:
    assert post.states(a_digest(count)) == ["sent"] * count
    (mail,) = sender.mails
    message = read(mail)
    assert message["Subject"] == subject
    for text in (text_of(message), text_of(message, "html")):
        assert text.count("EUR 1,234.50") == min(count, 20)
        assert ("more" in text.replace("more than", "")) == (tail is not None)
        assert tail is None or tail in text


def test_a_digest_of_one_has_that_notices_key() -> None:
    assert digest_key([notice().key]) == notice().key
    assert digest_key(["b", "a"]) == digest_key(["a", "b"]) != digest_key(["ab"])


def test_a_digest_waits_for_its_last(post: Post, sender: FakeSender) -> None:
    """A part of it now would make the rest a repeat."""
    first, second = a_digest(2)
    later = replace(second, due_at=NOON + MINUTE)
    outcomes = post.mailer.send([first, later])
    assert [(o.state, o.next_at) for o in outcomes] == [("withheld", NOON + MINUTE)] * 2
    assert not sender.mails


def test_the_stale_one_of_a_digest_is_left_out(post: Post, sender: FakeSender) -> None:
    old, young = a_digest(2)
    assert post.states([replace(old, expires_at=NOON), young]) == ["stale", "sent"]
    assert "A-0" not in text_of(read(sender.mails[0]))


def test_a_notice_that_its_digest_went_without_goes_by_itself(
    post: Post, sender: FakeSender
) -> None:
    first, second = a_digest(2)
    post.mailer.send([first])
    assert post.states([first, second]) == ["sent", "sent"]
    assert [mail.mail_key for mail in sender.mails] == [first.mail_key, second.key]


def test_a_digest_of_two_sellers_is_refused_before_anything_goes(
    post: Post, sender: FakeSender
) -> None:
    first, second = a_digest(2)
    with pytest.raises(ValueError, match=f"mail {first.mail_key}: its notices differ"):
        post.mailer.send([notice(7), first, replace(second, recipient_id="another")])
    assert not sender.mails


# Failures


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 5), (1, 10), (3, 40), (5, 160), (6, 240), (99, 240)]
)
def test_a_failed_mail_waits_longer_each_time(make_post: Make, attempts: int, minutes: int) -> None:
    post = make_post(FakeSender(Temporary("try later", server=False)))
    (outcome,) = post.mailer.send([notice(attempts=attempts)])
    assert (outcome.state, outcome.reason) == ("failed", "try later")
    assert outcome.next_at == NOON + minutes * MINUTE
    assert post.states([notice(attempts=attempts)]) == ["sent"]


def test_a_refused_mail_is_final_and_does_not_stop_the_others(make_post: Make) -> None:
    post = make_post(FakeSender(Refused("no such mailbox")))
    assert post.states([notice(1, due_at=NOON - 90 * MINUTE), notice(2)]) == [
        "undeliverable", "sent"
    ]  # fmt: skip


def test_a_server_that_is_away_is_asked_three_times_and_the_rest_stays(make_post: Make) -> None:
    sender = FakeSender(AWAY, AWAY, AWAY)
    outcomes = make_post(sender).mailer.send([notice(n) for n in range(10)])
    assert [o.state for o in outcomes] == ["failed"] * 3 + ["unavailable"] * 7
    assert unavailable(outcomes) == "the server is away"
    assert not sender.mails


def test_failures_that_are_not_in_a_row_stop_nothing(make_post: Make) -> None:
    sender = FakeSender(AWAY, AWAY, None, AWAY, AWAY)
    outcomes = make_post(sender).mailer.send([notice(n) for n in range(8)])
    assert [o.state for o in outcomes].count("sent") == 4
    assert unavailable(outcomes) is None


def test_mailboxes_that_ask_for_patience_do_not_count_against_the_server(make_post: Make) -> None:
    greylisted = [Temporary("later", server=False)] * 5
    outcomes = make_post(FakeSender(*greylisted)).mailer.send([notice(n) for n in range(6)])
    assert [o.state for o in outcomes] == ["failed"] * 5 + ["sent"]


def test_without_access_nothing_is_marked_as_tried(make_post: Make) -> None:
    post = make_post(FakeSender(NoAccess("the login is wrong")))
    outcomes = post.mailer.send([notice(n) for n in range(3)])
    assert [(o.state, o.next_at) for o in outcomes] == [("unavailable", None)] * 3
    assert unavailable(outcomes) == "the login is wrong"
    assert post.states([notice(n) for n in range(3)]) == ["sent"] * 3


def test_mails_go_out_no_faster_than_allowed(post: Post) -> None:
    assert post.states([notice(n) for n in range(21)]) == ["sent"] * 21
    assert post.clock.slept_seconds == pytest.approx(2.0, abs=0.01)  # 10 a second


def test_what_waits_takes_no_time(post: Post) -> None:
    post.states([notice(n, due_at=NOON + MINUTE) for n in range(100)])
    assert post.clock.slept_seconds == 0


# The journal


def test_a_second_copy_leaves_cleanly(post: Post, tmp_path: Path) -> None:
    with pytest.raises(AnotherSender, match="another run is sending") as error:
        Journal(tmp_path / "outbox")
    assert error.value.exit_code == 4


def test_the_journal_remembers_longer_than_any_notice_lives(
    post: Post, make_post: Make, rules: NoticesPolicy, sender: FakeSender
) -> None:
    post.mailer.send([notice(expires_at=NOON + timedelta(days=90))])
    longest = max(step.stale_after_hours for step in rules.steps.values())
    for hours, mails in [(longest, 1), (24 * 61, 2)]:
        again = make_post(sender)
        again.clock.at = NOON + timedelta(hours=hours)
        again.mailer.send([notice(expires_at=NOON + timedelta(days=90))])
        assert len(sender.mails) == mails


def test_nobodys_name_or_address_is_logged_or_kept(
    post: Post, make_post: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    notices = [notice(1), notice(2, address="canary@"), notice(3, due_at=NOON + MINUTE)]
    outcomes = post.mailer.send(notices)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "outbox").iterdir())
    for canary in ("anna", "Anna", "canary", "shop.example"):
        assert canary not in caplog.text + repr(outcomes) + repr(notices)
        assert canary.encode() not in kept
    assert "1 sent, 1 undeliverable, 1 withheld" in caplog.text
