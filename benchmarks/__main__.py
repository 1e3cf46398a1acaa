"""Measure the jobs: `python -m benchmarks [NAME|all] [options]`, or `make bench`.

Each benchmark measures both of its sides alternately in this one run and prints a table with their
ratio. Timing never decides the exit code: 0 measured, 1 the sides arrived at different figures or
could not run.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from benchmarks import (
    decided_day,
    history,
    month_ends,
    olist,
    packed,
    payments,
    recomputed,
    risk_scoring,
    risk_tenfold,
    risk_training,
    segment_assign,
    segment_fit,
    segment_tenfold,
    snapshots,
    sums,
    tenfold,
)
from benchmarks.sides import Different

log = logging.getLogger("benchmarks")

MODULES = {
    "history": history, "packed": packed, "olist": olist, "snapshots": snapshots,
    "recomputed": recomputed, "month-ends": month_ends, "sums": sums, "tenfold": tenfold,
    "risk-scoring": risk_scoring, "risk-training": risk_training, "risk-tenfold": risk_tenfold,
    "segment-fit": segment_fit, "segment-assign": segment_assign,
    "segment-tenfold": segment_tenfold, "payments": payments, "decided-day": decided_day,
}  # fmt: skip
NEEDS_FILES = ("olist",)

EXAMPLES = """examples:
  python -m benchmarks                                          everything that needs no files
  python -m benchmarks olist --input olist --runs 3
  python -m benchmarks olist --input olist --reviews olist/reviews_sample.csv.gz
  python -m benchmarks history --lines 18000 --long 540 --short 240
  python -m benchmarks history --lines 300 --block 5 --long 20 --short 10
  python -m benchmarks packed --days 7 --orders-per-day 50 --runs 1
  python -m benchmarks snapshots --sellers 2000 --long 120 --short 90 --runs 1
  python -m benchmarks recomputed --sellers 60 --orders-per-day 60 --runs 1
  python -m benchmarks month-ends --sellers 1000 --commands 3 --runs 1
  python -m benchmarks sums --sellers 2000 --days 90
  python -m benchmarks risk-scoring --sellers 2000 --runs 1
  python -m benchmarks risk-training --rows 1300000 --runs 1
  python -m benchmarks risk-tenfold --rows 1000 --sellers 1000 --runs 1
  python -m benchmarks segment-fit --rows 3000 --resamples 2 --runs 1
  python -m benchmarks segment-assign --sellers 500 --runs 1
  python -m benchmarks segment-tenfold --sellers 100 --runs 1
  python -m benchmarks payments --requests 500 --runs 1
  python -m benchmarks decided-day --orders 100 --block 5 --long 40 --short 20 --runs 1
  python -m benchmarks tenfold --sellers 60 --orders-per-day 60 --days 20 --ledger-sellers 500

The tables go to standard output, progress to standard error. What takes long to make stays in
--work for the next run: at its full size history makes lakes of some ten million order lines, and
snapshots a ledger of some sixty million rows. Leave each an hour.
"""


def main(argv: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or (given[0].startswith("-") and given[0] not in ("-h", "--help")):
        given.insert(0, "all")
    what, *rest = given
    parsing = parser()
    options = parsing.parse_args(given)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    chosen = {what: options}
    if what == "all":
        log.info("left out, for they need files: %s", ", ".join(NEEDS_FILES))
        chosen = {n: parsing.parse_args([n, *rest]) for n in MODULES if n not in NEEDS_FILES}
    code = 0
    for name, its in chosen.items():
        log.info("%s", name)
        try:
            print(f"{MODULES[name].run(its)}\n", flush=True)
        except Different as different:
            log.error("%s: %s", name, different)
            code = 1
    return code


def parser() -> argparse.ArgumentParser:
    shown = argparse.RawDescriptionHelpFormatter
    whole = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=EXAMPLES, formatter_class=shown,
        allow_abbrev=False,
    )  # fmt: skip
    names = whole.add_subparsers(dest="what", required=True, metavar="NAME")
    every = names.add_parser("all", help="everything that needs no files", allow_abbrev=False)
    _add_common(every)
    for name, module in MODULES.items():
        doc = (module.__doc__ or "").strip()
        one = names.add_parser(
            name, help=doc.splitlines()[0], description=doc, formatter_class=shown,
            allow_abbrev=False,
        )  # fmt: skip
        _add_common(one)
        module.add_arguments(one)
    return whole


def _add_common(one: argparse.ArgumentParser) -> None:
    one.add_argument("--runs", type=int, default=2, metavar="N", help="of each side (default 2)")
    one.add_argument("--work", default="build/benchmarks", metavar="DIR",
                     help="scratch folder (default build/benchmarks)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
