"""The sentences of the daily page: what the day was, what stands out, what cannot be said yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conf.metrics import BY_NAME, Against, Metric
from conf.settings import AlertsPolicy
from jobs.report import charts, wording
from jobs.report.figures import Figures


@dataclass(frozen=True)
class Finding:
    """Something out of the ordinary; `tone` is good or bad."""

    tone: str
    title: str
    detail: str


def headline(figures: Figures) -> str:
    """One sentence: how many orders, worth how much, against a usual such weekday."""
    weekday = f"{figures.ds:%A}"
    orders, sold = figures.find("orders"), figures.sales("gmv")
    if orders is None or not orders["value"]:
        return f"No orders are known for this {weekday}{_instead_of(orders)}."
    noun = "order" if orders["value"] == 1 else "orders"
    count = f"{wording.number(orders['value'])} {noun}"
    worth = f" worth {_money(sold)}" if sold and sold["value"] is not None else ""
    if not orders["baseline"]:
        return f"{count}{worth}."
    beside = wording.compared(orders["value"], orders["baseline"])
    return f"{count}, {beside} on a usual {weekday},{worth}."


def lede(figures: Figures) -> tuple[str, ...]:
    """What follows the headline: sales against usual, the month, how many figures stand out."""
    said = [_sales_sentence(figures), _month_sentence(figures), _alert_sentence(figures)]
    return tuple(sentence for sentence in said if sentence)


def findings(figures: Figures) -> tuple[Finding, ...]:
    """The alerts, bad ones first, each by its size."""
    rows = [row for row in figures.rows if row["alert"]]
    ranked = sorted(rows, key=lambda r: (r["alert"] != "bad", -abs(r["deviation"]), r["metric"]))
    return tuple(_finding(figures, row) for row in ranked)


def calm(figures: Figures) -> str:
    """What to say where nothing stands out."""
    judged = _judged(figures)
    if not judged:
        return "Nothing could be judged: there is too little history to know what is usual."
    return f"Nothing is out of the ordinary. {judged} figures were compared with their usual."


def young(figures: Figures) -> str:
    """Why the young rates are not to be judged yet."""
    row = figures.find("completion_rate_recent")
    if row is None:
        return ""
    days = wording.observed_days(BY_NAME[row["metric"]], row["observed_ds"])
    settle = sorted({BY_NAME[r["metric"]].maturity_days for r in figures.rows if not r["mature"]})
    ages = wording.listed([str(age) for age in settle])
    return (
        f"These are the orders placed from {days}. Parcels, returns and refunds take time, so the "
        f"figures settle only {ages} days after placing: completion still looks low, refunds still "
        "look few, and the deliveries known are the fastest ones. The comparison is with orders of "
        "the same young age. None of these figures raises an alert."
    )


def limits(figures: Figures) -> tuple[str, ...]:
    """What the page cannot say, each reason once, with the figures that it concerns."""
    reasons: dict[str, list[str]] = {}
    for row in figures.rows:
        if row["note"] and row["mature"] and row["dimension"] == "all":
            label = BY_NAME[row["metric"]].label
            many = BY_NAME[row["metric"]].per_currency and len(figures.currencies()) > 1
            reasons.setdefault(row["note"], []).append(
                f"{label} in {row['currency']}" if many else label
            )
    return tuple(
        f"{wording.listed(list(dict.fromkeys(labels)))}: {note}" for note, labels in reasons.items()
    )


def band(policy: AlertsPolicy) -> str:
    return (
        f"The shaded band spans the {policy.same_weekdays} same weekdays before each day, from the "
        "lowest to the highest; it is left out where fewer than "
        f"{policy.min_same_weekdays} are known."
    )


def definition(metric: Metric) -> str:
    """How a metric is compared, and when it is settled."""
    parts = []
    if metric.against is not Against.NOTHING:
        parts.append(f"Compared with {metric.against.value}.")
    if metric.maturity_days:
        parts.append(f"Settles {metric.maturity_days} days after placing.")
    parts.append(f"Definition {metric.definition_version}.")
    return " ".join(parts)


def chart_description(
    title: str, days: Sequence[charts.Day], metric: str, currency: str
) -> str:  # fmt: skip
    """The chart in words, for those who do not see it."""
    values = [day.value for day in days]
    low, high = (wording.figure(metric, value, currency) for value in (min(values), max(values)))
    last = days[-1]
    usual = ""
    if last.low is not None and last.high is not None:
        ends = [wording.figure(metric, value, currency) for value in (last.low, last.high)]
        usual = f" The same weekdays before lay between {ends[0]} and {ends[1]}."
    return (
        f"{title} from {wording.day(days[0].ds)} to {wording.day(last.ds)}: between {low} and "
        f"{high}, on the last day {wording.figure(metric, last.value, currency)}.{usual}"
    )


def _money(row: Mapping[str, Any]) -> str:
    return wording.money(row["value"], row["currency"])


def _instead_of(orders: Mapping[str, Any] | None) -> str:
    if orders is None or orders["baseline"] is None:
        return ""
    return f"; the usual is {wording.number(orders['baseline'])}"


def _sales_sentence(figures: Figures) -> str:
    sold = figures.sales("gmv")
    if sold is None or sold["value"] is None:
        return ""
    also = "" if figures.converted or len(figures.currencies()) < 2 else _no_rates(figures)
    if sold["baseline"] is None:
        return f"There is too little history to say what is usual on a {figures.ds:%A}.{also}"
    if not sold["baseline"]:
        return f"No sales are usual on a {figures.ds:%A}.{also}"
    usual = wording.money(sold["baseline"], sold["currency"])
    return f"Sales were {wording.beside(sold['value'], sold['baseline'])} the usual {usual}.{also}"


def _no_rates(figures: Figures) -> str:
    row = figures.find("gmv_reporting")
    target = row["currency"] if row else "one currency"
    others = wording.listed(figures.currencies()[1:])
    return (
        f" That is {figures.main} only: without exchange rates to {target}, sales in {others} "
        "stand on their own."
    )


def _month_sentence(figures: Figures) -> str:
    month = figures.sales("gmv_mtd")
    if month is None or not month["value"]:
        return ""
    so_far = f"{figures.ds:%B} so far: {_money(month)}"
    if month["baseline"] is None:
        return f"{so_far}; the same days of last month are not known well enough to compare."
    if not month["baseline"]:
        return f"{so_far}, after no sales in the same days of last month."
    before = wording.money(month["baseline"], month["currency"])
    beside = wording.beside(month["value"], month["baseline"])
    return f"{so_far}, {beside} the {before} of the same days of last month."


def _alert_sentence(figures: Figures) -> str:
    said = []
    for tone in ("bad", "good"):
        rows = [row for row in figures.rows if row["alert"] == tone]
        labels = dict.fromkeys(BY_NAME[row["metric"]].label for row in rows)
        names = [label[0].lower() + label[1:] for label in labels]
        if names:
            said.append(f"unusually {tone}: {wording.listed(names)}")
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


def _finding(figures: Figures, row: Mapping[str, Any]) -> Finding:
    metric = BY_NAME[row["metric"]]
    up = row["value"] > row["baseline"]
    value, usual = (
        wording.figure(metric.name, amount, row["currency"])
        for amount in (row["value"], row["baseline"])
    )
    change = wording.difference(metric.name, row["value"], row["baseline"])
    weekday = f" of a {figures.ds:%A}" if metric.of_one_day else ""
    about = wording.observed_days(metric, row["observed_ds"])
    when = (
        f" These are the orders placed from {about}, the newest that are {metric.maturity_days} "
        "days old."
    )
    return Finding(
        row["alert"],
        f"{metric.label}: {value}",
        f"{'Up' if up else 'Down'} from the usual {usual}{weekday} ({change})."
        f"{when if metric.maturity_days else ''}",
    )


def _judged(figures: Figures) -> int:
    return sum(
        BY_NAME[row["metric"]].alerts and row["baseline"] is not None and row["mature"]
        for row in figures.rows
    )
