"""What the two sides of the Olist benchmark must agree on, exactly."""

from __future__ import annotations

from pathlib import Path

import duckdb
from deltalake import DeltaTable

from benchmarks.sides import Different

COMPARED = {
    "orders": "select count(*) from {side}.orders",
    "orders by status": "select status, count(*) from {side}.orders group by all",
    "items": "select count(*) from {side}.order_items",
    "sellers": "select count(*) from {side}.sellers",
    "payments, in cents": "select cast(sum(amount_minor) as bigint) from {side}.payments",
    "GMV by month": "select occurred_month, cast(sum(line_total_minor) as bigint) "
                    "from {side}.order_items group by all",
}  # fmt: skip
"""Queries whose rows must be the same ones."""

LEDGER = {
    "seller_days": ("seller_id", "currency", "occurred_ds"),
    "seller_category_days": ("seller_id", "category", "currency", "occurred_ds"),
    "buyer_days": ("buyer_id", "currency", "occurred_ds"),
    "region_days": ("country", "region", "currency", "occurred_ds"),
}
"""Ledger tables, and what their counts are summed by: whatever became known on which day."""

PROMISED = (
    "lines_placed", "gmv_minor", "lines_shipped", "lines_delivered", "lines_due",
    "lines_due_on_time",
)  # fmt: skip
"""Counts of seller_days without which nothing would have been compared."""


def require_same(database: Path, lake: Path) -> str:
    """A sentence on what was compared; Different says which figures are not the same."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("create or replace schema lake")
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'silver'"
        ).fetchall()
        for (name,) in tables:
            connection.register(
                "given", DeltaTable(str(lake / "silver" / name)).to_pyarrow_dataset()
            )
            connection.execute(f"create table lake.{name} as select * from given")
            connection.unregister("given")
        queries = COMPARED | {name: _sums(connection, name) for name in LEDGER}
        found = {name: _differing(connection, query) for name, query in queries.items()}
        if wrong := [f"{name}: {told}" for name, told in found.items() if isinstance(told, str)]:
            raise Different(f"Spark and DuckDB differ. {'; '.join(wrong)}")
        figures = sum(rows for rows in found.values() if isinstance(rows, int))
    return f"Both arrive at the same {figures:,} rows of totals: {', '.join(found)}."


def _sums(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    keys = LEDGER[table]
    described = connection.execute(f"describe silver.{table}").fetchall()
    counts = [row[0] for row in described if row[0] not in (*keys, "known_ds")]
    if table == "seller_days" and not set(PROMISED) <= set(counts):
        raise Different(f"the script's seller_days lacks {set(PROMISED) - set(counts)}")
    sums = ", ".join(f"cast(sum({name}) as hugeint) as {name}" for name in counts)
    # A sum of nothing but zeros says the same as no row.
    some = " or ".join(f"{name} <> 0" for name in counts)
    return (
        f"select * from (select {', '.join(keys)}, {sums} from {{side}}.{table} group by all) "
        f"where {some}"
    )


def _differing(connection: duckdb.DuckDBPyConnection, query: str) -> int | str:
    """How many rows both sides have, or, when these are not the same, the first that differs."""
    spark, script = query.format(side="lake"), query.format(side="silver")
    for one, other, whose in ((spark, script, "Spark"), (script, spark, "DuckDB")):
        only = connection.execute(f"({one}) except all ({other})").fetchall()
        if only:
            return f"{len(only)} rows only from {whose}, such as {only[0]}"
    return int(connection.execute(f"select count(*) from ({script})").fetchall()[0][0])
