"""Charges: one attempt to take money by card; held, captured, released, failed.

`amount_refunded` counts what a capture released too, and all of it after a cancellation or expiry:
as Stripe shows it, so that a reader who takes it for refunded money is found out here.
"""

from __future__ import annotations

from typing import Any

from sandbox import balance, timers
from sandbox.cards import MESSAGES
from sandbox.context import Context
from sandbox.ids import new_id
from sandbox.payment_methods import card_of
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
        until = context.now + card_of(method).hold_seconds
        doc["payment_method_details"]["card"]["capture_before"] = until
        timers.set_timer(context, doc["id"], until, "expire")
    else:
        _take(context, doc, doc["amount"])
    context.store.insert(doc)
    context.emit("charge.succeeded", doc)
    return doc


def failed(context: Context, intent: Doc, method: Doc, code: str, decline_code: str) -> Doc:
    doc = _charge(context, intent, method)
    doc |= {
        "failure_code": code, "failure_message": MESSAGES[decline_code],
        "outcome": {"network_status": "declined_by_network", "reason": decline_code,
                    "risk_level": "normal", "type": "issuer_declined",
                    "seller_message": "The bank did not return any further details with this "
                                      "decline."},
        "paid": False, "status": "failed",
    }  # fmt: skip
    context.store.insert(doc)
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
    fee = balance.fee_minor(amount_minor, doc["currency"])
    booked = balance.record(context, "charge", doc["id"], amount_minor, doc["currency"], fee)
    doc |= {
        "captured": True, "amount_captured": amount_minor, "balance_transaction": booked["id"],
    }  # fmt: skip


def _charge(context: Context, intent: Doc, method: Doc) -> Doc:
    return {
        "id": new_id("charge"), "object": "charge", "amount": intent["amount"],
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
