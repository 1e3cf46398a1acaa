"""The contracts, one module a layer; `ALL` is every table that the project declares."""

from conf.contract import Table
from conf.tables import (
    actions,
    bronze,
    decisions,
    features,
    meta,
    provider,
    reports,
    scores,
    seller_months,
    silver,
)

LAYERS = ("bronze", "silver", "features", "scores", "decisions", "actions", "reports", "meta")

READY_MADE = seller_months.TABLES
"""What a person brings once, from outside; no business day writes it."""

MONTHLY = (reports.SEGMENTS, reports.SEGMENT_FLOWS, reports.SEGMENT_HEALTH)
"""What is written once a month, about its end; no business day writes it."""

ALL: tuple[Table, ...] = (
    *bronze.TABLES,
    *(bronze.rejected(table) for table in bronze.TABLES),
    *READY_MADE,
    *silver.TABLES,
    *provider.TABLES,
    *features.TABLES,
    *scores.TABLES,
    *decisions.TABLES,
    *actions.TABLES,
    *reports.TABLES,
    *meta.TABLES,
)


def by_path(path: str) -> Table:
    """The table of that path, for example `silver/orders`; KeyError with the known names."""
    for table in ALL:
        if table.path == path:
            return table
    raise KeyError(f"no table {path}; known: {', '.join(sorted(t.path for t in ALL))}")
