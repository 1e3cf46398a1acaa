"""Who is told what, when and how: conf/policy/notices.yaml into frozen dataclasses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, time, timedelta
from importlib.resources.abc import Traversable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from conf.settings import CONF, ENVIRONMENTS, SettingsError, load

STEPS = (
    "remind_seller", "warn_seller", "escalate", "check_delivery", "ask_review", "payment_action",
    "payment_failed",
)  # fmt: skip
SINCE = ("asked_at", "deliver_by", "delivered_at", "action_required_at", "payment_failed_at")
RECIPIENTS = ("seller", "buyer", "operations")
SENDERS = ("file", "smtp")

Part = TypeVar("Part")


@dataclass(frozen=True)
class Step:
    """One timer: due `after_hours` behind the instant named by `since`, dead `stale_after_hours`
    later. `digest`: several orders of one recipient go in one mail."""

    since: str
    after_hours: int
    stale_after_hours: int
    recipient: str
    digest: bool


@dataclass(frozen=True)
class QuietHours:
    """From `starts` until before `ends` by the wall clock; over midnight if `ends` is earlier."""

    starts: time
    ends: time

    def cover(self, wall: time) -> bool:
        if self.starts < self.ends:
            return self.starts <= wall < self.ends
        return wall >= self.starts or wall < self.ends

    @property
    def length(self) -> timedelta:
        minutes = (self.ends.hour - self.starts.hour) * 60 + self.ends.minute - self.starts.minute
        return timedelta(minutes=minutes % (24 * 60))


@dataclass(frozen=True)
class Delivery:
    """How mails are made and handed over."""

    from_name: str
    message_id_domain: str
    orders_url: str
    mails_per_second: int
    mails_a_connection: int
    timeout_seconds: int
    failures_in_a_row_most: int
    retry_first_minutes: int
    retry_most_minutes: int


@dataclass(frozen=True)
class SenderSettings:
    """Who hands over the mails of an environment. Texts may refer to environment variables, so a
    password never stands here: `value` looks it up when it is needed."""

    kind: str
    from_address: str
    operations_address: str
    host: str
    port: str
    starttls: bool
    user: str
    password: str

    def value(self, name: str, variables: Mapping[str, str]) -> str:
        """The setting `name` with its variables filled in; SettingsError names a missing one."""

        def variable(match: re.Match[str]) -> str:
            found = variables.get(match["name"]) or match["default"]
            if found is None:
                raise SettingsError(
                    f"policy/notices.yaml, senders, {name}: set the environment variable "
                    f"{match['name']}"
                )
            return found

        return re.sub(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}", variable, getattr(self, name))


@dataclass(frozen=True)
class NoticesPolicy:
    """conf/policy/notices.yaml."""

    version: int
    effective_from: date
    steps: Mapping[str, Step]
    look_back_days: int
    quiet_hours: Mapping[str, QuietHours]
    digest_orders_most: int
    titles_most: int
    languages: Sequence[str]
    language_by_country: Mapping[str, str]
    zone_by_country: Mapping[str, str]
    delivery: Delivery
    senders: Mapping[str, SenderSettings]

    def zone(self, country: str | None) -> ZoneInfo:
        zones = self.zone_by_country
        return ZoneInfo(zones.get(country or "", zones["default"]))

    def language(self, country: str | None) -> str:
        languages = self.language_by_country
        return languages.get(country or "", languages["default"])

    def spoken(self, language: str) -> str:
        """`language`, or the one that stands in for it where there are no templates."""
        return language if language in self.languages else self.languages[0]


def load_notices_policy(path: Traversable = CONF / "policy" / "notices.yaml") -> NoticesPolicy:
    """The policy of notices; SettingsError names the key that is unknown, missing or senseless."""
    raw = load(NoticesPolicy, path)
    policy = NoticesPolicy(
        **{
            **vars(raw),
            "steps": _each("steps", raw.steps, STEPS, _step),
            "quiet_hours": _each("quiet_hours", raw.quiet_hours, None, _quiet_hours),
            "delivery": _part(Delivery, raw.delivery, "delivery"),
            "senders": _each("senders", raw.senders, ENVIRONMENTS, _sender),
        }
    )
    _check(policy)
    return policy


def _each(
    name: str, given: Any, keys: Sequence[str] | None, make: Callable[[Any, str], Part]
) -> dict[str, Part]:
    if not isinstance(given, Mapping):
        raise SettingsError(f"{_where(name)}: write it as keys with values")
    if keys is not None and (wrong := sorted(set(keys) ^ set(given))):
        raise SettingsError(f"{_where(name)}: unknown or missing {', '.join(wrong)}")
    return {key: make(value, f"{name}, {key}") for key, value in given.items()}


def _step(given: Any, where: str) -> Step:
    step = _part(Step, given, where)
    if step.since not in SINCE or step.recipient not in RECIPIENTS:
        raise SettingsError(
            f"{_where(where)}: since is one of {', '.join(SINCE)}, "
            f"recipient one of {', '.join(RECIPIENTS)}"
        )
    if step.after_hours < 0 or step.stale_after_hours <= 0:
        raise SettingsError(f"{_where(where)}: after_hours >= 0 and stale_after_hours > 0")
    return step


def _quiet_hours(given: Any, where: str) -> QuietHours:
    raw = _part(QuietHours, given, where, typed=False)
    quiet = QuietHours(*(_wall(text, where) for text in (raw.starts, raw.ends)))
    if quiet.starts == quiet.ends:
        raise SettingsError(f"{_where(where)}: starts and ends are equal; leave the line out")
    return quiet


def _wall(text: Any, where: str) -> time:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(text)):
        raise SettingsError(f'{_where(where)}: write a time as "07:00", in quotation marks')
    return time.fromisoformat(text)


def _sender(given: Any, where: str) -> SenderSettings:
    return _part(SenderSettings, given, where)


def _part(kind: type[Part], given: Any, where: str, typed: bool = True) -> Part:
    """A mapping as a dataclass that has its keys and, unless told otherwise, its types."""
    expected = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(given, Mapping) or set(given) != set(expected):
        raise SettingsError(f"{_where(where)}: the keys are {', '.join(expected)}, no more or less")
    for name, type_name in expected.items():
        value = given[name]
        if typed and type(value).__name__ != type_name:
            raise SettingsError(f"{_where(where)}: {name} is {value!r}, not of type {type_name}")
    return kind(**given)


def _check(policy: NoticesPolicy) -> None:
    """SettingsError for what cannot work together."""
    for kind, quiet in policy.quiet_hours.items():
        if kind not in RECIPIENTS:
            raise SettingsError(f"{_where('quiet_hours')}: {kind} is not a kind of recipient")
        for name, step in policy.steps.items():
            if step.recipient == kind and timedelta(hours=step.stale_after_hours) <= quiet.length:
                raise SettingsError(
                    f"{_where(f'steps, {name}')}: it would be stale before the quiet hours end; "
                    "raise stale_after_hours"
                )
    for table in ("zone_by_country", "language_by_country"):
        if wrong := [key for key in getattr(policy, table) if not _is_country(key)]:
            raise SettingsError(f"{_where(table)}: not a country's code or default: {wrong[0]!r}")
        if "default" not in getattr(policy, table):
            raise SettingsError(f"{_where(table)}: a default is missing")
    for zone in policy.zone_by_country.values():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            raise SettingsError(f"{_where('zone_by_country')}: no time zone {zone!r}") from None
    if not re.fullmatch(r"https://[a-z0-9.-]+(/[\w-]+)*", policy.delivery.orders_url):
        raise SettingsError(f"{_where('delivery, orders_url')}: an https address without a query")
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", policy.delivery.message_id_domain):
        raise SettingsError(f"{_where('delivery, message_id_domain')}: a domain, in small letters")
    counts = [v for v in vars(policy.delivery).values() if isinstance(v, int)]
    if min(*counts, policy.digest_orders_most, policy.titles_most) < 1 or not policy.languages:
        raise SettingsError("policy/notices.yaml: a count below 1, or no language")


def _is_country(key: Any) -> bool:
    return isinstance(key, str) and re.fullmatch(r"[A-Z]{2}|default", key) is not None


def _where(place: str) -> str:
    return f"policy/notices.yaml, {place}"
