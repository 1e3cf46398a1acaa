"""Payment intents: create, update, confirm, capture, cancel, and what time does to them.

requires_payment_method -> requires_confirmation -> [requires_action] -> requires_capture
     ^ a decline leads back                                          \\-> succeeded
every state but succeeded -> canceled
"""

from __future__ import annotations

from typing import Any

from sandbox import attempts, charges
from sandbox.attempts import unexpected
from sandbox.context import Context, public
from sandbox.errors import invalid
from sandbox.forms import merged
from sandbox.ids import letters, new_id
from sandbox.method_table import BANK, CARD
from sandbox.payment_methods import check_usable, found
from sandbox.store import Doc

CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action",
)  # fmt: skip


def create(context: Context, params: dict[str, Any]) -> Doc:
    if customer := params.get("customer"):
        context.need("customer", customer, "customer", status=400)
    intent = _intent(context, params)
    if name := params.get("payment_method"):
        _use(context, intent, name)
    context.store.insert(intent)
    context.emit("payment_intent.created", intent)
    return attempts.confirm(context, intent, params) if params.get("confirm") else intent


def update(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    """Metadata in any state; what is charged only before it is confirmed."""
    intent = context.need("payment_intent", id_)
    own = ("description", "transfer_group")
    changes: Doc = {name: params[name] for name in own if name in params}
    if set(params) - {"metadata", "description", "expand"} and intent["status"] not in (
        "requires_payment_method", "requires_confirmation",
    ):  # fmt: skip
        raise unexpected(intent, "updated", ("requires_payment_method", "requires_confirmation"))
    intent |= {**changes, "metadata": merged(intent["metadata"], params.get("metadata"))}
    if name := params.get("payment_method"):
        _use(context, intent, name)
    return context.store.save(intent)


def confirm(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    intent = context.need("payment_intent", id_)
    allowed = ("requires_payment_method", "requires_confirmation", "requires_action")
    if intent["status"] not in allowed:
        raise unexpected(intent, "confirmed", allowed)
    if name := params.get("payment_method"):
        _use(context, intent, name)
    if intent["payment_method"] is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method.",
            "payment_intent_unexpected_state", payment_intent=public(intent),
        )  # fmt: skip
    return attempts.confirm(context, intent, params)


def capture(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    """Once and for good: what is not captured is released."""
    intent = context.need("payment_intent", id_)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "captured", ("requires_capture",))
    amount: int = params.get("amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"The requested capture amount ({amount}) is greater than the amount you can capture "
            f"({intent['amount_capturable']}) for this PaymentIntent.",
            "amount_too_large", "amount_to_capture", payment_intent=public(intent),
        )  # fmt: skip
    intent["metadata"] = merged(intent["metadata"], params.get("metadata"))
    charges.capture(context, _charge(context, intent), amount)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    context.store.save(intent)
    context.emit("payment_intent.succeeded", intent)
    return intent


def cancel(context: Context, id_: str, params: dict[str, Any]) -> Doc:
    intent = context.need("payment_intent", id_)
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, "canceled", CANCELABLE)
    if intent["status"] == "requires_capture":
        charges.release(context, _charge(context, intent), "charge.refunded")
    return _canceled(context, intent, params.get("cancellation_reason"))


def expire(context: Context, charge_id: str) -> None:
    """The hold's time is over: the money is free again, and the intent canceled by itself."""
    charge = charges.release(context, context.need("charge", charge_id), "charge.expired")
    _canceled(context, context.need("payment_intent", charge["payment_intent"]), "automatic")


def settle(context: Context, charge_id: str) -> None:
    """A debit that was processing has succeeded or failed."""
    charge = context.need("charge", charge_id)
    attempts.settled(context, context.need("payment_intent", charge["payment_intent"]), charge)


def _canceled(context: Context, intent: Doc, reason: str | None) -> Doc:
    intent |= {
        "status": "canceled", "amount_capturable": 0, "canceled_at": context.now,
        "cancellation_reason": reason, "next_action": None,
    }  # fmt: skip
    context.store.save(intent)
    context.emit("payment_intent.canceled", intent)
    return intent


def _charge(context: Context, intent: Doc) -> Doc:
    return context.need("charge", intent["latest_charge"])


def _use(context: Context, intent: Doc, name: str) -> None:
    method = found(context, name, "payment_method")
    check_usable(method, intent)
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def _intent(context: Context, params: dict[str, Any]) -> Doc:
    id_ = new_id("payment_intent")
    own = {
        name: params.get(name) for name in (
            "customer", "description", "receipt_email", "setup_future_usage",
            "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
        )
    }  # fmt: skip
    return own | {
        "id": id_, "object": "payment_intent", "amount": params["amount"], "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0, "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": _automatic(params), "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{letters(25)}", "confirmation_method": "automatic",
        "created": context.now, "currency": params["currency"], "last_payment_error": None,
        "latest_charge": None, "livemode": False, "metadata": merged({}, params.get("metadata")),
        "next_action": None, "on_behalf_of": None, "payment_method": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params.get("payment_method_types") or _types(params),
        "processing": None,
        "review": None, "shipping": None, "status": "requires_payment_method",
        "transfer_data": None,
    }  # fmt: skip


def _types(params: dict[str, Any]) -> list[str]:
    """What the account takes of its own accord: bank debits only in dollars, and never held."""
    debits = params["currency"] == "usd" and params.get("capture_method") != "manual"
    return [CARD, BANK] if debits else [CARD]


def _automatic(params: dict[str, Any]) -> Doc | None:
    """On by default, unless the types are named."""
    if "payment_method_types" in params:
        return None
    given = params.get("automatic_payment_methods", {"enabled": True})
    return {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given["enabled"]}
