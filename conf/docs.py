"""The generated documents: the landing format, the data dictionary, what codes mean.

`python -m conf.docs` writes them; `python -m conf.docs --check` says which one is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conf.contract import Column, Table
from conf.order_reasons import Reason
from conf.order_settings import load_orders_policy
from conf.rejections import Rejection
from conf.seller_features import SELLER_FEATURES, Feature
from conf.tables import ALL, LAYERS, bronze, decisions

DOCS = Path(__file__).parents[1] / "docs"
SHAPES = DOCS / "feature_shapes.json"
"""What the features look like on a large world, as `benchmarks.feature_shapes` found them."""
SPARKS = "▁▂▃▄▅▆▇█"


def landing() -> str:
    """docs/landing.md: what a landing folder holds, entity by entity."""
    common = [column for column in bronze.HEAD if column.name != "extra"]
    parts = [
        "# The landing format",
        "Generated from `conf/tables/bronze.py` by `make docs`; a test says when it is stale.",
        "Files: `<landing>/<entity>/ds=YYYY-MM-DD/*.{jsonl,csv}` (plain or `.gz`) and "
        "`*.parquet`. `ds` is the landing day: the business date of `known_at`. Timestamps are "
        "ISO 8601 with an offset or Z, dates ISO; amounts are integers in minor units of "
        "`currency`, without a sign. JSON lines carry arrays as arrays, CSV carries them as JSON "
        "text. Columns not named here are kept in `extra` and said.",
        "`known_at` may be left out: then it is the last microsecond of the landing day. It is "
        "never before `occurred_at` and lies on the landing day; one from before that day (a late "
        "delivery) is raised to the default, and the original kept in `extra`.",
        "## Every row",
        _columns([*(c for c in common if c.name != "known_at"), bronze.c.KNOWN_AT]),
        *(part for table in bronze.TABLES for part in _entity(table)),
        "## Why a record or a file is refused",
        "Records keep their reasons, raw text, file and line in `bronze/<entity>__rejected`.",
        _table(["reason", "meaning"], [[f"`{r.code}`", r.value] for r in Rejection]),
    ]
    return "\n\n".join(parts) + "\n"


def tables() -> str:
    """docs/tables.md: the data dictionary."""
    declared = [t for t in ALL if not t.name.endswith("__rejected")]
    parts = [
        "# The data dictionary",
        "Generated from `conf/tables/` by `make docs`; a test says when it is stale. Every table "
        "is Delta at `<lake root>/<layer>/<name>`. Every bronze table has a companion "
        "`<name>__rejected` with the records refused, their `reasons`, raw text, file and line.",
    ]
    for layer in LAYERS:
        of_layer = [table for table in declared if table.layer == layer]
        parts += [f"# {layer}", *(_described(table) for table in of_layer)] if of_layer else []
    return "\n\n".join(parts) + "\n"


def features() -> str:
    """docs/features.md: the 36 features, definition by definition."""
    head = ["feature", "type", "window", "meaning", "null when", "as SQL", "version"]
    families = list(dict.fromkeys(feature.family for feature in SELLER_FEATURES))
    parts = [
        "# The features of a seller",
        "Generated from `conf/seller_features.py` by `make docs`; a test says when it is stale. "
        "They stand in `features/seller_snapshots`, a row a seller and business date `ds`, as of "
        "the end of that date. `<measure>_90d` is the sum of that measure of "
        "`silver/seller_days` over the 90 business dates ending with ds, as known then; all other "
        "names are columns of `silver/seller_state`. The numbers behind one value: "
        "`./spark-submit.sh report.explain_feature --seller S --ds D --name F`.",
    ]
    for family in families:
        of_family = [_feature(feature) for feature in SELLER_FEATURES if feature.family == family]
        parts += [f"## {family}", _table(head, of_family)]
    return "\n\n".join([*parts, *_shapes()]) + "\n"


def orders() -> str:
    """docs/orders.md: what the codes of decisions about orders mean."""
    policy = load_orders_policy()
    parts = [
        "# Decisions about orders",
        "Generated from `conf/order_reasons.py`, `conf/policy/orders.yaml` and "
        "`conf/tables/decisions.py` by `make docs`; a test says when it is stale.",
        "## How far an order comes",
        "`decisions/orders` has an `outcome` for each seller's part and an `order_outcome`; in the "
        f"usual order: {', '.join(f'`{name}`' for name in decisions.ORDER_OUTCOMES)}.",
        "## Why something is done about the payment",
        _table(["reason", "meaning"], [[f"`{r.code}`", r.value] for r in Reason]),
        "## What an order may break",
        "All that it breaks stand in `reason_codes` at once. Each rule is SQL over the columns of "
        "`features/order_checks.py`, and may be changed with a new version of the policy.",
        _table(["reason", "what holds for a sound order", "as SQL"],
               [[f"`{r.name}`", r.sentence, f"`{r.sql}`"] for r in policy.rules]),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _shapes() -> list[str]:
    """What the features look like, where that has been measured."""
    if not SHAPES.exists():
        return []
    seen = json.loads(SHAPES.read_text())
    return [
        "# What they look like",
        f"{seen['seller_months']:,} seller-months from {seen['first_month']} to "
        f"{seen['last_month']} of the simulated world (`{seen['world']}`), measured by "
        "`python -m benchmarks.feature_shapes`. By month: the mean, of a category the share of "
        "its most common value, from the least to the greatest.",
        _table(["feature", "missing", "5 %", "median", "95 %", "by month"],
               [_shape(feature, seen["features"][feature.name]) for feature in SELLER_FEATURES]),
    ]  # fmt: skip


def _shape(feature: Feature, seen: Mapping[str, Any]) -> list[str]:
    shares = [f"{name} {share:.0%}" for name, share in seen.get("shares", {}).items()]
    quantiles = [f"{value:,g}" for value in seen.get("quantiles", [])]
    figures = quantiles or [", ".join(shares), "", ""]
    return [f"`{feature.name}`", f"{seen['missing']:.1%}", *figures, sparkline(seen["by_month"])]


def sparkline(values: Sequence[float]) -> str:
    """A character a value, as high as it lies between the least and the greatest."""
    least, most = min(values, default=0), max(values, default=0)
    step = (most - least) / (len(SPARKS) - 1) or 1
    return "".join(SPARKS[round((value - least) / step)] for value in values)


def _feature(f: Feature) -> list[str]:
    return [f"`{f.name}`", f"{f.type}, {f.unit}", f.window, f.definition, f.null_when,
            f"`{f.sql}`", str(f.version)]  # fmt: skip


def _entity(table: Table) -> list[str]:
    rules = [check.sentence for check in table.checks if not check.name.endswith("_present")]
    return [
        f"## {table.name}",
        f"{table.grain}. Natural key: {', '.join(f'`{name}`' for name in table.natural_key)}.",
        _columns(list(bronze.payload(table))),
        "Rules: " + "; ".join(rules) + ".",
    ]


def _described(table: Table) -> str:
    facts = [
        f"{table.grain}.",
        f"Key: {', '.join(f'`{name}`' for name in table.key)}.",
        f"Written by `{table.writer}`: {table.mode.value}.",
    ]
    if table.partition_by:
        facts.append(f"Partitioned by {', '.join(f'`{name}`' for name in table.partition_by)}.")
    return f"## {table.path}\n\n{' '.join(facts)}\n\n{_columns(list(table.columns), stored=True)}"


def _columns(columns: list[Column], *, stored: bool = False) -> str:
    head = ["column", "type", "null" if stored else "required", "meaning"]
    rows = [[f"`{c.name}`", _type(c), _mark(c, stored), _meaning(c)] for c in columns]
    return _table(head, rows)


def _mark(column: Column, stored: bool) -> str:
    if stored:
        return "yes" if column.nullable else "no"
    return "yes" if column.required else "no"


def _type(column: Column) -> str:
    return f"{column.type}, {column.unit}" if column.unit else column.type


def _meaning(column: Column) -> str:
    parts = [column.comment]
    if column.codes:
        parts.append("one of " + ", ".join(f"`{code}`" for code in column.codes))
    if column.personal:
        parts.append("**personal data**")
    if column.untrusted:
        parts.append("text from outside")
    return "; ".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


GENERATED = {
    "landing.md": landing, "tables.md": tables, "features.md": features, "orders.md": orders,
}  # fmt: skip


def stale() -> list[str]:
    """The generated documents that are not what the contracts say now."""
    return [
        name
        for name, text in GENERATED.items()
        if not (DOCS / name).exists() or (DOCS / name).read_text() != text()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conf.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, name the stale ones")
    if parser.parse_args().check:
        print("\n".join(f"docs/{name} is stale: run `make docs`" for name in stale()))
        return 1 if stale() else 0
    DOCS.mkdir(exist_ok=True)
    for name, text in GENERATED.items():
        (DOCS / name).write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
