"""The sandbox's books: what a test compares the product's books with. Minor units throughout."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sandbox.store import Doc, Store

LIVE = ("requires_confirmation", "requires_action", "processing", "requires_capture", "succeeded")
"""An intent in one of these holds money, has taken it, or may do so without another request."""


def books(store: Store) -> dict[str, Any]:
    charges = {doc["payment_intent"]: doc for doc in store.all("charge") if doc["paid"]}
    refunded: dict[str, int] = defaultdict(int)
    for refund in store.all("refund"):
        refunded[refund["payment_intent"]] += refund["amount"]
    intents = [
        _intent(doc, charges.get(doc["id"]), refunded[doc["id"]])
        for doc in store.all("payment_intent")
    ]
    return {
        "payment_intents": {one["id"]: one for one in intents},
        "live_intents": _live(intents),
        "calls": [
            {"method": method, "path": path, "outcome": outcome, "calls": calls}
            for method, path, outcome, calls in store.rows(
                "select method, path, outcome, calls from counts order by 1, 2, 3")
        ],
        "posts_done": _posts(store, "done"),
        "refused_by_rate": _sum(store, "outcome = 'refused_429'"),
        "replayed": _sum(store, "outcome = 'replayed'"),
        "balance": _balance(store),
        "webhooks": dict(store.rows("select state, count(*) from deliveries group by state")),
    }  # fmt: skip


def _intent(doc: Doc, charge: Doc | None, refunded: int) -> Doc:
    """What one intent held, took, gave back, and let go."""
    return {
        "id": doc["id"], "status": doc["status"], "currency": doc["currency"],
        "customer": doc["customer"], "transfer_group": doc["transfer_group"],
        "metadata": doc["metadata"], "charge": charge["id"] if charge else None,
        "authorized": charge["amount"] if charge else 0,
        "captured": charge["amount_captured"] if charge else 0,
        "released": charge["_released"] if charge else 0,
        "refunded": refunded,
    }  # fmt: skip


def _live(intents: list[Doc]) -> dict[str, list[str]]:
    """By `order_id/payment_no` of the metadata: the ids of live intents, one where all is well."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in intents:
        order = one["metadata"].get("order_id")
        if order is not None and one["status"] in LIVE:
            found[f"{order}/{one['metadata'].get('payment_no', '')}"].append(one["id"])
    return dict(found)


def _posts(store: Store, outcome: str) -> dict[str, int]:
    rows = store.rows(
        "select path, calls from counts where method = 'POST' and outcome = ? order by 1",
        (outcome,),
    )
    return dict(rows)


def _sum(store: Store, condition: str) -> int:
    return store.rows(f"select coalesce(sum(calls), 0) from counts where {condition}")[0][0]


def _balance(store: Store) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for doc in store.all("balance_transaction"):
        sums = found.setdefault(doc["currency"], {"amount": 0, "fee": 0, "net": 0})
        for name in sums:
            sums[name] += doc[name]
    return found
