"""ISO 4217 currencies and the number of decimal digits of their minor unit.

Source: ISO 4217 list one (active codes); a currency not named in `EXPONENTS` has two digits.
`XXX` is the standard's code for "no currency is involved": counts that are no money carry it.
"""

NO_CURRENCY = "XXX"

EXPONENTS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}

TWO_DIGITS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP "
    "PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
    "TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWL"
).split()

CODES = frozenset(EXPONENTS) | frozenset(TWO_DIGITS)
"""Every currency that an amount may carry."""


def exponent(currency: str) -> int:
    """Decimal digits of the minor unit of `currency`; KeyError for an unknown code."""
    if currency not in CODES:
        raise KeyError(f"unknown currency {currency!r}")
    return EXPONENTS.get(currency, 2)
