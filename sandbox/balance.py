"""Balance transactions: what a captured charge brings after the fee, what a refund takes.

Fees are integers: basis points of the amount rounded half up to a minor unit, plus a fixed part.
As at Stripe, a refund gives no fee back.
"""

from __future__ import annotations

from typing import Any

from sandbox.context import Context
from sandbox.currencies import exponent
from sandbox.ids import new_id
from sandbox.lists import listed
from sandbox.store import Doc

AVAILABLE_AFTER_SECONDS = 2 * 86_400
FEES = {
    "usd": (290, 30), "cad": (290, 30), "aud": (175, 30), "eur": (150, 25), "gbp": (150, 20),
    "jpy": (360, 0), "sek": (150, 180), "dkk": (150, 180), "nok": (240, 200),
}  # fmt: skip
"""(basis points, fixed minor units), after Stripe's list prices for domestic cards. Any other
currency: 2.9 % and 30 hundredths of its unit (30 units where there are none)."""


DEBIT_BASIS_POINTS, DEBIT_MOST_MINOR = 80, 500


def fee_minor(amount_minor: int, currency: str, debit: bool = False) -> int:
    """At most the amount itself: a fee never makes a charge negative here."""
    if debit:
        return min((amount_minor * DEBIT_BASIS_POINTS + 5_000) // 10_000, DEBIT_MOST_MINOR)
    scaled = 30 if exponent(currency) < 3 else 300
    basis_points, fixed = FEES.get(currency, (290, scaled))
    return min((amount_minor * basis_points + 5_000) // 10_000 + fixed, amount_minor)


def record(
    context: Context, type_: str, source: str, amount_minor: int, currency: str, fee: int = 0
) -> Doc:
    """Writes one; `amount_minor` is negative when money leaves."""
    details: list[dict[str, Any]] = [
        {"amount": fee, "application": None, "currency": currency,
         "description": "Stripe processing fees", "type": "stripe_fee"}
    ]  # fmt: skip
    return context.store.insert({
        "id": new_id("balance_transaction"), "object": "balance_transaction",
        "amount": amount_minor, "available_on": context.now + AVAILABLE_AFTER_SECONDS,
        "balance_type": "payments", "created": context.now, "currency": currency,
        "description": None, "exchange_rate": None, "fee": fee,
        "fee_details": details if fee else [], "net": amount_minor - fee,
        "reporting_category": type_, "source": source, "status": "pending", "type": type_,
    })  # fmt: skip


def as_of(context: Context, doc: Doc) -> Doc:
    """Pending until its funds are available."""
    status = "available" if doc["available_on"] <= context.now else "pending"
    return {**doc, "status": status}


def retrieve(context: Context, id_: str, _: dict[str, Any]) -> Doc:
    return as_of(context, context.need("balance_transaction", id_))


def page(context: Context, _: str, params: dict[str, Any]) -> Doc:
    found = listed(context, "balance_transaction", "/v1/balance_transactions", params)
    return {**found, "data": [as_of(context, doc) for doc in found["data"]]}
