"""Moving the alias `champion`, and the log of who moved it and why."""

from __future__ import annotations

import logging

from conf.tables import meta
from jobs.lake.io import Lake
from ml.registry import CHAMPION, PREVIOUS, Registry

log = logging.getLogger(__name__)


def promote(models: Registry, lake: Lake, name: str, number: str, why: str) -> None:
    """Makes a version champion; the one before it stays known as the previous champion."""
    before = models.champion(name)
    version = models.version(name, number)
    if before is not None and before.number == version.number:
        log.info("%s version %s is champion already", name, number)
        return
    if before is not None:
        models.point(name, before.number, PREVIOUS)
    models.point(name, version.number, CHAMPION)
    lake.append(meta.MODEL_PROMOTIONS, [{
        "model": name, "version": version.number, "why": why, "run_id": lake.run_id,
        "previous_version": before.number if before else None,
    }])  # fmt: skip
    log.info("%s version %s is champion: %s", name, number, why)
