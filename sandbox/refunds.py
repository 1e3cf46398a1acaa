"""Refunds: captured money given back, in whole or in parts; never more than was captured."""

from __future__ import annotations

from typing import Any

from sandbox import balance
from sandbox.context import Context
from sandbox.errors import invalid
from sandbox.forms import merged
from sandbox.ids import new_id
from sandbox.method_table import CARD
from sandbox.store import Doc


def create(context: Context, params: dict[str, Any]) -> Doc:
    charge = _charge(context, params)
    left = (
        charge["amount"] - charge["amount_refunded"]
    )  # what a capture released counts as refunded
    amount: int = params.get("amount") or left
    _check(charge, amount, left)
    refund = _refund(context, charge, amount, params)
    by_card = charge["payment_method_details"]["type"] == CARD
    kind = "refund" if by_card else "payment_refund"
    booked = balance.record(context, kind, refund["id"], -amount, charge["currency"])
    refund["balance_transaction"] = booked["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    context.store.insert(refund)
    context.store.save(charge)
    context.emit("refund.created", refund)
    context.emit("charge.refunded", charge)
    return refund


def _charge(context: Context, params: dict[str, Any]) -> Doc:
    if "charge" in params:
        return context.need("charge", params["charge"], "charge", status=400)
    intent = context.need("payment_intent", params["payment_intent"], "payment_intent", status=400)
    charge = context.store.get(intent["latest_charge"] or "", "charge")
    if charge is None:
        raise invalid(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return charge


def _check(charge: Doc, amount: int, left: int) -> None:
    if not charge["captured"]:
        raise invalid(
            f"Charge {charge['id']} is not captured and cannot be refunded. Cancel its "
            "PaymentIntent to release what it holds.", "charge_not_refundable",
        )  # fmt: skip
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.",
                      "charge_already_refunded")  # fmt: skip
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )


def _refund(context: Context, charge: Doc, amount: int, params: dict[str, Any]) -> Doc:
    type_ = charge["payment_method_details"]["type"]
    details = {"card": {"type": "refund"}, "type": CARD}
    return {
        "id": new_id("refund" if type_ == CARD else "payment_refund"), "object": "refund",
        "amount": amount, "balance_transaction": None,
        "charge": charge["id"], "created": context.now, "currency": charge["currency"],
        "destination_details": details if type_ == CARD else {"type": "us_bank_transfer"},
        "metadata": merged({}, params.get("metadata")), "payment_intent": charge["payment_intent"],
        "reason": params.get("reason"), "receipt_number": None, "source_transfer_reversal": None,
        "status": "succeeded", "transfer_reversal": None,
    }  # fmt: skip
