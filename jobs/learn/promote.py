"""Learn: make a registered version champion. A reviewer's act; the log keeps who moved it and why.

examples:
  ./spark-submit.sh learn.promote --model seller_risk --version 3 --why "reviewed the card"
"""

from __future__ import annotations

from conf.settings import Settings
from jobs.arguments import Argument
from jobs.lake.io import Lake
from jobs.learn import promotion
from jobs.models import SELLER_RISK, registry
from jobs.window import Window

READS: tuple[()] = ()
WRITES: tuple[()] = ()
WINDOW = "none"
ARGUMENTS = (
    Argument("--model", "whose champion", choices=(SELLER_RISK,), required=True),
    Argument("--version", "version in the registry", required=True),
    Argument("--why", "what the reviewer found", required=True),
)


def run(
    lake: Lake, settings: Settings, window: Window | None, *, model: str, version: str, why: str
) -> None:
    with registry(settings) as models:
        promotion.promote(models, lake, model, version, why)
