"""The parameters of each endpoint. What is not here is refused as unknown."""

from __future__ import annotations

from typing import Any

from sandbox.currencies import KNOWN, MAXIMUM_MINOR, minimum_minor, step_minor
from sandbox.errors import invalid
from sandbox.forms import (
    Field,
    Form,
    boolean,
    clearable,
    integer,
    metadata,
    one_of,
    text,
    texts,
    within,
)
from sandbox.method_table import BANK, CARD

TYPES = (CARD, BANK)
"""The kinds of payment methods that the sandbox plays."""
EXPAND: dict[str, Field] = {"expand": texts()}


def currency(name: str, raw: Any) -> str:
    found = text()(name, raw).lower()
    if found not in KNOWN:
        raise invalid(
            f"Invalid currency: {found[:20]}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(KNOWN))}", param=name,
        )  # fmt: skip
    return found


def check_amount(params: dict[str, Any]) -> None:
    """A payment's amount: positive, within the currency's limits, a whole number of its steps."""
    amount, unit = params["amount"], params["currency"]
    if amount < minimum_minor(unit):
        raise invalid(
            f"Amount must be at least {minimum_minor(unit)} {unit} (in its smallest unit)",
            "amount_too_small", "amount",
        )  # fmt: skip
    if amount > MAXIMUM_MINOR:
        raise invalid(
            f"Amount must be no more than {MAXIMUM_MINOR} {unit} (in its smallest unit)",
            "amount_too_large", "amount",
        )  # fmt: skip
    if amount % step_minor(unit):
        raise invalid(
            f"Invalid amount {amount}: amounts in {unit} must be multiples of {step_minor(unit)}",
            "parameter_invalid_integer", "amount",
        )  # fmt: skip


def _check_intent(params: dict[str, Any]) -> None:
    check_amount(params)
    if params.get("confirm"):
        if "payment_method" not in params:
            raise invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method. "
                "Add payment_method to the request, or confirm later.", param="payment_method",
            )  # fmt: skip
    elif "off_session" in params or "error_on_requires_action" in params:
        name = "off_session" if "off_session" in params else "error_on_requires_action"
        raise invalid(f"You cannot pass {name} without confirm=true.", param=name)
    if "payment_method_types" in params and "automatic_payment_methods" in params:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, "
            "payment_method_types.", param="payment_method_types",
        )  # fmt: skip
    if BANK in params.get("payment_method_types", ()):
        _check_debit(params)


def _check_debit(params: dict[str, Any]) -> None:
    if params.get("capture_method") == "manual":
        raise invalid(
            f"The payment method type {BANK} cannot be held: it does not support "
            "capture_method=manual.", param="capture_method",
        )  # fmt: skip
    if params["currency"] != "usd":
        raise invalid(f"The payment method type {BANK} takes usd only.", param="currency")


def _types(name: str, raw: Any) -> list[str]:
    found = texts()(name, raw)
    for type_ in found:
        if type_ not in TYPES:
            raise invalid(f"The payment method type {type_!r:.40} is invalid. The sandbox plays: "
                          f"{', '.join(TYPES)}", param=name)  # fmt: skip
    return found


CONFIRMING: dict[str, Field] = {
    "error_on_requires_action": boolean, "off_session": boolean, "return_url": text(),
}  # fmt: skip

CREATE_INTENT = Form(
    EXPAND | CONFIRMING | {
        "amount": integer(), "currency": currency, "customer": text(),
        "automatic_payment_methods": within(Form({
            "allow_redirects": one_of("always", "never"), "enabled": boolean}, ("enabled",))),
        "capture_method": one_of("automatic", "automatic_async", "manual"), "confirm": boolean,
        "description": text(1000), "metadata": metadata, "payment_method": text(),
        "payment_method_types": _types, "receipt_email": text(),
        "setup_future_usage": one_of("off_session", "on_session"),
        "statement_descriptor": text(22), "statement_descriptor_suffix": text(22),
        "transfer_group": text(),
    },
    ("amount", "currency"), _check_intent,
)  # fmt: skip
UPDATE_INTENT = Form(
    EXPAND | {
        "description": clearable(1000), "metadata": metadata, "payment_method": text(),
        "transfer_group": clearable(),
    }
)  # fmt: skip
CONFIRM_INTENT = Form(EXPAND | CONFIRMING | {"payment_method": text()})
CAPTURE_INTENT = Form(EXPAND | {"amount_to_capture": integer(1), "metadata": metadata})
CANCEL_INTENT = Form(
    EXPAND | {"cancellation_reason": one_of(
        "duplicate", "fraudulent", "requested_by_customer", "abandoned")}
)  # fmt: skip
RETRIEVE = Form(EXPAND)


def _check_refund(params: dict[str, Any]) -> None:
    if ("charge" in params) == ("payment_intent" in params):
        raise invalid("One of the following params should be provided for this request: "
                      "payment_intent or charge.", "parameter_missing")  # fmt: skip


_PERSON: dict[str, Field] = {
    "description": clearable(), "email": clearable(512), "metadata": metadata,
    "name": clearable(256), "phone": clearable(20),
}  # fmt: skip
CREATE_CUSTOMER = Form(EXPAND | _PERSON | {"payment_method": text()})
UPDATE_CUSTOMER = Form(EXPAND | _PERSON)
CREATE_METHOD = Form(
    EXPAND | {
        "card": within(Form({
            "cvc": text(4), "exp_month": integer(1), "exp_year": integer(1), "number": text(19),
            "token": text()})),
        "metadata": metadata, "type": one_of("card"),
    },
    ("type", "card"),
)  # fmt: skip
ATTACH_METHOD = Form(EXPAND | {"customer": text()}, ("customer",))
CREATE_REFUND = Form(
    EXPAND | {
        "amount": integer(1), "charge": text(), "metadata": metadata, "payment_intent": text(),
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    },
    (), _check_refund,
)  # fmt: skip
