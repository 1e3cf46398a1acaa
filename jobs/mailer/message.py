"""A mail of one or several notices: headers, text and HTML, from the templates.

A template gets finished texts only, and everything that it shows goes through `harmless`. The one
link is ours, from the policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from conf.keys import UNIT_SEPARATOR
from conf.notice_settings import NoticesPolicy
from jobs.mailer.notice import Facts, Notice
from jobs.mailer.senders import Mail
from jobs.mailer.wording import harmless, instant, money, one_line

TEMPLATES = files("jobs.mailer") / "templates"  # not a path: on a cluster the code is a zip
SUBJECT_MOST, NAME_MOST, TITLE_MOST, NUMBER_MOST = 120, 60, 80, 60
ADDRESS_MOST, LOCAL_PART_MOST = 254, 64
IN_NAMES = str.maketrans(dict.fromkeys('",;:<>@()[]\\=?', " "))
"""What has a meaning in an address header; Python's folding of it has had holes."""


class BadAddress(ValueError):
    """No mail can go there."""


@dataclass(frozen=True)
class Order:
    """An order as a mail shows it: finished texts."""

    number: str
    amount: str
    titles: Sequence[str]
    more_titles: int
    since: str
    until: str
    seller: str


def mail(
    mail_key: str, notices: Sequence[Notice], policy: NoticesPolicy, from_address: str,
    now: datetime,
) -> Mail:  # fmt: skip
    """The mail of notices that share recipient and step, what was due first in front.

    BadAddress when the recipient's address is none.
    """
    notices = sorted(notices, key=lambda n: (n.due_at, n.facts.order_number, n.key))
    first = notices[0]
    to = checked_address(first.address)
    subject, text, html = _parts(notices, policy)
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = Address(policy.delivery.from_name, addr_spec=from_address)
    message["To"] = Address(_name(first.recipient_name), addr_spec=to)
    # The library decodes what looks like an encoded word, and with it an encoded end of line.
    message["Subject"] = subject.replace("=?", "= ?")
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{mail_key}@{policy.delivery.message_id_domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = policy.spoken(first.language)
    # A boundary drawn anew for each try would make a repeat look like another mail.
    message.set_boundary(f"=_{hashlib.sha256(mail_key.encode()).hexdigest()[:40]}")
    return Mail(mail_key, from_address, to, message.as_bytes())


def mail_group(notice: Notice) -> str:
    """What the notices of one mail have in common, besides their mail_key."""
    said_to = (notice.step, notice.recipient_kind, notice.recipient_id, notice.language)
    return UNIT_SEPARATOR.join(said_to)


def checked_address(text: str | None) -> str:
    """The one mailbox of `text`, its domain in ASCII; BadAddress, which does not repeat it."""
    if not text:
        raise BadAddress("there is no address")
    local, _, domain = text.strip().rpartition("@")
    try:
        spec = f"{local}@{domain.encode('idna').decode('ascii')}"
        address = Address(addr_spec=spec)
    except Exception:  # the parser of the standard library raises whatever it stumbles on
        raise BadAddress("what stands as the address is none") from None
    plain = spec.isascii() and spec.isprintable() and not set(spec) & set(' \t,;:<>()[]\\"')
    fits = len(spec) <= ADDRESS_MOST and 0 < len(local) <= LOCAL_PART_MOST and "." in domain
    if not plain or not fits or address.addr_spec != spec:
        raise BadAddress("what stands as the address is none")
    return spec


def _parts(notices: Sequence[Notice], policy: NoticesPolicy) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    first = notices[0]
    language, zone = policy.spoken(first.language), policy.zone(first.country)
    most = policy.digest_orders_most
    shown = [_order(n.facts, policy, zone, language) for n in notices[:most]]
    content = {
        "language": language,
        "name": _name(first.recipient_name),
        "hours": policy.steps[first.step].after_hours,
        "orders": shown,
        "count": len(notices),
        "more": max(len(notices) - most, 0),
        "orders_url": Markup(policy.delivery.orders_url),  # checked when the policy was read
        "from_name": policy.delivery.from_name,
    }
    subject, text, html = (
        _environment().get_template(f"{language}/{first.step}.{part}.j2").render(content)
        for part in ("subject.txt", "txt", "html")
    )
    return one_line(subject, SUBJECT_MOST), text.strip() + "\n", html


def _order(facts: Facts, policy: NoticesPolicy, zone: ZoneInfo, language: str) -> Order:
    titles = [shown for title in facts.titles if (shown := one_line(title, TITLE_MOST))]
    return Order(
        number=one_line(facts.order_number, NUMBER_MOST),
        amount=money(facts.amount_minor, facts.currency, language),
        titles=titles[: policy.titles_most],
        more_titles=max(len(titles) - policy.titles_most, 0),
        since=instant(facts.since, zone, language),
        until=instant(facts.until, zone, language) if facts.until else "",
        seller=one_line(facts.seller_name, NAME_MOST),
    )


def _name(name: str) -> str:
    """A name that a header can hold, and a greeting."""
    unlinked = harmless(name.translate(IN_NAMES)).translate(IN_NAMES)
    return one_line(unlinked, NAME_MOST)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(lambda name: (TEMPLATES / name).read_text(encoding="utf-8")),
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=StrictUndefined, finalize=harmless, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
