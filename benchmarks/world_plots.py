"""A page of plots by which a person recognises a marketplace: `docs/world.png`.

    python -m benchmarks.world_plots --truth landing/truth --lake-root lake

The lake holds what `ingest.landing` and `run.day` made of the landing files. Days are those of
UTC, the zone of a lake that names none.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from benchmarks.feature_shapes import is_month_end
from conf.contract import Table
from conf.tables import bronze, features

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
RATES = {
    "late_shipment_rate": "late", "defect_rate": "defects", "refund_rate": "refunded",
    "contact_rate": "contacts",
}  # fmt: skip
SHORT = ("outage", "promotion")
"""Causes short enough to be a line in a plot of days."""


@dataclass(frozen=True)
class World:
    """Where a world's tables stand."""

    truth: Path
    lake: Path

    def told(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(str(self.truth / name / "*.parquet"))

    def table(self, table: Table) -> pl.LazyFrame:
        return pl.scan_delta(str(self.lake / table.path))


def orders_a_day(world: World, axes: Axes) -> None:
    day = pl.col("occurred_at").dt.date().alias("day")
    placed = world.table(bronze.ORDERS).group_by(day, "shipping_country").len().collect()
    for (market,), own in sorted(placed.group_by("shipping_country")):
        own = own.sort("day")
        axes.plot(own["day"], own["len"], linewidth=0.8, label=market)
    for cause in world.told("causes").filter(pl.col("kind").is_in(SHORT)).collect().to_dicts():
        colour = "tab:red" if cause["kind"] == "outage" else "tab:green"
        axes.axvline(cause["first_day"], color=colour, alpha=0.5, linewidth=1)
    axes.set_title("Orders a day by marketplace (red: outage, green: promotion)")
    axes.legend(ncols=4, fontsize=7)


def hours(world: World, axes: Axes) -> None:
    at = pl.col("occurred_at")
    cells = (
        world.table(bronze.ORDERS)
        .group_by(at.dt.weekday().alias("day"), at.dt.hour().alias("hour")).len().collect()
    )  # fmt: skip
    grid = np.zeros((7, 24))
    for day, hour, orders in cells.iter_rows():
        grid[day - 1, hour] = orders
    axes.imshow(grid / grid.sum(), aspect="auto", cmap="viridis")
    axes.set_yticks(range(7), WEEKDAYS)
    axes.set_title("When people order: weekday and hour")


def sizes(world: World, axes: Axes) -> None:
    lines = world.table(bronze.ORDER_ITEMS).group_by("seller_id").len().collect()["len"]
    sold = np.sort(lines.to_numpy())[::-1]
    axes.plot(np.arange(1, len(sold) + 1) / len(sold), np.cumsum(sold) / sold.sum())
    axes.axvline(0.1, color="grey", linewidth=0.5)
    axes.set_title("Share of all lines sold by the largest sellers")
    axes.set_xlabel("share of sellers")


def sellers(world: World, axes: Axes) -> None:
    months = _months(world).group_by("ds").len().sort("ds").collect()
    axes.plot(months["ds"], months["len"], marker=".")
    axes.set_ylim(bottom=0)
    axes.set_title("Active sellers at month-ends")


def rates(world: World, axes: Axes) -> None:
    means = _months(world).group_by("ds").agg(pl.col(*RATES).mean()).sort("ds").collect()
    for name, label in RATES.items():
        axes.plot(means["ds"], means[name], marker=".", label=label)
    axes.set_ylim(bottom=0)
    axes.set_title("Mean rates of sellers by month")
    axes.legend(fontsize=7)


def labels(world: World, axes: Axes) -> None:
    mature = pl.col("label_state") == "mature"
    share = (
        world.table(features.SELLER_LABELS).filter(mature & is_month_end())
        .group_by("ds").agg(pl.col("high_risk_60d").mean()).sort("ds").collect()
    )  # fmt: skip
    missing = _months(world).group_by("ds").agg(
        pl.col("ad_spend_30d").is_null().mean().alias("ads"),
        pl.col("contact_rate").is_null().mean().alias("contacts"),
    ).sort("ds").collect()  # fmt: skip
    axes.plot(share["ds"], share["high_risk_60d"], marker=".", label="acted on within 60 days")
    axes.plot(missing["ds"], missing["ads"], ":", label="advertising unknown")
    axes.plot(missing["ds"], missing["contacts"], ":", label="contacts unknown")
    axes.set_ylim(bottom=0)
    axes.set_title("Labels and missing values by month")
    axes.legend(fontsize=7)


def health(world: World, axes: Axes) -> None:
    kinds = world.told("sellers").select("seller_id", "kind")
    month = pl.col("day").dt.truncate("1mo")
    means = (
        world.told("seller_days").join(kinds, on="seller_id")
        .group_by("kind", month.alias("month")).agg(pl.col("health").mean())
        .sort("month").collect()
    )  # fmt: skip
    for (kind,), own in sorted(means.group_by("kind")):
        axes.plot(own["month"], own["health"], label=kind)
    axes.set_title("Mean hidden health by kind of seller")
    axes.legend(ncols=2, fontsize=7)


def risk(world: World, axes: Axes) -> None:
    """Of seller-months in order of their true risk: the share acted on, against the chance told."""
    mature = world.table(features.SELLER_LABELS).filter(pl.col("high_risk_60d").is_not_null())
    told = world.told("seller_risks").filter("at_risk")
    both = mature.join(told, left_on=["seller_id", "ds"], right_on=["seller_id", "day"]).collect()
    tenths = both.with_columns(
        (pl.col("risk_60d").rank("ordinal") * 20 / (both.height + 1)).floor().alias("part")
    )
    means = tenths.group_by("part").agg(pl.col("risk_60d", "high_risk_60d").mean()).sort("part")
    axes.loglog(means["risk_60d"], means["high_risk_60d"], "o-")
    axes.loglog(means["risk_60d"], means["risk_60d"], color="grey", linewidth=0.5)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title("True risk (20 groups) and what then happened")
    axes.set_xlabel("chance of an action")


def chargebacks(world: World, axes: Axes) -> None:
    opened = world.table(bronze.DISPUTES).filter(
        (pl.col("kind") == "chargeback") & (pl.col("event") == "opened")
    ).select("order_id", pl.col("occurred_at").alias("opened_at"))  # fmt: skip
    placed = world.table(bronze.ORDERS).select("order_id", "occurred_at")
    days = (pl.col("opened_at") - pl.col("occurred_at")).dt.total_days().alias("days")
    frauds = world.told("orders").select("order_id", "scheme")
    found = opened.join(placed, on="order_id").join(frauds, on="order_id", how="left")
    after = found.select(days, pl.col("scheme").is_null().alias("honest")).collect()
    for honest, label in ((False, "fraud"), (True, "the seller's fault")):
        own = after.filter(pl.col("honest") == honest)["days"].to_numpy()
        axes.hist(own, bins=np.arange(0, 93, 3), histtype="step", label=label)
    axes.set_title("Days from an order to its chargeback")
    axes.legend(fontsize=7)


def schemes(world: World, axes: Axes) -> None:
    counts = (
        world.told("orders").group_by("scheme")
        .agg(pl.len().alias("orders"), pl.col("found").sum()).sort("orders").collect()
    )  # fmt: skip
    axes.barh(counts["scheme"], counts["orders"], color="lightgrey", label="all")
    axes.barh(counts["scheme"], counts["found"], label="ever found")
    axes.set_title("Fraudulent orders by scheme")
    axes.legend(fontsize=7)


def prices(world: World, axes: Axes) -> None:
    week = pl.col("occurred_at").dt.truncate("1w")
    price = pl.col("unit_price_minor").log().mean().exp()
    by_week = (
        world.table(bronze.ORDER_ITEMS)
        .filter((pl.col("currency") == "USD") & pl.col("category").is_not_null())
        .group_by("category", week.alias("week")).agg(price.alias("price")).sort("week").collect()
    )  # fmt: skip
    for (category,), own in sorted(by_week.group_by("category")):
        axes.plot(own["week"], own["price"] / own["price"][0], linewidth=0.9, label=category)
    axes.set_title("Typical price by category (first week: 1)")
    axes.legend(ncols=2, fontsize=7)


def faults(world: World, axes: Axes) -> None:
    counts = (
        world.told("listings").group_by(pl.coalesce("fault", "near_miss").alias("what")).len()
        .filter(pl.col("what").is_not_null()).sort("len").collect()
    )  # fmt: skip
    axes.barh(counts["what"], counts["len"])
    axes.set_title("Listings that are wrong, or only look like it")


PLOTS: tuple[Callable[[World, Axes], None], ...] = (
    orders_a_day, hours, sizes, sellers, rates, labels, health, risk, chargebacks, schemes, prices,
    faults,
)  # fmt: skip


def _months(world: World) -> pl.LazyFrame:
    return world.table(features.SELLER_SNAPSHOTS).filter(is_month_end())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--lake-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/world.png"))
    options = parser.parse_args()
    world = World(options.truth, options.lake_root)
    figure = Figure(figsize=(15, 16), layout="constrained")
    for plot, axes in zip(PLOTS, figure.subplots(4, 3).flat, strict=True):
        plot(world, axes)
        if isinstance(axes.xaxis.get_major_locator(), AutoDateLocator):
            axes.xaxis.set_major_locator(locator := AutoDateLocator(maxticks=6))
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.tick_params(labelsize=7)
        axes.title.set_fontsize(10)
    figure.savefig(options.out, dpi=80, metadata={"Software": None})
    print(options.out)


if __name__ == "__main__":
    main()
