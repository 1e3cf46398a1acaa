"""Learn: make a registered version champion. A reviewer's act; the log keeps who moved it and why.

examples:
  ./spark-submit.sh learn.promote --model seller_risk --version 3 --why "reviewed the card"
  ./spark-submit.sh learn.promote --model seller_risk --version 3 --why "..." --check
  ./spark-submit.sh learn.promote --model seller_risk --version 4 --accept-missed --why "..."
"""

from __future__ import annotations

import json

from conf.settings import Settings
from jobs.arguments import Argument
from jobs.lake.io import Lake
from jobs.learn import promotion
from jobs.models import MODELS, registry
from jobs.window import Window

READS: tuple[()] = ()
WRITES: tuple[()] = ()
WINDOW = "none"
ARGUMENTS = (
    Argument("--model", "whose champion", choices=MODELS, required=True),
    Argument("--version", "version in the registry", required=True),
    Argument("--why", "what the reviewer found", required=True),
    Argument("--check", "only say what would change", action="store_true", default=False),
    Argument(
        "--accept-missed",
        "also a version that missed gates; never one with a leak",
        action="store_true",
        default=False,
    ),
)


def run(
    lake: Lake, settings: Settings, window: Window | None, *, model: str, version: str, why: str,
    check: bool = False, accept_missed: bool = False,
) -> None:  # fmt: skip
    with registry(settings) as models:
        promotion.require_fit(models.version(model, version), accept_missed)
        if check:
            print(json.dumps(promotion.foreseen(models, lake, model, version), indent=1))
        else:
            promotion.promote(models, lake, model, version, why)
