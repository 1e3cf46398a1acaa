"""Confirming a payment intent: what the card answers, and what the intent becomes."""

from __future__ import annotations

from typing import Any

from sandbox import charges
from sandbox.context import Context, public
from sandbox.errors import DOCS, Declined, Refused, invalid
from sandbox.method_table import MESSAGES
from sandbox.payment_methods import behaviour_of
from sandbox.store import Doc

NEEDS_AUTHENTICATION = "authentication_required"
FAILED_AUTHENTICATION = "payment_intent_authentication_failure"


def confirm(context: Context, intent: Doc, params: dict[str, Any]) -> Doc:
    """The intent after the attempt; Declined (402) with what was written when the card says no."""
    _check_return_url(intent, params)
    method = context.need("payment_method", intent["payment_method"])
    method["_used_by"] = intent["id"]
    context.store.save(method)
    card = behaviour_of(method)
    if card.asks and (params.get("off_session") or params.get("error_on_requires_action")):
        raise _declined(context, intent, method, NEEDS_AUTHENTICATION, NEEDS_AUTHENTICATION)
    if card.asks:
        return _ask(context, intent, params.get("return_url"))
    return _charge(context, intent, method)


def complete_action(context: Context, intent: Doc, succeeds: bool) -> Doc:
    """The customer came back from authenticating (only the control endpoint can say so)."""
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticated", ("requires_action",))
    method = context.need("payment_method", intent["payment_method"])
    intent["next_action"] = None
    if succeeds:
        return _charge(context, intent, method)
    message = (
        "The provided PaymentMethod has failed authentication. You can provide payment_method_data "
        "or a new PaymentMethod to attempt to fulfill this PaymentIntent again."
    )
    error = {"type": "invalid_request_error", "code": FAILED_AUTHENTICATION, "message": message,
             "doc_url": DOCS + FAILED_AUTHENTICATION.replace("_", "-")}  # fmt: skip
    return _failed(context, intent, {**error, "payment_method": public(method)})


def unexpected(intent: Doc, done: str, allowed: tuple[str, ...]) -> Refused:
    """400: the intent's state does not allow it."""
    return invalid(
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {done}: "
        f"{', '.join(allowed)}.", "payment_intent_unexpected_state",
        payment_intent=public(intent),
    )  # fmt: skip


def _check_return_url(intent: Doc, params: dict[str, Any]) -> None:
    automatic = intent["automatic_payment_methods"]
    redirects = automatic and automatic["enabled"] and automatic["allow_redirects"] == "always"
    if redirects and "return_url" not in params:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents "
            "and Payment Intents.", param="return_url",
        )  # fmt: skip


def _ask(context: Context, intent: Doc, return_url: str | None) -> Doc:
    page = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent['id']}"
    redirect = {"type": "redirect_to_url", "redirect_to_url": {
        "return_url": return_url, "url": page}}  # fmt: skip
    inline = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent |= {"status": "requires_action", "next_action": redirect if return_url else inline}
    context.store.save(intent)
    context.emit("payment_intent.requires_action", intent)
    return intent


def _charge(context: Context, intent: Doc, method: Doc) -> Doc:
    played = behaviour_of(method)
    if played.settles_seconds is not None:
        return _process(context, intent, method, played.settles_seconds)
    if decline := played.decline:
        raise _declined(context, intent, method, *decline)
    charge = charges.authorized(context, intent, method)
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        method["customer"] = intent["customer"]
        context.store.save(method)
        context.emit("payment_method.attached", method)
    held = intent["capture_method"] == "manual"
    intent |= {
        "latest_charge": charge["id"], "last_payment_error": None, "next_action": None,
        "status": "requires_capture" if held else "succeeded",
        "amount_capturable": intent["amount"] if held else 0,
        "amount_received": 0 if held else intent["amount"],
    }  # fmt: skip
    context.store.save(intent)
    context.emit(f"payment_intent.{'amount_capturable_updated' if held else 'succeeded'}", intent)
    return intent


def _process(context: Context, intent: Doc, method: Doc, settles_seconds: int) -> Doc:
    charge = charges.pending(context, intent, method, settles_seconds)
    processing = {"type": method["type"]}
    intent |= {"latest_charge": charge["id"], "status": "processing", "processing": processing}
    context.store.save(intent)
    context.emit("payment_intent.processing", intent)
    return intent


def settled(context: Context, intent: Doc, charge: Doc) -> Doc:
    """The bank has answered a debit: paid, or refused."""
    intent["processing"] = None
    method = context.need("payment_method", charge["payment_method"])
    if decline := behaviour_of(method).decline:
        charges.refused(context, charge, *decline)
        return _failed(context, intent, _error(charge, method, *decline))
    charges.settled(context, charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    context.store.save(intent)
    context.emit("payment_intent.succeeded", intent)
    return intent


def _declined(context: Context, intent: Doc, method: Doc, code: str, decline_code: str) -> Declined:
    charge = charges.failed(context, intent, method, code, decline_code)
    error = _error(charge, method, code, decline_code)
    intent["latest_charge"] = charge["id"]
    after = public(_failed(context, intent, error))
    return Declined(
        402, "card_error", MESSAGES[decline_code], code=code, decline_code=decline_code,
        charge=charge["id"], payment_method=public(method), payment_intent=after,
    )  # fmt: skip


def _error(charge: Doc, method: Doc, code: str, decline_code: str) -> Doc:
    return {
        "type": "card_error", "message": MESSAGES[decline_code], "code": code,
        "decline_code": decline_code, "charge": charge["id"], "payment_method": public(method),
        "doc_url": DOCS + code.replace("_", "-"),
    }  # fmt: skip


def _failed(context: Context, intent: Doc, error: Doc) -> Doc:
    intent |= {
        "status": "requires_payment_method", "payment_method": None, "last_payment_error": error,
    }  # fmt: skip
    context.store.save(intent)
    context.emit("payment_intent.payment_failed", intent)
    return intent
