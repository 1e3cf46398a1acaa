"""Test payment methods: what each does when it is charged. Each name is usable as it stands."""

from __future__ import annotations

from dataclasses import dataclass

DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS
SETTLES_SECONDS = 4 * DAY_SECONDS
CARD, BANK = "card", "us_bank_account"
SHORT_HOLD_SECONDS = 4 * DAY_SECONDS + 18 * 3600


@dataclass(frozen=True)
class Method:
    """`decline`: (code, decline_code) of every charge. `asks`: the customer must authenticate.
    `attaches`: whether a customer can keep it. `settles_seconds`: the time until a charge succeeds
    or fails, of methods that do not know at once."""

    brand: str = "visa"
    last4: str = "4242"
    country: str = "US"
    hold_seconds: int = WEEK_SECONDS
    decline: tuple[str, str] | None = None
    asks: bool = False
    attaches: bool = True
    type: str = "card"
    settles_seconds: int | None = None


def _bank(last4: str, decline: tuple[str, str] | None = None) -> Method:
    return Method("", last4, decline=decline, type=BANK, settles_seconds=SETTLES_SECONDS)


def _declining(last4: str, decline_code: str, code: str = "card_declined") -> Method:
    return Method(last4=last4, decline=(code, decline_code), attaches=False)


DECLINED = _declining("0002", "generic_decline")
INSUFFICIENT = _declining("9995", "insufficient_funds")
LOST = _declining("9987", "lost_card")
STOLEN = _declining("9979", "stolen_card")
EXPIRED = _declining("0069", "expired_card", code="expired_card")

METHODS = {
    "pm_card_visa": Method(),
    "pm_card_visa_debit": Method(last4="5556"),
    "pm_card_mastercard": Method("mastercard", "4444"),
    "pm_card_amex": Method("amex", "8431"),
    "pm_card_discover": Method("discover", "9424"),
    "pm_card_de": Method(last4="0016", country="DE"),
    "pm_card_gb": Method(last4="0000", country="GB"),
    "pm_card_jp": Method(last4="0003", country="JP"),
    "pm_card_shortHold": Method(last4="0418", hold_seconds=SHORT_HOLD_SECONDS),
    "pm_card_authenticationRequired": Method(last4="3184", asks=True),
    "pm_card_threeDSecure2Required": Method(last4="3220", asks=True),
    "pm_card_chargeDeclined": DECLINED,
    "pm_card_visa_chargeDeclined": DECLINED,
    "pm_card_chargeDeclinedInsufficientFunds": INSUFFICIENT,
    "pm_card_visa_chargeDeclinedInsufficientFunds": INSUFFICIENT,
    "pm_card_chargeDeclinedLostCard": LOST,
    "pm_card_visa_chargeDeclinedLostCard": LOST,
    "pm_card_chargeDeclinedStolenCard": STOLEN,
    "pm_card_visa_chargeDeclinedStolenCard": STOLEN,
    "pm_card_chargeDeclinedExpiredCard": EXPIRED,
    "pm_card_chargeDeclinedIncorrectCvc": _declining("0127", "incorrect_cvc", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declining(
        "0119", "processing_error", "processing_error"
    ),
    "pm_card_chargeCustomerFail": Method(
        last4="0341", decline=("card_declined", "generic_decline")
    ),
    "pm_usBankAccount_success": _bank("6789"),
    "pm_usBankAccount_insufficientFunds": _bank(
        "2227", ("insufficient_funds", "insufficient_funds")
    ),
}  # fmt: skip
NUMBERS = {
    "4242424242424242": "pm_card_visa",
    "5555555555554444": "pm_card_mastercard",
    "378282246310005": "pm_card_amex",
    "6011111111111117": "pm_card_discover",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000009987": "pm_card_chargeDeclinedLostCard",
    "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000002500003155": "pm_card_authenticationRequired",
    "4000000000003220": "pm_card_threeDSecure2Required",
}
"""Documented test numbers. Real numbers are refused: the sandbox must never hold one."""
MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
