"""Charges: one attempt to take money by card; held, captured, released, failed.

`amount_refunded` counts what a capture released too, and all of it after a cancellation or expiry:
as Stripe shows it, so that a reader who takes it for refunded money is found out here.
"""

from __future__ import annotations

from typing import Any

from sandbox import balance, timers
from sandbox.context import Context
from sandbox.ids import new_id
from sandbox.method_table import CARD, MESSAGES
from sandbox.payment_methods import behaviour_of
from sandbox.store import Doc


def authorized(context: Context, intent: Doc, method: Doc) -> Doc:
    """A charge that succeeded: captured at once, or held until `capture_before`."""
    doc = _charge(context, intent, method)
    doc |= {
        "outcome": {"network_status": "approved_by_network", "reason": None, "risk_level": "normal",
                    "seller_message": "Payment complete.", "type": "authorized"},
        "paid": True, "status": "succeeded",
    }  # fmt: skip
    if intent["capture_method"] == "manual":
        until = context.now + behaviour_of(method).hold_seconds
        doc["payment_method_details"]["card"]["capture_before"] = until
        timers.set_timer(context, doc["id"], until, "expire")
    else:
        _take(context, doc, doc["amount"])
    context.store.insert(doc)
    context.emit("charge.succeeded", doc)
    return doc


def pending(context: Context, intent: Doc, method: Doc, settles_seconds: int) -> Doc:
    """A debit whose bank has not answered yet."""
    doc = context.store.insert(_charge(context, intent, method))
    timers.set_timer(context, doc["id"], context.now + settles_seconds, "settle")
    context.emit("charge.pending", doc)
    return doc


def settled(context: Context, doc: Doc) -> Doc:
    """The bank has paid."""
    doc |= {"paid": True, "status": "succeeded"}
    _take(context, doc, doc["amount"])
    context.store.save(doc)
    context.emit("charge.succeeded", doc)
    return doc


def failed(context: Context, intent: Doc, method: Doc, code: str, decline_code: str) -> Doc:
    return refused(
        context, context.store.insert(_charge(context, intent, method)), code, decline_code
    )


def refused(context: Context, doc: Doc, code: str, decline_code: str) -> Doc:
    """The bank has said no."""
    doc |= {
        "failure_code": code, "failure_message": MESSAGES[decline_code],
        "outcome": {"network_status": "declined_by_network", "reason": decline_code,
                    "risk_level": "normal", "type": "issuer_declined",
                    "seller_message": "The bank did not return any further details with this "
                                      "decline."},
        "paid": False, "status": "failed",
    }  # fmt: skip
    context.store.save(doc)
    context.emit("charge.failed", doc)
    return doc


def capture(context: Context, doc: Doc, amount_minor: int) -> Doc:
    """Takes the amount and releases the rest for good."""
    _take(context, doc, amount_minor)
    doc["amount_refunded"] = doc["_released"] = doc["amount"] - amount_minor
    timers.stop_timer(context, doc["id"])
    context.store.save(doc)
    context.emit("charge.captured", doc)
    return doc


def release(context: Context, doc: Doc, event: str) -> Doc:
    """Gives a hold back in full: `charge.refunded` when asked for, `charge.expired` by time."""
    doc |= {"amount_refunded": doc["amount"], "refunded": True, "_released": doc["amount"]}
    timers.stop_timer(context, doc["id"])
    context.store.save(doc)
    context.emit(event, doc)
    return doc


def _take(context: Context, doc: Doc, amount_minor: int) -> None:
    by_card = doc["payment_method_details"]["type"] == CARD
    fee = balance.fee_minor(amount_minor, doc["currency"], debit=not by_card)
    kind = "charge" if by_card else "payment"
    booked = balance.record(context, kind, doc["id"], amount_minor, doc["currency"], fee)
    doc |= {
        "captured": True, "amount_captured": amount_minor, "balance_transaction": booked["id"],
    }  # fmt: skip


def _charge(context: Context, intent: Doc, method: Doc) -> Doc:
    return {
        "id": new_id("charge" if method["type"] == CARD else "payment"), "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0, "amount_refunded": 0, "application": None, "application_fee": None,
        "application_fee_amount": None, "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": None, "captured": False, "created": context.now,
        "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": False,
        "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "fraud_details": {}, "livemode": False,
        "metadata": dict(intent["metadata"]), "on_behalf_of": None, "outcome": None, "paid": False,
        "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": _details(intent, method), "receipt_email": None,
        "receipt_number": None, "receipt_url": None,
        "refunded": False, "review": None, "shipping": None, "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": "pending",
        "transfer_data": None, "transfer_group": intent["transfer_group"], "_released": 0,
    }  # fmt: skip


def _details(intent: Doc, method: Doc) -> dict[str, Any]:
    if method["type"] != CARD:
        return {method["type"]: dict(method[method["type"]]), "type": method["type"]}
    shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding",
             "last4", "wallet")  # fmt: skip
    card = {name: method["card"][name] for name in shown}
    unavailable = {"status": "unavailable"}
    return {
        "card": {
            **card, "amount_authorized": intent["amount"], "extended_authorization": unavailable,
            "incremental_authorization": unavailable, "multicapture": unavailable,
            "network": card["brand"], "three_d_secure": None,
            "overcapture": {**unavailable, "maximum_amount_capturable": intent["amount"]},
        },
        "type": "card",
    }  # fmt: skip
