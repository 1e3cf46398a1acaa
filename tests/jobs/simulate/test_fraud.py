"""Fraud is as common as asked, looks like nothing else and yet like nothing alone, and is found at
times, late."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from math import sqrt
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from jobs.errors import UsageError
from jobs.simulate import days, fraud, people
from jobs.simulate.fraud import CARDS, SCHEMES, THIEVES
from jobs.simulate.orders import placed
from tests.jobs.simulate.conftest import FRAUDULENT, ZONE

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def orders(fraudulent) -> list[dict]:
    """Each order with its scheme (None: honest), its account's age in days and its local hour."""
    schemes = {row["order_id"]: row for row in fraudulent["true_orders"]}
    joined = {row["buyer_id"]: row["registered_at"] for row in fraudulent["buyers"]}
    honest = dict.fromkeys(("scheme", "found", "ring", "chargeback_day"))
    return [
        row | honest | schemes.get(row["order_id"], {})
        | {"age": (row["occurred_at"] - joined[row["buyer_id"]]).total_seconds() / 86_400,
           "hour": local(row["occurred_at"]).hour}
        for row in fraudulent["orders"]
    ]  # fmt: skip


@pytest.fixture(scope="module")
def frauds(orders) -> list[dict]:
    return [order for order in orders if order["scheme"]]


def test_fraud_is_as_common_as_asked(orders, frauds):
    near(len(frauds), len(orders), FRAUDULENT.fraud_rate)
    counts = Counter(order["scheme"] for order in frauds)
    assert set(counts) == set(SCHEMES)
    assert sum(scheme.share for scheme in SCHEMES.values()) == pytest.approx(1)
    for name in ("friendly_fraud", "refund_abuse"):  # the others prefer some sellers
        near(counts[name], len(frauds), SCHEMES[name].share)


def test_without_fraud_nothing_else_changes(spark, orders):
    plan = replace(FRAUDULENT, fraud_rate=0.0, last=FRAUDULENT.first)
    seller_days = days.seller_days(spark, plan, people.sellers(spark, plan))
    drawn = placed(plan, seller_days).select("order_id", "buyer_id", "scheme").collect()
    assert {row["scheme"] for row in drawn} == {None}
    buyers = {row["order_id"]: row["buyer_id"] for row in drawn}
    first = [order for order in orders
             if local(order["occurred_at"]).date() == FRAUDULENT.first]  # fmt: skip
    assert buyers.keys() == {order["order_id"] for order in first}
    honest = {order["order_id"]: order["buyer_id"] for order in first if not order["scheme"]}
    assert {order_id: buyers[order_id] for order_id in honest} == honest


@pytest.mark.parametrize("rate", [-0.01, 0.051, float("nan")])
def test_more_fraud_than_a_marketplace_bears_is_refused(rate):
    with pytest.raises(UsageError, match="--fraud-rate"):
        fraud.check(rate)


def test_chargebacks_are_known_from_5_to_90_days_after_the_order(frauds):
    lags = [(order["chargeback_day"] - local(order["occurred_at"]).date()).days
            for order in frauds if order["chargeback_day"]]  # fmt: skip
    assert 5 <= min(lags) < max(lags) <= 90
    assert sorted(lags)[len(lags) // 2] < 25
    assert {order["scheme"] for order in frauds if order["chargeback_day"]} == {
        name for name, scheme in SCHEMES.items() if scheme.then in ("stolen", "friendly")
    }


def test_what_is_never_found_leaves_nothing_behind(fraudulent, frauds):
    disputed = {row["order_id"] for row in fraudulent["disputes"]}
    assert {order["order_id"] for order in frauds if order["found"]} <= disputed
    unfound = {order["order_id"]: order["scheme"] for order in frauds if not order["found"]}
    assert not unfound.keys() & disputed
    for name, scheme in SCHEMES.items():
        own = [order["found"] for order in frauds if order["scheme"] == name]
        near(sum(own), len(own), scheme.found)
    for entity in ("refunds", "returns"):
        gone_back = {unfound.get(row["order_id"]) for row in fraudulent[entity]}
        assert not gone_back & set(THIEVES)


def test_no_sign_alone_tells_fraud(orders):
    seen, usually = first_seen(orders), paid_usually(orders)
    signs = {
        "rush": lambda o: o["rush"],
        "abroad": lambda o: o["ip_country"] != o["shipping_country"],
        "two addresses": lambda o: o["shipping_address_hash"] != o["billing_address_hash"],
        "new device": lambda o: seen["device_hash", o["device_hash"]] == o["order_id"],
        "new card": lambda o: seen["card_hash", o["card_hash"]] == o["order_id"],
        "new account": lambda o: o["age"] < 8,
        "night": lambda o: o["hour"] < 6,
        "dear": lambda o: o["total_minor"] > 2.5 * usually[o["currency"]],
    }
    for name, sign in signs.items():
        frauds, honest = (
            [sign(o) for o in orders if bool(o["scheme"]) is fraudulent]
            for fraudulent in (True, False)
        )
        assert sum(honest) > 0, name
        assert sum(frauds) / (sum(frauds) + sum(honest)) < 0.5, name
        if name not in ("new device", "new card"):  # in a short window most are seen once
            assert sum(frauds) / len(frauds) > 1.2 * sum(honest) / len(honest), name


def test_accounts_of_a_ring_share_devices_and_addresses(orders):
    rings = defaultdict(list)
    for order in orders:
        if order["ring"]:
            rings[order["ring"]].append(order)
    for ring in rings.values():
        for shared in ("device_hash", "shipping_address_hash"):
            assert len({order[shared] for order in ring}) <= fraud.RING_DEVICES
    largest = max(rings.values(), key=len)
    assert len({order["buyer_id"] for order in largest}) > fraud.RING_DEVICES
    assert len({order["card_hash"] for order in largest}) > len(largest) / 2
    bursts = {order["occurred_at"].toordinal() // fraud.BURST_DAYS for order in largest}
    assert len(bursts) < (FRAUDULENT.last - FRAUDULENT.first).days / fraud.BURST_DAYS


def test_taken_over_are_regulars_after_a_login_from_elsewhere(fraudulent, orders):
    own = usual(orders)
    logins = {row["login_id"]: row for row in fraudulent["logins"] if row["actor"] == "buyer"}
    for order in orders:
        if order["scheme"] != "account_takeover":
            continue
        assert order["age"] > 30
        login = logins["in-" + order["order_id"]]
        assert login["actor_id"] == order["buyer_id"]
        assert login["device_hash"] == order["device_hash"]
        assert timedelta() <= order["occurred_at"] - login["occurred_at"] < timedelta(hours=3)
    taken = [order["buyer_id"] for order in orders if order["scheme"] == "account_takeover"]
    assert sum(own[buyer] for buyer in taken) / len(taken) > 2


def test_thieves_use_accounts_that_nobody_else_uses(orders):
    honest = {order["buyer_id"] for order in orders if not order["scheme"]}
    opened = [o for o in orders if o["scheme"] in ("stolen_card", "fraud_ring")]
    assert not honest & {order["buyer_id"] for order in opened}
    assert all(order["payment_method"] in CARDS for order in opened)


def test_refunds_are_abused_by_the_same_few(orders):
    abusers = Counter(o["buyer_id"] for o in orders if o["scheme"] == "refund_abuse")
    assert len(abusers) < sum(abusers.values()) / 1.3


def test_buyers_keep_their_hours(orders):
    """From one honest order of a buyer to another the hour changes less than by chance."""
    hours = defaultdict(list)
    for order in orders:
        if not order["scheme"]:
            hours[order["buyer_id"]].append(order["hour"])
    own = [apart(h[0], h[1]) for h in hours.values() if len(h) > 1]
    every = [h[0] for h in hours.values()]
    anybody = [apart(one, other) for one, other in pairwise(every)]
    assert sum(own) / len(own) < 0.8 * sum(anybody) / len(anybody)


def near(hits: int, of: int, share: float) -> None:
    """Within four standard deviations."""
    assert abs(hits - of * share) <= 4 * sqrt(of * share * (1 - share)), (hits, of, share)


def local(at):
    return at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(ZONE))


def apart(one: int, other: int) -> int:
    return min(abs(one - other), 24 - abs(one - other))


def usual(orders) -> Counter[str]:
    """Honest orders by buyer."""
    return Counter(order["buyer_id"] for order in orders if not order["scheme"])


def paid_usually(orders) -> dict[str, float]:
    """The median of what is paid for an honest order, by currency."""
    paid = defaultdict(list)
    for order in orders:
        if not order["scheme"]:
            paid[order["currency"]].append(order["total_minor"])
    return {currency: median(totals) for currency, totals in paid.items()}


def first_seen(orders) -> dict[tuple[str, str | None], str]:
    """The order in which each device and card is first seen."""
    first: dict[tuple[str, str | None], str] = {}
    for order in sorted(orders, key=lambda o: o["occurred_at"]):
        for column in ("device_hash", "card_hash"):
            first.setdefault((column, order[column]), order["order_id"])
    return first
