"""Which provider is spoken to, and with which key: by reference, one key for each purpose.

| key | mode | where |
| --- | --- | --- |
| none | sandbox: the local server, a placeholder key | loopback only; refused in prod |
| sk_test_, rk_test_ | test | the provider, or STRIPE_API_BASE; refused in prod |
| sk_live_, rk_live_ | live | the provider alone; refused outside prod |
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conf.settings import Settings
from jobs.errors import UsageError
from jobs.gateway.redaction import Secret

PROVIDER_BASE = "https://api.stripe.com"
SANDBOX_BASE = "http://127.0.0.1:12111"
SANDBOX_KEY = "sk_test_sandbox"
PURPOSES = ("payments", "events")
FOLDER_VARIABLE = "MARKETPLACE_GATEWAY_DIR"

_KEY = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]+", re.ASCII)


@dataclass(frozen=True)
class Access:
    """`mode` is sandbox, test or live; `base` the address without a path."""

    mode: str
    base: str
    key: Secret


def access_for(
    settings: Settings, purpose: str = "payments", environ: Mapping[str, str] = os.environ
) -> Access:
    """The way in for `purpose` (payments or events); UsageError that never shows the key."""
    variable = str(getattr(settings.stripe, purpose))
    key = (environ.get("STRIPE_API_KEY") or environ.get(variable) or "").strip()
    base = environ.get("STRIPE_API_BASE", "").strip().rstrip("/")
    mode = _mode_of(key, settings.env, variable)
    if mode == "sandbox":
        return Access(mode, _loopback(base or SANDBOX_BASE, variable), Secret(SANDBOX_KEY))
    if mode == "live" and base not in ("", PROVIDER_BASE):
        raise UsageError("STRIPE_API_BASE is set beside a live key; unset it")
    if base and not base.startswith("https://") and not is_loopback(base):
        raise UsageError(f"STRIPE_API_BASE {base} would send a key unencrypted; use https://")
    return Access(mode, base or PROVIDER_BASE, Secret(key))


def webhook_secrets(
    settings: Settings, environ: Mapping[str, str] = os.environ
) -> tuple[Secret, ...]:
    """The signing secrets that are set, at most as many as the settings name."""
    values = [environ.get(name, "").strip() for name in settings.stripe.webhook_secrets]
    return tuple(Secret(value) for value in values if value)


def gateway_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Where journal, lock and stop file are: MARKETPLACE_GATEWAY_DIR, else beside a local lake."""
    if given := environ.get(FOLDER_VARIABLE):
        return Path(given)
    root = settings.lake_root
    if root and (root.startswith("file:") or "://" not in root):
        return Path(root.removeprefix("file://").removeprefix("file:")) / "_gateway"
    raise UsageError(
        f"the lake {root} is not on this machine: set {FOLDER_VARIABLE} to a folder of this "
        "machine that outlives the run"
    )


def _mode_of(key: str, env: str, variable: str) -> str:
    if not key:
        if env == "prod":
            raise UsageError(f"prod needs a live key: set {variable}")
        return "sandbox"
    match = _KEY.fullmatch(key)
    if match is None:
        raise UsageError(
            f"the key in STRIPE_API_KEY or {variable} is none of sk_test_, rk_test_, sk_live_, "
            "rk_live_ with letters, digits and _"
        )
    mode = match.group(1)
    if mode == "live" and env != "prod":
        raise UsageError(f"a live key is only for --env prod, not for {env}; use a test key")
    if mode == "test" and env == "prod":
        raise UsageError(f"prod needs a live key, and the one given is a test key: set {variable}")
    return mode


def _loopback(base: str, variable: str) -> str:
    if not is_loopback(base):
        raise UsageError(
            f"STRIPE_API_BASE {base} is not on this machine; without a key only the local sandbox "
            f"is spoken to. Set {variable} to a test key, or STRIPE_API_BASE to {SANDBOX_BASE}"
        )
    return base


def is_loopback(base: str) -> bool:
    """An http address of this machine, without user, path or query."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or parts.username or parts.path or parts.query:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
