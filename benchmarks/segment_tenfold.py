"""Ten times the sellers against once: fitting segments, and assigning them.

Both sizes take turns in one warm session. Aim: at most 11x for both.
"""

from __future__ import annotations

import argparse

from benchmarks.segment_assign import assign_s, fit_s, given
from benchmarks.sides import Side, add_sizes, compared, session
from conf.model_settings import load_seller_segments

AIM, TIMES = 11, 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sizes(parser, sellers=(15_000, "N", "of the smaller side (default %(default)s)"))


def run(options: argparse.Namespace) -> str:
    rules = load_seller_segments()
    counts = (options.sellers, TIMES * options.sellers)
    with session("segment-tenfold") as (spark, _):
        worlds = [given(spark, count, options.work, rules) for count in counts]
        fits, assigns = ([Side(f"{count:,} sellers") for count in counts] for _ in range(2))
        for number in range(options.runs + 1):  # the first to warm up
            for (rows, model), fit, assign in zip(worlds, fits, assigns, strict=True):
                fitted, assigned = fit_s(rows, model, rules), assign_s(rows, model)
                if number:
                    fit.add(fitted)
                    assign.add(assigned)
    fitting = compared("fitting", fits[1], fits[0], AIM)
    assigning = compared("assigning", assigns[1], assigns[0], AIM)
    return f"## Ten times the sellers in segments\n\n{fitting}\n\n{assigning}"
