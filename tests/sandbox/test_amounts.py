"""Documentation page "Supported currencies"."""

from __future__ import annotations

import pytest
from stripe import StripeClient

from tests.sandbox.payments import hold, refused


@pytest.mark.parametrize(
    ("currency", "least"),
    [("usd", 50), ("eur", 50), ("gbp", 30), ("jpy", 50), ("huf", 17_500), ("mxn", 1_000)],
)
def test_a_charge_has_a_minimum(stripe: StripeClient, currency: str, least: int) -> None:
    found = refused(lambda: hold(stripe, currency=currency, amount=least - 1))
    assert (found.http_status, found.code) == (400, "amount_too_small")

    assert hold(stripe, currency=currency, amount=least).amount == least


def test_a_charge_has_at_most_eight_digits(stripe: StripeClient) -> None:
    assert hold(stripe, amount=99_999_999).amount == 99_999_999
    assert refused(lambda: hold(stripe, amount=100_000_000)).code == "amount_too_large"


@pytest.mark.parametrize("amount", [0, -100])
def test_a_charge_is_positive(stripe: StripeClient, amount: int) -> None:
    assert refused(lambda: hold(stripe, amount=amount)).http_status == 400


def test_three_decimal_amounts_end_in_0(stripe: StripeClient) -> None:
    refused(lambda: hold(stripe, currency="kwd", amount=5_125))

    assert hold(stripe, currency="kwd", amount=5_120).amount == 5_120


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_some_currencies_are_written_with_decimals_that_are_zero(
    stripe: StripeClient, currency: str
) -> None:
    refused(lambda: hold(stripe, currency=currency, amount=5_050))

    assert hold(stripe, currency=currency, amount=5_000).amount == 5_000


@pytest.mark.parametrize("currency", ["xyz", "dollar", "btc"])
def test_other_currencies_are_refused(stripe: StripeClient, currency: str) -> None:
    assert refused(lambda: hold(stripe, currency=currency)).http_status == 400


def test_currencies_are_answered_in_lower_case(stripe: StripeClient) -> None:
    assert hold(stripe, currency="EUR").currency == "eur"
