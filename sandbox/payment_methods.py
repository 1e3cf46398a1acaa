"""Payment methods: test cards, created by number or token, or used under their documented names."""

from __future__ import annotations

from typing import Any

from sandbox.context import Context
from sandbox.errors import Declined, invalid, missing
from sandbox.forms import merged
from sandbox.ids import letters, new_id
from sandbox.method_table import CARD, METHODS, NUMBERS, Method
from sandbox.store import Doc

TOKENS = {
    name.replace("pm_card_", "tok_", 1): name for name in METHODS if name.startswith("pm_card_")
}


def create(context: Context, params: dict[str, Any]) -> Doc:
    card = params.get("card", {})
    name = NUMBERS.get(card.get("number", "")) or TOKENS.get(card.get("token", ""))
    if name is None:
        raise Declined(
            402, "card_error", "Your card was declined. Your request was in test mode, but used a "
            "non test card. For a list of valid test cards, visit: "
            "https://stripe.com/docs/testing.", code="card_declined",
            decline_code="test_mode_live_card", param="card[number]",
        )  # fmt: skip
    doc = _of_table(context, name)
    doc["metadata"] = merged({}, params.get("metadata"))
    return context.store.insert(doc)


def attach(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    context.need("customer", params["customer"], "customer", status=400)
    doc = found(context, id_, "payment_method")
    if not behaviour_of(doc).attaches:
        raise Declined(402, "card_error", "Your card was declined.", code="card_declined",
                       decline_code=behaviour_of(doc).decline[1])  # type: ignore[index] # fmt: skip
    if doc["customer"] not in (None, params["customer"]):
        raise invalid("The payment method you provided has already been attached to a customer.",
                      param="payment_method")  # fmt: skip
    doc["customer"] = params["customer"]
    context.store.save(doc)
    context.emit("payment_method.attached", doc)
    return doc


def found(context: Context, id_: str, param: str) -> Doc:
    """The payment method; a documented test name gives a new one of that card."""
    if id_ in METHODS:
        return context.store.insert(_of_table(context, id_))
    if (doc := context.store.get(id_, "payment_method")) is None:
        raise missing("PaymentMethod", id_, param, status=400 if param == "payment_method" else 404)
    return doc


def behaviour_of(doc: Doc) -> Method:
    """What the method does when it is charged."""
    return METHODS[doc["_method"]]


def check_usable(doc: Doc, intent: Doc) -> None:
    """Refuses a method of another kind than the intent takes, one of another customer, and a loose
    one that another payment has used."""
    customer = intent["customer"]
    if doc["type"] not in intent["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod provided ({doc['type']}) is not allowed for this PaymentIntent. It "
            f"takes: {', '.join(intent['payment_method_types'])}.", param="payment_method",
        )  # fmt: skip
    if doc["customer"] is not None and doc["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {doc['id']}. The payment "
            "method must be attached to the customer.", param="payment_method",
        )  # fmt: skip
    if doc["customer"] is None and doc.get("_used_by", intent["id"]) != intent["id"]:
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again.", param="payment_method",
        )  # fmt: skip


def _of_table(context: Context, name: str) -> Doc:
    played = METHODS[name]
    person = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
    return {
        "id": new_id("payment_method"), "object": "payment_method",
        "allow_redisplay": "unspecified", "billing_details": person,
        played.type: _card(played) if played.type == CARD else _account(played),
        "created": context.now, "customer": None, "livemode": False, "metadata": {},
        "type": played.type, "_method": name,
    }  # fmt: skip


def _card(played: Method) -> Doc:
    return {
        "brand": played.brand, "checks": {"cvc_check": "pass"}, "country": played.country,
        "display_brand": played.brand, "exp_month": 12, "exp_year": 2034,
        "fingerprint": letters(16), "funding": "credit", "last4": played.last4,
        "networks": {"available": [played.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True}, "wallet": None,
    }  # fmt: skip


def _account(played: Method) -> Doc:
    return {
        "account_holder_type": "individual", "account_type": "checking",
        "bank_name": "STRIPE TEST BANK", "financial_connections_account": None,
        "fingerprint": letters(16), "last4": played.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]}, "routing_number": "110000000",
        "status_details": None,
    }  # fmt: skip
