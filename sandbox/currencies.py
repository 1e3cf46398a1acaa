"""Amounts: integers in a currency's smallest unit, with its least and largest charge.

Sources: Stripe's documentation, page "Supported currencies" (zero-decimal, three-decimal, special
cases, minimum and maximum charge amounts).
"""

from __future__ import annotations


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMAL = _codes("bhd jod kwd omr tnd")
WHOLE_UNITS_ONLY = _codes("isk ugx")
"""Written with two decimals for compatibility; the decimals must be zero."""
TWO_DECIMAL = _codes(
    "aed all amd ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp bzd cad chf cny cop crc "
    "czk dkk dop dzd egp etb eur fjd gbp gel gip gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs "
    "khr kyd kzt lbp lkr lrd mad mdl mkd mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd "
    "pab pen pgk php pkr pln qar ron rsd sar sbd sek sgd srd szl thb top try ttd twd tzs uah usd "
    "uyu uzs wst xcd yer zar zmw"
)
KNOWN = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS_ONLY | TWO_DECIMAL

MINIMUM_MINOR = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
"""Documented by settlement currency. For the others Stripe asks for half a dollar's worth, which
needs an exchange rate; here any positive amount will do."""
MAXIMUM_MINOR = 99_999_999


def exponent(currency: str) -> int:
    """Decimals of the currency as Stripe's API writes it."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minimum_minor(currency: str) -> int:
    return MINIMUM_MINOR.get(currency, 1)


def step_minor(currency: str) -> int:
    """Amounts are multiples of it."""
    if currency in THREE_DECIMAL:
        return 10
    return 100 if currency in WHOLE_UNITS_ONLY else 1
