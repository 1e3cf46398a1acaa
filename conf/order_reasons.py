"""Why something is done about an order's payment: the code stored, and the sentence people read.

The rules of validation (conf/policy/orders.yaml) are codes of the same column, with their own
sentences.
"""

from enum import Enum


class Reason(Enum):
    """`code` stands in reason_codes; the value is its sentence."""

    ORDER_VALID = "The order is sound and nothing holds its money yet"
    HOLD_EXPIRED = "The hold ended before anything was captured; the money is held anew"
    REST_TO_PAY = "A part was captured; the rest is held anew"
    RETRY_AFTER_DECLINE = "The card was declined; it is tried again after the time of the policy"
    ALL_CONFIRMED = "Every line is confirmed or cancelled: what is confirmed is captured"
    HOLD_ENDS = "The hold is about to end: what is confirmed by now is captured"
    HOLD_HAS_ENDED = "The hold has ended; the provider has yet to say so"
    ORDER_NOT_KNOWN = "The provider holds money for an order that has not landed yet"
    NOTHING_LEFT = "Every line is cancelled: the money is let go"
    PAID_OTHERWISE = "The order is paid in another way: the money is let go"
    REVIEW_PENDING = "A person looks whether the order is fraud; until then nothing is captured"
    FRAUD = "The order was found to be fraud: no money is taken for it"
    TOO_LATE = "The order is so old that no money is held for it any more"
    CURRENCY_NOT_TAKEN = "The marketplace has no daily cap for this currency, so asks for nothing"
    ORDER_INVALID = "The order breaks rules: no money is held for it"
    DECLINED = (
        "The card was declined: the provider's intent is closed, so that it cannot come alive"
    )
    NOT_AUTHENTICATED = "The buyer did not authenticate in time"
    SELLERS_CONFIRM = "Sellers have yet to confirm"
    BUYER_AUTHENTICATES = "The buyer has yet to authenticate at his bank"
    PROVIDER_PROCESSES = "The provider is at work"
    PROVIDER_HAS_NOT_TOLD = (
        "A payment landed with the provider's id; the provider has yet to tell of it"
    )
    RETRY_LATER = "The card was declined; it is too early to try again"
    NOTHING_NEEDED = "Nothing is to be paid, or all is held or paid"
    PAID_BY_OTHERS = "The provider cannot be asked: the money comes in another way"
    TRIED_ENOUGH = "The card was tried as often as the policy allows"
    WILL_NOT_SUCCEED = "The card will not succeed: another payment is needed"

    @property
    def code(self) -> str:
        return self.name.lower()
