"""Customers: who pays. Made-up people only: nothing here is encrypted."""

from __future__ import annotations

from typing import Any

from sandbox.context import Context
from sandbox.forms import merged
from sandbox.ids import letters, new_id
from sandbox.payment_methods import attach
from sandbox.store import Doc

OWN = ("description", "email", "name", "phone")


def create(context: Context, params: dict[str, Any]) -> Doc:
    doc = {name: params.get(name) for name in OWN} | {
        "id": new_id("customer"), "object": "customer", "address": None, "balance": 0,
        "created": context.now, "currency": None, "default_source": None, "delinquent": False,
        "invoice_prefix": letters(8).upper(), "livemode": False,
        "metadata": merged({}, params.get("metadata")), "shipping": None, "tax_exempt": "none",
    }  # fmt: skip
    context.store.insert(doc)
    if method := params.get("payment_method"):
        attach(context, method, {"customer": doc["id"]})
    context.emit("customer.created", doc)
    return doc


def update(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    """The event says what the changed fields were before."""
    doc = context.need("customer", id_)
    changed = {name: params[name] for name in OWN if name in params}
    changed["metadata"] = merged(doc["metadata"], params.get("metadata"))
    previous = {name: doc[name] for name, value in changed.items() if doc[name] != value}
    doc |= changed
    context.store.save(doc)
    if previous:
        context.emit("customer.updated", doc, previous)
    return doc
