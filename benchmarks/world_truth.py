"""How predictable the simulated marketplace is: the ceiling, and what a model reaches of it.

The world is the hidden truth alone, no Spark. What a model would see is drawn from it: counts of
trailing days as the features count them, with the noise of small samples and a lag until a claim is
known.

    python -m benchmarks.world_truth --sellers 22700 --seed 7
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from jobs.simulate.days import STOCK_DAYS
from jobs.simulate.latent import of_size_one
from jobs.simulate.lives import Lives, lives
from jobs.simulate.rates import RATES
from jobs.simulate.risk import HORIZON, at_risk, risk_60d

WARM_UP_MONTHS = 3
PIECE = 4_096  # sellers at a time
TRAINED, TESTED = range(0, 10), range(14, 16)  # month-ends, from 0
LAGS = {"return": 12, "defect": 14, "low_stars": 10, "chargeback": 25}  # days until it is known
REVIEWED = 0.33  # of orders
COUNTED = ("late", "cancel", "untracked", "return", "defect", "low_stars", "contact", "chargeback")
"""Rates a model sees, of the last 90 days."""
MEASURED = {
    "stockout": (2 / STOCK_DAYS, 90), "buy_box": (20.0, 30), "handling": (0.0, 90),
    "reply": (0.0, 90),
}  # fmt: skip
"""Means: independent looks a day, and trailing days; 0 looks once an order, or contact."""
GOALS = {
    "active": (228_000, 252_000), "base rate": (0.071, 0.077), "ceiling": (0.57, 0.62),
    "best single": (0.0, 0.30), "model / ceiling": (0.80, 1.0), "model": (0.45, 1.0),
}  # fmt: skip
"""Least and most of the figures, for the default size."""
MODEL = {
    "objective": "binary", "learning_rate": 0.03, "num_leaves": 15, "min_data_in_leaf": 80,
    "feature_fraction": 0.6, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0,
    "num_threads": 1, "verbose": -1, "seed": 1,
}  # fmt: skip
ROUNDS = 350


def month_ends(first: date, days: int) -> list[int]:
    """Day indices of the month-ends after the warm-up."""
    ends = [n for n in range(days) if (first + timedelta(n + 1)).day == 1]
    return ends[WARM_UP_MONTHS:]


def observed(world: Lives, ends: Sequence[int], orders_a_day: float,
             rng: np.random.Generator) -> dict[str, Any]:  # fmt: skip
    """Features [sellers, month-ends] as a model would see them; NaN is missing."""
    who, at = world.traits, np.array(ends)
    orders = rng.poisson(world.intensity * who.size[:, None] * orders_a_day)

    def trailing(counts: Any, days: int, lag: int = 0) -> Any:
        total = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
        upto = np.maximum(at + 1 - lag, 0)
        return total[:, upto] - total[:, np.maximum(upto - days, 0)]

    seen = {"orders_30d": trailing(orders, 30), "orders_90d": trailing(orders, 90)}
    for name in COUNTED:
        lag, share = LAGS.get(name, 0), REVIEWED if name == "low_stars" else 1.0
        base = orders if share == 1.0 else rng.poisson(orders * share)
        of = trailing(base, 90, lag)
        bad = np.minimum(trailing(rng.poisson(base * world.rates[name]), 90, lag), of)
        seen[name] = np.where(of > 0, bad / np.maximum(of, 1), np.nan)
    seen |= _measured(world, at, trailing, orders, rng)
    for name in ("contact", "reply"):
        seen[name] = np.where(world.messaging[:, at], seen[name], np.nan)
    return seen | _known(world, at, trailing, seen, rng)


def _measured(world: Lives, at: Any, trailing: Any, orders: Any,
              rng: np.random.Generator) -> dict[str, Any]:  # fmt: skip
    """Hours and shares, with the noise of as many looks as there were."""
    seen = {}
    for name, (looks, days) in MEASURED.items():
        weight = looks * (world.intensity > 0) if looks else orders
        if name == "reply":
            weight = rng.poisson(orders * world.rates["contact"])
        of = trailing(weight, days)
        mean = trailing(world.rates[name] * weight, days) / np.maximum(of, 1)
        spread = mean if RATES[name].hours else np.sqrt(np.maximum(mean * (1 - mean), 0))
        noise = rng.standard_normal(mean.shape) * spread / np.sqrt(np.maximum(of, 1))
        seen[name] = np.where(of > 0, np.maximum(mean + noise, 0), np.nan)
    return seen


def _known(world: Lives, at: Any, trailing: Any, seen: dict[str, Any],
           rng: np.random.Generator) -> dict[str, Any]:  # fmt: skip
    """Money, warnings, past suspensions, papers, tickets, advertising and tenure."""
    who, took = world.traits, world.actions
    stopped = np.zeros(world.intensity.shape)
    np.add.at(stopped, (took.row[took.action == 0], took.day[took.action == 0]), 1)
    price = 20 * np.exp(0.8 * rng.standard_normal((len(who.size), 1)))
    spend = who.advertises[:, None] * 30 * rng.gamma(20, 1 / 20, seen["orders_30d"].shape)
    tickets = rng.poisson(world.rates["ticket"] * (world.intensity > 0))
    return {
        "growth": seen["orders_30d"] / np.maximum(seen["orders_90d"], 1),
        "gmv_30d": seen["orders_30d"] * price,
        "warnings_90d": trailing(world.warned, 90),
        "suspensions": trailing(stopped, world.days),
        "document_age": at - np.stack([world.kept[int(day)].papers for day in at], axis=1),
        "tickets_90d": trailing(tickets, 90),
        "ad_spend": np.where(world.ads_known[:, at], spend, np.nan),
        "tenure": at - who.entry[:, None] + 0.0,
    }


def labels(world: Lives, ends: Sequence[int]) -> Any:
    """[sellers, month-ends]: an action within the horizon after the month-end."""
    struck = np.zeros((len(world.traits.size), world.days + HORIZON + 1))
    struck[world.actions.row, world.actions.day] = 1
    total = np.cumsum(struck, axis=1)
    at = np.array(ends)
    return total[:, at + HORIZON] > total[:, at]


def seller_months(options: argparse.Namespace) -> dict[str, Any]:
    """One row an active seller-month: features, month, risk, label, whether at risk."""
    first = date.fromisoformat(options.first)
    ends = month_ends(first, options.days)
    mature = [day for day in ends if day + HORIZON < options.days]
    found: list[dict[str, Any]] = []
    for begin in range(0, options.sellers, PIECE):
        numbers = np.arange(begin, min(begin + PIECE, options.sellers), dtype=np.int64)
        world = lives(options.seed, numbers, first, options.days, keep=ends)
        table = observed(world, ends, of_size_one(options.orders_per_day, options.sellers),
                         np.random.default_rng([options.seed, begin]))  # fmt: skip
        active = table["orders_90d"] > 0
        risks = [risk_60d(world, day, options.futures) for day in mature]
        unknown = [np.full(len(numbers), np.nan)] * (len(ends) - len(mature))
        table["_risk"] = np.stack([*risks, *unknown], axis=1)
        table["_label"] = labels(world, ends)
        table["_at_risk"] = np.stack([at_risk(world, day) for day in ends], axis=1)
        table["_month"] = np.broadcast_to(np.arange(len(ends)), active.shape)
        table["_kind"] = np.broadcast_to(world.traits.kind[:, None], active.shape)
        found.append({name: array[active] for name, array in table.items()})
    return {name: np.concatenate([f[name] for f in found]) for name in found[0]}


def average_precision(label: Any, score: Any) -> float:
    """Mean precision at each positive; ties count as one step. NaN without rows."""
    if not len(label):
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits, ranked = np.cumsum(label[order]), score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    gained = np.diff(np.append(0, hits[last]))
    return float((gained * hits[last] / (last + 1)).sum() / max(hits[-1], 1))


def allowed(table: dict[str, Any], mature: Any, test: Any) -> dict[str, float]:
    """How many rows there are, how many are positive, and what the best forecast would reach."""
    label, risk = table["_label"], table["_risk"]
    return {
        "active": float(len(label)),
        "base rate": label[mature].mean(),
        "mean risk": risk[mature].mean(),
        "ceiling": average_precision(label[mature], risk[mature]),
        "ceiling, tested": average_precision(label[test], risk[test]),
    }


def singles(table: dict[str, Any], rows: Any) -> dict[str, float]:
    """Average precision of each feature alone, in the better direction, missing at the median."""
    found = {}
    for name in (n for n in table if not n.startswith("_")):
        value = table[name][rows]
        value = np.where(np.isnan(value), np.nanmedian(value), value)
        label = table["_label"][rows]
        found[name] = max(average_precision(label, value), average_precision(label, -value))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def modelled(table: dict[str, Any], train: Any, test: Any, without: set[str]) -> Any:
    """Scores of a boosted-tree model on the test rows; None without its library."""
    try:
        import lightgbm
    except ImportError:
        print("the model is left out: it needs lightgbm", file=sys.stderr)
        return None
    names = [n for n in table if not n.startswith("_") and n not in without]
    rows = np.column_stack([table[n] for n in names])
    data = lightgbm.Dataset(rows[train], table["_label"][train].astype(int))
    return lightgbm.train(MODEL, data, ROUNDS).predict(rows[test])


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    began = time.perf_counter()
    table = seller_months(options)
    mature = table["_at_risk"] & ~np.isnan(table["_risk"])
    train, test = (mature & np.isin(table["_month"], list(m)) for m in (TRAINED, TESTED))
    label = table["_label"]
    each = singles(table, mature)
    figures = allowed(table, mature, test) | {"best single": max(each.values())}
    for without in (set(), {"tenure"}):
        score = modelled(table, train, test, without)
        if score is not None:
            name = "model" + "".join(f" without {n}" for n in without)
            figures[name] = average_precision(label[test], score)
            figures[name.replace("model", "model / ceiling")] = (
                figures[name] / figures["ceiling, tested"]
            )
    report(options, table, mature, figures, each)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    return 0


def report(options: argparse.Namespace, table: dict[str, Any], mature: Any,
           figures: dict[str, float], each: dict[str, float]) -> None:  # fmt: skip
    print(f"seed {options.seed}, {options.sellers} sellers\n")
    say_figures(figures)
    print("\n| feature alone | average precision |\n|---|---|")
    print("\n".join(f"| {name} | {value:.3f} |" for name, value in each.items()))
    print("\n| missing | share | positive if missing | if not |\n|---|---|---|---|")
    for name in ("ad_spend", "reply"):
        gone, label = np.isnan(table[name][mature]), table["_label"][mature]
        rates = f"{label[gone].mean():.4f} | {label[~gone].mean():.4f}"
        print(f"| {name} | {gone.mean():.3f} | {rates} |")
    print("\n| month | active | positive |\n|---|---|---|")
    for month, active in enumerate(np.bincount(table["_month"])):
        rows = mature & (table["_month"] == month)
        print(f"| {month + 1} | {active} | {label_share(table, rows)} |")


def say_figures(figures: dict[str, float]) -> None:
    print("| figure | value | goal |\n|---|---|---|")
    for name, value in figures.items():
        low, high = GOALS.get(name.split(" without")[0], (-np.inf, np.inf))
        goal = f"{low:g} to {high:g}" if low > -np.inf else ""
        print(f"| {name} | {value:.4g} | {goal}{'' if low <= value <= high else ', NOT MET'} |")


def label_share(table: dict[str, Any], rows: Any) -> str:
    return f"{table['_label'][rows].mean():.4f}" if rows.any() else "not mature"


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="python -m benchmarks.world_truth", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    for name, default, text in (
        ("--seed", 7, "the world"), ("--sellers", 22_700, "also those who join later"),
        ("--days", 640, "length of the window"), ("--futures", 24, "of each seller-month"),
    ):  # fmt: skip
        whole.add_argument(name, type=int, default=default, help=f"{text} (default {default})")
    whole.add_argument("--first", default="2024-07-01", help="first day (default 2024-07-01)")
    whole.add_argument("--orders-per-day", type=int, default=10_000,
                       help="of all sellers (default 10000)")  # fmt: skip
    return whole


if __name__ == "__main__":
    sys.exit(main())
