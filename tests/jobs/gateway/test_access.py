"""Which key speaks to which provider, and where the gateway keeps its files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import conf.settings as settings_module
from conf.settings import Settings, SettingsError, load_settings
from jobs.clock import RealClock, clock_for
from jobs.errors import UsageError
from jobs.gateway.access import access_for, gateway_folder, webhook_secrets

LIVE, TEST = "sk_live_canary", "rk_test_canary"


def settings(env: str = "local") -> Settings:
    return replace(load_settings("local"), env=env, lake_root="lake")


def test_without_a_key_the_local_sandbox_is_spoken_to() -> None:
    access = access_for(settings(), environ={})
    assert (access.mode, access.base) == ("sandbox", "http://127.0.0.1:12111")
    moved = access_for(settings(), environ={"STRIPE_API_BASE": "http://localhost:9/"})
    assert moved.base == "http://localhost:9"


@pytest.mark.parametrize(
    "base",
    [
        "https://api.stripe.com", "http://10.0.0.1:12111", "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example", "ftp://127.0.0.1", "http://127.0.0.1/v2", "nonsense",
    ],
)  # fmt: skip
def test_without_a_key_nothing_but_this_machine_is_spoken_to(base: str) -> None:
    with pytest.raises(UsageError, match="not on this machine"):
        access_for(settings(), environ={"STRIPE_API_BASE": base})


def test_each_purpose_has_its_key_and_one_goes_before_all() -> None:
    given = {"STRIPE_PAYMENTS_KEY": "sk_test_pay", "STRIPE_EVENTS_KEY": "rk_test_events"}
    assert access_for(settings(), "payments", given).key.reveal() == "sk_test_pay"
    assert access_for(settings(), "events", given).key.reveal() == "rk_test_events"
    given["STRIPE_API_KEY"] = "sk_test_all"
    assert access_for(settings(), "events", given).key.reveal() == "sk_test_all"


@pytest.mark.parametrize(
    ("env", "key", "said"),
    [
        ("local", LIVE, "a live key is only for --env prod"),
        ("cluster", LIVE, "a live key is only for --env prod"),
        ("prod", TEST, "prod needs a live key"),
        ("prod", "", "prod needs a live key: set STRIPE_PAYMENTS_KEY"),
        ("local", "pk_test_canary", "is none of sk_test_"),
        ("local", "sk_test_canary\r\nX: y", "is none of sk_test_"),
    ],
)
def test_a_key_that_does_not_fit_the_environment_is_refused_and_not_shown(
    env: str, key: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        access_for(settings(env), environ={"STRIPE_API_KEY": key})
    assert "canary" not in str(refused.value)


def test_a_live_key_speaks_to_the_provider_alone() -> None:
    access = access_for(settings("prod"), environ={"STRIPE_API_KEY": LIVE})
    assert (access.mode, access.base) == ("live", "https://api.stripe.com")
    with pytest.raises(UsageError, match="beside a live key"):
        access_for(
            settings("prod"),
            environ={"STRIPE_API_KEY": LIVE, "STRIPE_API_BASE": "http://127.0.0.1:1"},
        )


def test_a_test_key_is_not_sent_unencrypted_to_another_machine() -> None:
    given = {"STRIPE_API_KEY": TEST, "STRIPE_API_BASE": "http://10.0.0.1"}
    with pytest.raises(UsageError, match="unencrypted"):
        access_for(settings(), environ=given)
    local = {**given, "STRIPE_API_BASE": "http://127.0.0.1:5"}
    assert access_for(settings(), environ=local).mode == "test"


def test_an_environment_without_the_names_of_its_keys_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").mkdir()
    given = (settings_module.CONF / "env" / "local.yaml").read_text()
    (tmp_path / "env" / "local.yaml").write_text(given.replace("  events:", "  evnts:"))
    monkeypatch.setattr(settings_module, "CONF", tmp_path)
    with pytest.raises(SettingsError, match=r"local\.yaml: stripe has the keys .*evnts"):
        load_settings("local")


def test_two_webhook_secrets_while_one_replaces_the_other() -> None:
    given = {"STRIPE_WEBHOOK_SECRET": "whsec_new", "STRIPE_WEBHOOK_SECRET_BEFORE": "whsec_old"}
    assert [s.reveal() for s in webhook_secrets(settings(), given)] == ["whsec_new", "whsec_old"]
    assert webhook_secrets(settings(), {}) == ()


def test_the_gateway_s_folder_stands_beside_a_local_lake_or_is_named() -> None:
    assert gateway_folder(settings(), {}) == Path("lake/_gateway")
    assert gateway_folder(settings(), {"MARKETPLACE_GATEWAY_DIR": "/g"}) == Path("/g")
    remote = replace(settings(), lake_root="s3a://bucket/lake")
    with pytest.raises(UsageError, match="MARKETPLACE_GATEWAY_DIR"):
        gateway_folder(remote, {})


def test_the_clock_starts_where_it_is_told_in_the_sandbox_alone() -> None:
    given = {"MARKETPLACE_NOW": "2026-06-30T12:00:00+02:00"}
    started = clock_for("sandbox", given).now()
    assert timedelta(0) <= started - datetime(2026, 6, 30, 10, tzinfo=UTC) < timedelta(minutes=1)
    assert type(clock_for("live", {})) is RealClock
    with pytest.raises(UsageError, match="for the sandbox alone"):
        clock_for("test", given)
    for wrong in ("2026-06-30T12:00:00", "noon"):
        with pytest.raises(UsageError, match="no instant with a zone"):
            clock_for("sandbox", {"MARKETPLACE_NOW": wrong})
