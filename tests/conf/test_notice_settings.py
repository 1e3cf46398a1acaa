"""The policy of notices: what does not fit is named, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from conf.notice_settings import STEPS, load_notices_policy
from conf.settings import CONF, SettingsError

Change = Callable[[dict[str, Any]], Any]


def changed(folder: Path, change: Change) -> Path:
    """The policy's file after `change` of its content."""
    content = yaml.safe_load((CONF / "policy" / "notices.yaml").read_text())
    change(content)
    file = folder / "notices.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_the_policy_loads_and_has_every_step() -> None:
    policy = load_notices_policy()
    assert tuple(policy.steps) == STEPS
    assert policy.version >= 1


def test_a_country_has_a_zone_and_a_language_and_others_the_defaults() -> None:
    policy = load_notices_policy()
    assert (policy.zone("DE"), policy.language("AT")) == (ZoneInfo("Europe/Berlin"), "de")
    assert (policy.zone("NO"), policy.language("NO")) == (ZoneInfo("Europe/Oslo"), "en")
    for nowhere in ("XX", "", None, "default"):
        assert (policy.zone(nowhere), policy.language(nowhere)) == (ZoneInfo("UTC"), "en")
    assert [policy.spoken(language) for language in ("de", "pt", "")] == ["de", "en", "en"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(stepps={}), "unknown key stepps"),
        (lambda c: c.pop("titles_most"), "missing key titles_most"),
        (lambda c: c["steps"].update(remind_sellers=c["steps"]["escalate"]),
         "steps: unknown or missing remind_sellers"),
        (lambda c: c["steps"].pop("escalate"), "steps: unknown or missing escalate"),
        (lambda c: c["steps"]["escalate"].update(afterhours=3), "steps, escalate: the keys are"),
        (lambda c: c["steps"]["escalate"].pop("digest"), "steps, escalate: the keys are"),
        (lambda c: c["steps"]["escalate"].update(after_hours="12"), "'12', not of type int"),
        (lambda c: c["steps"]["escalate"].update(after_hours=True), "True, not of type int"),
        (lambda c: c["steps"]["escalate"].update(after_hours=-1), "after_hours >= 0"),
        (lambda c: c["steps"]["escalate"].update(since="asked"), "since is one of asked_at"),
        (lambda c: c["steps"]["escalate"].update(recipient="boss"), "recipient one of seller"),
        (lambda c: c["steps"]["remind_seller"].update(stale_after_hours=10),
         "remind_seller: it would be stale before the quiet hours end"),
        (lambda c: c["quiet_hours"].update(boss={"starts": "21:00", "ends": "07:00"}), "boss"),
        (lambda c: c["quiet_hours"]["buyer"].update(starts=1260), 'as "07:00", in quotation marks'),
        (lambda c: c["quiet_hours"]["buyer"].update(starts="24:00"), "in quotation marks"),
        (lambda c: c["quiet_hours"]["buyer"].update(starts="09:00"), "starts and ends are equal"),
        (lambda c: c["zone_by_country"].update(DE="Europe/Bonn"), "no time zone 'Europe/Bonn'"),
        (lambda c: c["zone_by_country"].update({False: "Europe/Oslo"}), "not a country's code"),
        (lambda c: c["language_by_country"].pop("default"), "a default is missing"),
        (lambda c: c["delivery"].update(orders_url="http://x.example"), "orders_url"),
        (lambda c: c["delivery"].update(orders_url='https://x.example/"><b>'), "orders_url"),
        (lambda c: c["delivery"].update(message_id_domain="x>\r\nBcc: y"), "message_id_domain"),
        (lambda c: c["delivery"].update(mails_per_second=0), "a count below 1"),
        (lambda c: c["senders"].pop("prod"), "senders: unknown or missing prod"),
        (lambda c: c["senders"]["prod"].update(starttls="yes"), "not of type bool"),
        (lambda c: c.update(steps=[]), "steps: write it as keys with values"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_notices_policy(changed(tmp_path, change))


def test_a_variable_has_its_value_its_default_or_is_named() -> None:
    prod = load_notices_policy().senders["prod"]
    assert prod.value("port", {}) == "587"
    assert prod.value("port", {"MARKETPLACE_SMTP_PORT": "2525"}) == "2525"
    with pytest.raises(SettingsError, match=r"senders, host: set .* MARKETPLACE_SMTP_HOST"):
        prod.value("host", {})


def test_no_secret_stands_in_the_file() -> None:
    prod = load_notices_policy().senders["prod"]
    assert prod.password == "${MARKETPLACE_SMTP_PASSWORD}"
