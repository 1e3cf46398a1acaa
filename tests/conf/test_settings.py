"""Settings: an unknown key is an error, the lake root can be given, variables are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import currencies
from conf.settings import Settings, SettingsError, load, load_landing_policy, load_settings


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "local.yaml"
    file.write_text("lake_root: x\nlake_rot: y\n")
    with pytest.raises(SettingsError, match=r"local\.yaml: unknown key lake_rot"):
        load(Settings, file)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "local.yaml"
    file.write_text("lake_root: x\n")
    with pytest.raises(SettingsError, match="missing key env"):
        load(Settings, file)


def test_the_lake_root_given_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACE_LAKE_ROOT", "from-variable")
    assert load_settings("local", "given").lake_root == "given"
    assert load_settings("local").lake_root == "from-variable"


def test_a_cluster_without_its_master_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARKETPLACE_SPARK_MASTER", raising=False)
    with pytest.raises(SettingsError, match="MARKETPLACE_SPARK_MASTER"):
        load_settings("cluster")


def test_an_unknown_environment_names_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="local, cluster, prod"):
        load_settings("moon")


def test_the_landing_policy_loads() -> None:
    assert load_landing_policy().known_ids_days == 35


@pytest.mark.parametrize(("code", "digits"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("BRL", 2)])
def test_minor_units_of_currencies(code: str, digits: int) -> None:
    assert currencies.exponent(code) == digits


@pytest.mark.parametrize("code", ["usd", "XXX", "", "EURO"])
def test_what_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(KeyError):
        currencies.exponent(code)
