"""What makes a history nasty, by name: how often each kind occurs in one."""

from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.support.oracle_asof import (
    Facts,
    Key,
    Row,
    business_date,
    end_of,
    natural_key,
    place,
    version,
)

Kinds = Counter[str]


def kinds_of(facts: Facts, zone: str) -> Kinds:
    """Name of a nasty kind -> how often it occurs in the history."""
    found: Kinds = Counter()
    for kinds in (
        order_kinds(facts), event_kinds(facts), early_kinds(facts), version_kinds(facts),
        repeat_kinds(facts), promise_kinds(facts, zone), aftermath_kinds(facts),
        time_kinds(facts, zone),
    ):  # fmt: skip
        found.update(kinds)
    return found


def grouped(rows: Iterable[Row], *names: str) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def several(rows: Iterable[Row], name: str) -> bool:
    """Whether the rows have more than one value in a column."""
    return len({_hashable(row[name]) for row in rows}) > 1


def _hashable(value: object) -> Hashable:
    return tuple(value) if isinstance(value, list) else value


def order_kinds(facts: Facts) -> Kinds:
    lines = grouped(facts["order_items"], "order_id")
    known = {row["order_id"] for row in facts["orders"]}
    return Counter({
        "multi_line_orders": sum(several(rows, "line_no") for rows in lines.values()),
        "multi_seller_orders": sum(several(rows, "seller_id") for rows in lines.values()),
        "two_currency_orders": sum(several(rows, "currency") for rows in lines.values()),
        "lines_without_an_order_row": sum(order_id not in known for (order_id,) in lines),
        "orders_without_lines": sum((order_id,) not in lines for order_id in known),
        "null_categories": sum(row["category"] is None for row in facts["order_items"]),
        "lines_placed_apart": sum(several(rows, "occurred_at") for rows in lines.values()),
    })  # fmt: skip


def event_kinds(facts: Facts) -> Kinds:
    sellers = {(row["order_id"], row["line_no"], row["seller_id"]) for row in facts["order_items"]}
    shipments = facts["shipments"]
    parcels = grouped(shipments, "order_id")
    delivered = grouped((s for s in shipments if s["event"] == "delivered"), "shipment_id")
    lines = {(row["order_id"], row["line_no"]) for row in facts["order_items"]}
    found: Kinds = Counter()
    for row in facts["order_events"]:
        level = "line" if row["line_no"] else "seller" if row["seller_id"] else "order"
        found[f"{level}_level_events"] += 1
        if row["line_no"] and row["seller_id"]:
            owner = (row["order_id"], row["line_no"], row["seller_id"])
            found["events_of_another_seller"] += owner not in sellers
    found["split_shipments"] = sum(several(rows, "shipment_id") for rows in parcels.values())
    found["duplicate_deliveries"] = sum(
        several(rows, "shipment_event_id") for rows in delivered.values()
    )
    found["shipments_of_unknown_lines"] = sum(
        (row["order_id"], line_no) not in lines for row in shipments for line_no in row["line_nos"]
    )
    return found


def early_kinds(facts: Facts) -> Kinds:
    """What is known before the thing that it is about, and what happened first but came late."""
    orders = {
        key: min(map(place, rows)) for key, rows in grouped(facts["orders"], "order_id").items()
    }
    lines = {
        key: min(map(place, rows))
        for key, rows in grouped(facts["order_items"], "order_id").items()
    }
    found: Kinds = Counter()
    for row in (*facts["order_events"], *facts["shipments"], *facts["refunds"]):
        key = (row["order_id"],)
        found["events_before_their_order"] += key in orders and row["ds"] < orders[key][0]
        found["events_before_their_lines"] += key in lines and row["ds"] < lines[key][0]
    for rows in grouped(facts["shipments"], "shipment_id", "event").values():
        late = sum(
            a["occurred_at"] < b["occurred_at"] and a["ds"] > b["ds"] for a in rows for b in rows
        )
        found["firsts_moved_by_late_events"] += late
    messages = {row["message_id"]: row for row in facts["messages"]}
    for reply in facts["messages"]:
        message = messages.get(reply["in_reply_to"])
        if message is not None:
            found["replies_before_messages"] += reply["occurred_at"] < message["occurred_at"]
            found["replies_known_before_messages"] += reply["ds"] < message["ds"]
    return found


def version_kinds(facts: Facts) -> Kinds:
    """Corrections by column, retractions and what came back."""
    found: Kinds = Counter()
    for entity, rows in facts.items():
        versions: dict[Key, list[Row]] = {}
        for row in sorted(rows, key=version):
            versions.setdefault(natural_key(entity, row), []).append(row)
        for earlier, later in (pair for v in versions.values() for pair in pairwise(v)):
            found["retractions"] += later["retracted"] and not earlier["retracted"]
            found["reappearances"] += earlier["retracted"] and not later["retracted"]
            tied = version(earlier)[:2] == version(later)[:2]
            found["tied_versions"] += tied and earlier["event_id"] != later["event_id"]
            for name in earlier.keys() & later.keys() - {"event_id", "known_at", "retracted"}:
                if earlier[name] != later[name] and name[:6] != "source" and name != "ds":
                    found[f"corrected {entity}.{name}"] += 1
    return found


def repeat_kinds(facts: Facts) -> Kinds:
    found: Kinds = Counter()
    placement = {"ds", "source_file", "source_line", "known_at"}
    for rows in facts.values():
        for again in grouped(rows, "event_id").values():
            for original, repeat in pairwise(sorted(again, key=place)):
                same = all(original[n] == repeat[n] for n in original.keys() - placement)
                found["repeats_same" if same else "repeats_other"] += 1
                found["repeats_on_the_same_day"] += original["ds"] == repeat["ds"]
                found["repeats_on_a_later_day"] += original["ds"] < repeat["ds"]
                found["repeats_known_earlier"] += original["known_at"] > repeat["known_at"]
    return found


def promise_kinds(facts: Facts, zone: str) -> Kinds:
    landings = {row["ds"] for rows in facts.values() for row in rows}
    days = (max(landings) - min(landings)).days + 1
    happened = {row["occurred_at"] for row in (*facts["shipments"], *facts["order_events"])}
    promised = [row for row in facts["order_items"] if row["ship_by"] is not None]
    due = [(business_date(row["ship_by"], zone), row) for row in promised]
    return Counter({
        "days_without_landing": days - len(landings),
        "due_without_landing": sum(
            day not in landings and min(landings) < day < max(landings) for day, _ in due
        ),
        "due_after_the_last_landing": sum(day > max(landings) for day, _ in due),
        "ship_by_before_placing": sum(row["ship_by"] < row["occurred_at"] for row in promised),
        "ship_by_at_midnight": sum(
            row["ship_by"] == end_of(day - timedelta(days=1), zone) for day, row in due
        ),
        "events_exactly_at_ship_by": sum(row["ship_by"] in happened for row in promised),
    })  # fmt: skip


def aftermath_kinds(facts: Facts) -> Kinds:
    arrived = grouped(
        (row for row in facts["returns"] if row["event"] == "arrived"), "return_id", "line_no"
    )
    closed = grouped((row for row in facts["disputes"] if row["event"] == "closed"), "dispute_id")
    opened = grouped(
        (row for row in facts["support_tickets"] if row["event"] == "opened"), "ticket_id"
    )
    found: Kinds = Counter({
        "returns_arriving_twice": sum(several(v, "return_event_id") for v in arrived.values()),
        "disputes_closing_twice": sum(several(v, "dispute_event_id") for v in closed.values()),
        "tickets_opened_twice": sum(several(v, "ticket_event_id") for v in opened.values()),
        "disputes_naming_a_line": sum(row["line_no"] is not None for row in facts["disputes"]),
    })  # fmt: skip
    for row in facts["refunds"]:
        for name in ("seller_id", "line_no", "return_id"):
            found[f"refunds_{'without' if row[name] is None else 'with'}_{name}"] += 1
    return found


def time_kinds(facts: Facts, zone: str) -> Kinds:
    found: Kinds = Counter()
    rows = [row for entity in facts.values() for row in entity]
    for row in rows:
        next_midnight = end_of(business_date(row["occurred_at"], zone), zone)
        last_midnight = end_of(business_date(row["occurred_at"], zone) - timedelta(days=1), zone)
        found["minutes_after_midnight"] += row["occurred_at"] - last_midnight < timedelta(minutes=5)
        found["minutes_to_midnight"] += next_midnight - row["occurred_at"] < timedelta(minutes=5)
    offsets = {row["occurred_at"].astimezone(ZoneInfo(zone)).utcoffset() for row in rows}
    found["clock_changes"] = len(offsets) - 1
    for events in grouped(facts["shipments"], "shipment_id", "event", "occurred_at").values():
        found["tied_events"] += several(events, "shipment_event_id")
    return found
