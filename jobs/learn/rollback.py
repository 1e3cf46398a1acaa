"""Learn: make the previous champion of a model champion again.

examples:
  ./spark-submit.sh learn.rollback --model seller_risk --why "scores drifted"
"""

from __future__ import annotations

from conf.settings import Settings
from jobs.arguments import Argument
from jobs.errors import GateNotPassed
from jobs.lake.io import Lake
from jobs.learn import promotion
from jobs.models import MODELS, registry
from jobs.window import Window

READS: tuple[()] = ()
WRITES: tuple[()] = ()
WINDOW = "none"
ARGUMENTS = (
    Argument("--model", "whose champion", choices=MODELS, required=True),
    Argument("--why", "what went wrong", required=True),
)


def run(lake: Lake, settings: Settings, window: Window | None, *, model: str, why: str) -> None:
    from ml.registry import PREVIOUS

    with registry(settings) as models:
        before = models.champion(model, PREVIOUS)
        if before is None:
            raise GateNotPassed(f"{model} has no previous champion to go back to")
        promotion.promote(models, lake, model, before.number, why)
