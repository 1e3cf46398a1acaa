"""Settings of an environment and of a policy: YAML into frozen dataclasses.

An unknown key is an error, because a misspelt setting that is ignored is worse than none.
`python -m conf.settings spark-args --env local` prints spark-submit's arguments, one a line.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import yaml

CONF = files("conf")  # not a path: on a cluster the code is a zip
ENVIRONMENTS = ("local", "cluster", "prod")

Loaded = TypeVar("Loaded")

SPARK_ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    # Spark's own default writes instants as INT96, which has no time zone and no statistics.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.log.level": "FATAL",  # a failed task reaches the job as its own error
    # The last line of stdout is the job's record: no progress bars in between.
    "spark.ui.showConsoleProgress": "false",
    # A frame already hashed by order joins by (order, day) without another shuffle.
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    # Spark describes every plan, after every stage, for a page that nobody opens.
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.ui.explainMode": "simple",
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
}


class SettingsError(ValueError):
    """A settings file or variable that does not fit; the message names file, key and remedy."""


@dataclass(frozen=True)
class StripeSettings:
    """Names of the environment variables that hold the provider's secrets, one for each purpose;
    never a value. Two webhook secrets are taken while one replaces the other."""

    payments: str
    events: str
    webhook_secrets: Sequence[str]


@dataclass(frozen=True)
class Settings:
    """One environment. `time_zone` None: the lake's own, UTC for a new lake. `mlflow_uri` None: a
    registry beside the tables of a local lake."""

    env: str
    lake_root: str | None
    time_zone: str | None
    reporting_currency: str
    mlflow_uri: str | None
    spark: Mapping[str, str]
    stripe: StripeSettings


@dataclass(frozen=True)
class LandingPolicy:
    """What is asked of a landing; see conf/policy/landing.yaml."""

    version: int
    effective_from: date
    rejected_share_bp: int
    judged_from_records: int
    rejected_share_bp_by_entity: Mapping[str, int]
    known_ids_days: int


@dataclass(frozen=True)
class AlertsPolicy:
    """When a figure of the daily report is called good or bad; see conf/policy/alerts.yaml."""

    version: int
    effective_from: date
    same_weekdays: int
    min_same_weekdays: int
    min_deviation: float
    min_scale_bp: int
    min_cases: int
    min_change_bp: Mapping[str, int]
    movers: int
    max_rate_age_days: int


@dataclass(frozen=True)
class GatewayPolicy:
    """How requests go out to the payment provider; see conf/policy/gateway.yaml."""

    version: int
    effective_from: date
    enabled: bool
    requests_per_second_per_endpoint: int
    requests_per_second: int
    pace_bp: int
    workers: int
    connect_timeout_seconds: float
    read_timeout_seconds: float
    run_budget_seconds: int
    attempts_per_run: int
    first_delay_seconds: float
    longest_delay_seconds: float
    breaker_failures: int
    breaker_share_bp: int
    breaker_window: int
    breaker_open_seconds: float
    daily_cap_minor: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class LabelsPolicy:
    """When a seller-month counts as high risk; see conf/policy/labels.yaml."""

    version: int
    effective_from: date
    horizon_days: int
    reporting_lag_days: int
    actions: Sequence[str]

    @property
    def sure_after_days(self) -> int:
        """Days after ds from whose end on the label is sure."""
        return self.horizon_days + self.reporting_lag_days


def load(kind: type[Loaded], path: Traversable, **given: Any) -> Loaded:
    """A YAML file as a dataclass; SettingsError names an unknown or a missing key."""
    content = yaml.safe_load(path.read_text()) or {}
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    found = {**content, **given}
    if unknown := sorted(set(found) - names):
        raise SettingsError(
            f"{path.name}: unknown key {', '.join(unknown)}; known: {sorted(names)}"
        )
    if missing := sorted(names - set(found)):
        raise SettingsError(f"{path.name}: missing key {', '.join(missing)}")
    return kind(**found)


def load_settings(env: str = "local", lake_root: str | None = None) -> Settings:
    """The settings of `env`. `lake_root`, else MARKETPLACE_LAKE_ROOT, goes before the file's, and
    so does MLFLOW_TRACKING_URI."""
    if env not in ENVIRONMENTS:
        raise SettingsError(f"unknown environment {env!r}; known: {', '.join(ENVIRONMENTS)}")
    path = CONF / "env" / f"{env}.yaml"
    content = yaml.safe_load(path.read_text())
    root = lake_root or os.environ.get("MARKETPLACE_LAKE_ROOT") or content["lake_root"]
    models = os.environ.get("MLFLOW_TRACKING_URI") or content["mlflow_uri"]
    spark = {name: _resolved(str(value), path) for name, value in content["spark"].items()}
    return load(
        Settings, path, env=env, lake_root=root, mlflow_uri=models,
        spark=SPARK_ALWAYS | spark | _own_spark(), stripe=_stripe(content, path),
    )  # fmt: skip


def load_landing_policy() -> LandingPolicy:
    return load(LandingPolicy, CONF / "policy" / "landing.yaml")


def load_alerts_policy() -> AlertsPolicy:
    return load(AlertsPolicy, CONF / "policy" / "alerts.yaml")


def load_labels_policy() -> LabelsPolicy:
    return load(LabelsPolicy, CONF / "policy" / "labels.yaml")


def load_gateway_policy() -> GatewayPolicy:
    return load(GatewayPolicy, CONF / "policy" / "gateway.yaml")


def _stripe(content: Mapping[str, Any], path: Traversable) -> StripeSettings:
    given, names = content.get("stripe") or {}, {field.name for field in fields(StripeSettings)}
    if set(given) != names:
        raise SettingsError(
            f"{path.name}: stripe has the keys {sorted(given)}; it needs {sorted(names)}"
        )
    return StripeSettings(**given)


def _own_spark() -> dict[str, str]:
    """MARKETPLACE_SPARK_CONF, "name=value;name=value": what this machine sets over the files."""
    given = [pair for pair in os.environ.get("MARKETPLACE_SPARK_CONF", "").split(";") if pair]
    if wrong := [pair for pair in given if not re.fullmatch(r"spark\.[\w.]+=.*", pair)]:
        raise SettingsError(f"MARKETPLACE_SPARK_CONF is not spark.name=value;...: {wrong[0]!r}")
    return dict(pair.split("=", 1) for pair in given)


def spark_arguments(settings: Settings) -> list[str]:
    """spark-submit's arguments for the settings."""
    return [
        part for name, value in settings.spark.items() for part in ("--conf", f"{name}={value}")
    ]


def _resolved(value: str, path: Traversable) -> str:
    if value == "cores":
        return str(os.cpu_count() or 1)

    def variable(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise SettingsError(f"{path.name} needs the environment variable {name}")
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", variable, value)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conf.settings", description=__doc__)
    parser.add_argument("what", choices=["spark-args"])
    parser.add_argument("--env", default="local")
    arguments = parser.parse_args()
    try:
        print("\n".join(spark_arguments(load_settings(arguments.env))))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main())
