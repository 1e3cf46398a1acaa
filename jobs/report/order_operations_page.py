"""The page of order operations as plain values: what must be done now comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conf.notice_settings import STEPS
from conf.tables.decisions import ORDER_OUTCOMES
from jobs.report import wording
from jobs.report.order_facts import (
    BUCKETS,
    HOUR_SECONDS,
    KINDS,
    NOTICE_DAYS,
    Facts,
    Row,
    amount,
    amounts,
    count,
    ending,
    kind,
    left,
    words,
)  # fmt: skip
from jobs.report.order_runbook import RUNBOOK, advice

NOT_TOLD = "the provider has not told"
HELD_STEPS = {"capture": "to be captured", "cancel": "to be cancelled"}
STATES = {
    "paid": "Captured", "processing": "The provider is processing",
    "requires_action": "The buyer has to authenticate", "declined": "Declined",
    "expired": "The hold has expired", "held_by_others": "Held by others",
    "not_needed": "Nothing to pay",
}  # fmt: skip
OPEN_REASONS = {
    "nothing_needed": "Cancelled", "order_invalid": "Not asked for: the order is invalid",
    "paid_by_others": "Paid by other means, not landed", "fraud": "Not asked for: fraud",
    "too_late": "Too old to be asked for",
    "currency_not_taken": "Not asked for: the currency has no daily cap",
}  # fmt: skip
FOLLOW_UPS = {
    "remind_seller": "Remind the seller", "warn_seller": "Warn the seller",
    "escalate": "Escalate to operations", "check_delivery": "Ask where the parcel is",
    "ask_review": "Ask for a review", "payment_action": "Ask the buyer to authenticate",
    "payment_failed": "Tell the buyer of a declined payment",
}  # fmt: skip
PRESSING = 4
"""So many of what can be to do, from the first on, do not bear delay."""
NOTICE_STATES = ("SENT", "PLANNED", "STALE", "UNDELIVERABLE", "WITHDRAWN")


def page(facts: Facts) -> dict[str, Any]:
    todo = _todo(facts)
    date_text = wording.day(facts.ds)
    titles = [one["title"] for one in todo[:2]]
    calm = "Nothing waits for a person" if facts.groups else "No orders are decided yet"
    return {
        "date_text": date_text, "has_orders": bool(facts.groups), "todo": todo,
        "headline": "; ".join(titles) or calm,
        "held": _held(facts.groups), "urgent": [_urgent(row) for row in facts.urgent],
        "stuck": _stuck(facts), "refunds": _refunds(facts),
        "payments": _payments(facts.groups), "outcomes": _outcomes(facts.groups),
        "follow_ups": _follow_ups(facts), "not_planned": _not_planned(facts),
        "notice_days": NOTICE_DAYS, "runbook": RUNBOOK,
    }  # fmt: skip


def _held(groups: Sequence[Row]) -> list[dict[str, str]]:
    found = [(label, ending(groups, first, before)) for first, before, label in BUCKETS]
    untold = [row for row in groups if row["state"] == "held" and row["hours_left"] is None]
    if untold:
        found.append((NOT_TOLD, untold))
    tones = dict.fromkeys((label for _, _, label in BUCKETS[:2]), "bad")
    return [
        {"label": label.capitalize(), "orders": f"{count(rows):,}", "amounts": amounts(rows),
         "tone": tones.get(label, "") if rows else ""}
        for label, rows in found
    ]  # fmt: skip


def _urgent(row: Row) -> dict[str, str]:
    step = HELD_STEPS.get(row["outcome"], "sellers confirm")
    return {
        "order": wording.name(row["order_id"]), "state": f"{words(row['order_outcome'])}, {step}",
        "amount": amount(row["amount_minor"], row["currency"]),
        "lines": f"{row['confirmed_lines'] or 0} of {row['lines'] or 0}",
        "left": left(row["seconds_left"]), "tone": "bad" if _is_near(row["seconds_left"]) else "",
    }  # fmt: skip


def _is_near(seconds: int) -> bool:
    return seconds < 12 * HOUR_SECONDS


def _stuck(facts: Facts) -> list[dict[str, Any]]:
    """Groups of requests about which the same is to be done, those for a person first."""
    groups = sorted(
        facts.request_groups,
        key=lambda row: (KINDS.index(kind(row)), -row["requests"], row["state"],
                         row["error_code"] or ""),
    )  # fmt: skip
    found = []
    for group in groups:
        names = ("state", "needs_person", "error_code")
        mine = [row for row in facts.requests if all(row[n] == group[n] for n in names)]
        code = wording.name(group["error_code"]) if group["error_code"] else ""
        found.append({
            "title": ": ".join(filter(None, (group["state"].capitalize(), code))),
            "requests": f"{group['requests']:,}", "more": group["requests"] - len(mine),
            "tone": "bad" if kind(group) == "person" else "",
            "advice": advice(group["state"], group["error_code"]),
            "rows": [_request(row) for row in mine],
        })  # fmt: skip
    return found


def _request(row: Row) -> dict[str, str]:
    return {
        "order": wording.name(row["order_id"]), "operation": row["operation"].capitalize(),
        "amount": amount(row["amount_minor"], row["currency"]), "attempts": str(row["attempts"]),
        "next": row["next_attempt_at"] or "–",
    }  # fmt: skip


def _refunds(facts: Facts) -> dict[str, Any]:
    due = [row for row in facts.groups if row["refunds"]]
    return {
        "orders": count(due, "refunds"), "amounts": amounts(due, "refund_due_minor"),
        "rows": [{
            "order": wording.name(row["order_id"]), "seen": wording.short_day(row["ds"]),
            "amount": amount(row["refund_due_minor"], row["currency"]),
            "state": words(row["order_outcome"]),
        } for row in facts.refunds],
    }  # fmt: skip


def payment_label(row: Row) -> str:
    """How a payment stands, in words."""
    state = row["state"]
    if state == "held":
        return f"Held, {HELD_STEPS.get(row['outcome'], 'sellers confirm')}"
    if state != "open":
        return STATES.get(state, words(state))
    asked = "To be authorised" if row["outcome"] == "authorize" else "Open"
    return OPEN_REASONS.get(row["reason"], asked)


def _payments(groups: Sequence[Row]) -> list[dict[str, str]]:
    by_label: dict[str, list[Row]] = {}
    for row in groups:
        by_label.setdefault(payment_label(row), []).append(row)
    largest = sorted(by_label.items(), key=lambda one: (-count(one[1]), one[0]))
    return [{"label": label, "orders": f"{count(rows):,}", "amounts": amounts(rows)}
            for label, rows in largest]  # fmt: skip


def _outcomes(groups: Sequence[Row]) -> list[dict[str, str]]:
    counts = dict.fromkeys((*ORDER_OUTCOMES, None), 0)
    for row in groups:
        counts[row["order_outcome"]] += row["orders"]
    return [{"label": words(name), "orders": f"{n:,}"} for name, n in counts.items() if n]


def _follow_ups(facts: Facts) -> list[dict[str, str]]:
    due, kept = _by_step(facts)
    found = []
    for step in STEPS:
        counts = [due.get(step, 0), *(kept.get((step, state), 0) for state in NOTICE_STATES)]
        if any(counts):
            names = ("due", *(state.lower() for state in NOTICE_STATES))
            cells = {name: f"{n:,}" for name, n in zip(names, counts, strict=True)}
            found.append({"label": FOLLOW_UPS[step], **cells})
    return found


def _not_planned(facts: Facts) -> int:
    """Follow-ups that fell due and are not in the outbox."""
    due, kept = _by_step(facts)
    planned = {step: sum(n for (own, _), n in kept.items() if own == step) for step in due}
    return sum(max(n - planned[step], 0) for step, n in due.items())


def _by_step(facts: Facts) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    due = {row["step"]: row["due"] for row in facts.due}
    return due, {(row["step"], row["state"]): row["notices"] for row in facts.notices}


def _todo(facts: Facts) -> list[dict[str, str]]:
    """What waits for a person, the most urgent first."""
    over, soon = ending(facts.groups, None, 0), ending(facts.groups, 0, 12)
    of_kind = {name: count((row for row in facts.request_groups if kind(row) == name), "requests")
               for name in KINDS}  # fmt: skip
    owed = [row for row in facts.groups if row["refunds"]]
    lost = [row for row in facts.notices if row["state"] == "UNDELIVERABLE"]
    found = [
        (count(over), "{n} overdue {hold}", f"{amounts(over)}. A hold has ended and the provider "
         "has not said so: run ingest.stripe_events --list, then decide.orders."),
        (count(soon), "{n} {hold} end within 12 hours", f"{amounts(soon)}. Confirmed lines are "
         "captured by act.payment_intents: see that it runs. The rest is released: ask the "
         "sellers."),
        (count(facts.groups, "held_twice"), "{n} {payment} held twice",
         "Several intents of an order are live (decisions/payments, live_intents). What is not "
         "needed is cancelled once the other is captured: see why there are two."),
        (of_kind["person"], "{n} {request} for a person",
         "The provider refused, or something does not fit. Nothing new is asked before it is "
         "settled."),
        (of_kind["doubt"], "{n} {request} in doubt",
         "No answer has come. Runs of act.payment_intents find out, within a day."),
        (of_kind["unsent"], "{n} {request} not sent",
         "Planned before this day. See why act.payment_intents did not send them."),
        (count(owed, "refunds"), "{n} {refund} due", f"{amounts(owed, 'refund_due_minor')}, "
         "captured for lines that were cancelled: pay it back, and land the refunds."),
        (count(lost, "notices"), "{n} undeliverable {notice}",
         "The address is not taken. Reach these sellers and buyers in another way."),
    ]  # fmt: skip
    return [{"title": _plural(title, n), "detail": detail, "tone": "bad" if at < PRESSING else ""}
            for at, (n, title, detail) in enumerate(found) if n]  # fmt: skip


def _plural(title: str, n: int) -> str:
    nouns = {noun: noun if n == 1 else f"{noun}s" for noun in ("hold", "payment", "request",
                                                               "refund", "notice")}  # fmt: skip
    said = title.format(n=f"{n:,}", **nouns)
    return said.replace("hold end ", "hold ends ")
