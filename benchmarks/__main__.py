"""Measure the jobs: `python -m benchmarks [history|packed|olist|all] [options]`, or `make bench`.

Each benchmark measures both of its sides alternately in this one run and prints a table with their
ratio. Timing never decides the exit code: 0 measured, 1 the sides arrived at different figures or
could not run.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from benchmarks import history, olist, packed
from benchmarks.sides import Different

log = logging.getLogger("benchmarks")

MODULES = {"history": history, "packed": packed, "olist": olist}

EXAMPLES = """examples:
  python -m benchmarks                                          everything that needs no files
  python -m benchmarks olist --input olist --runs 3
  python -m benchmarks olist --input olist --reviews olist/reviews_sample.csv.gz
  python -m benchmarks history --lines 18000 --long 540 --short 240
  python -m benchmarks history --lines 300 --block 5 --long 20 --short 10
  python -m benchmarks packed --days 7 --orders-per-day 50 --runs 1

The tables go to standard output, progress to standard error. At its full size history makes lakes
of some ten million order lines in --work and keeps them there for the next run; leave it an hour.
"""


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    chosen = list(MODULES) if options.what == "all" else [options.what]
    if options.what == "all" and not options.input:
        log.info("olist is left out: it needs --input")
        chosen.remove("olist")
    code = 0
    for name in chosen:
        log.info("%s", name)
        try:
            print(f"{MODULES[name].run(options)}\n", flush=True)
        except Different as different:
            log.error("%s: %s", name, different)
            code = 1
    return code


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    whole.add_argument("what", nargs="?", default="all", choices=(*MODULES, "all"),
                       help="default: all")  # fmt: skip
    whole.add_argument("--runs", type=int, default=2, metavar="N", help="of each side (default 2)")
    whole.add_argument("--work", default="build/benchmarks", metavar="DIR",
                       help="scratch folder (default build/benchmarks)")  # fmt: skip
    for name, module in MODULES.items():
        doc = (module.__doc__ or "").strip().splitlines()[0]
        module.add_arguments(whole.add_argument_group(name, doc))
    return whole


if __name__ == "__main__":
    sys.exit(main())
