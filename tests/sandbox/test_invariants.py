"""Whatever is done, in whatever order, with whatever faults and jumps of the clock: the books add
up, no money appears, and the last event of an object shows it as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.books import books
from tests.sandbox.world import World

CARDS = ("pm_card_visa", "pm_card_shortHold", "pm_card_chargeDeclined",
         "pm_card_authenticationRequired")  # fmt: skip
HOUR_SECONDS = 3_600

steps = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(CARDS), st.sampled_from(["manual", "automatic"]),
              st.integers(50, 5_000)),
    st.tuples(st.sampled_from(["confirm", "capture", "cancel", "refund"]), st.integers(0, 9),
              st.integers(1, 5_000)),
    st.tuples(st.just("again"), st.integers(0, 99)),
    st.tuples(st.just("advance"), st.integers(0, 200)),
)  # fmt: skip
faults = st.lists(
    st.builds(
        lambda do, when, nth: {"do": do, "when": when, "nth": nth, "status": 500},
        st.sampled_from(["reset", "status"]), st.sampled_from(["before", "after"]),
        st.integers(1, 12),
    ), max_size=3,
)  # fmt: skip


def do(world: World, step: tuple[Any, ...]) -> None:
    ids = [doc["id"] for doc in world.store.all("payment_intent")]
    match step:
        case ("create", card, capture, amount):
            world.post("payment_intents", {
                "amount": str(amount), "currency": "usd", "payment_method": card,
                "confirm": "true", "capture_method": capture,
                "payment_method_types[0]": "card"})  # fmt: skip
        case ("again", number) if world.sent:
            world.api.answer(world.sent[number % len(world.sent)])
        case ("advance", hours):
            world.clock.advance(hours * HOUR_SECONDS)
            world.api.run_timers()
        case ("refund", number, amount) if ids:
            intent = ids[number % len(ids)]
            world.post("refunds", {"payment_intent": intent, "amount": str(amount)})
        case (act, number, amount) if ids:
            more = {"capture": {"amount_to_capture": str(amount)},
                    "confirm": {"payment_method": "pm_card_visa"}}  # fmt: skip
            world.post(f"payment_intents/{ids[number % len(ids)]}/{act}", more.get(act, {}))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25), faults)
def test_the_books_always_add_up(done: list[tuple[Any, ...]], plan: list[dict[str, Any]]) -> None:
    world = World(plan)
    for step in done:
        do(world, step)

    shown = books(world.store)
    entries = list(world.store.all("balance_transaction"))
    for one in shown["payment_intents"].values():
        held = one["authorized"] if one["status"] == "requires_capture" else 0
        assert one["authorized"] == one["captured"] + one["released"] + held
        assert 0 <= one["refunded"] <= one["captured"] <= one["authorized"]
        assert (one["captured"] > 0) == (one["status"] == "succeeded")
    taken = sum(one["captured"] - one["refunded"] for one in shown["payment_intents"].values())
    assert sum(entry["amount"] for entry in entries) == taken
    assert all(entry["net"] == entry["amount"] - entry["fee"] for entry in entries)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25), faults)
def test_events_tell_all_there_is_to_know(
    done: list[tuple[Any, ...]], plan: list[dict[str, Any]]
) -> None:
    world = World(plan)
    for step in done:
        do(world, step)

    events = list(world.store.all("event"))
    last = {event["data"]["object"]["id"]: event["data"]["object"] for event in events}
    for kind in ("payment_intent", "charge", "refund"):
        for doc in world.store.all(kind):
            told = {name: value for name, value in doc.items() if not name.startswith("_")}
            assert last[doc["id"]] == told
    assert [event["created"] for event in events] == sorted(event["created"] for event in events)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=15))
def test_a_run_sent_again_within_a_day_changes_nothing(done: list[tuple[Any, ...]]) -> None:
    world = World([])
    for step in done:
        if step[0] != "advance":
            do(world, step)
    before = world.documents()
    world.clock.advance(23 * HOUR_SECONDS)

    for call in world.sent:
        world.api.answer(call)

    after = world.documents()
    assert after == before


def test_nothing_is_captured_after_its_time_although_nobody_looked() -> None:
    world = World()
    do(world, ("create", "pm_card_visa", "manual", 500))
    world.clock.advance(7 * 24 * HOUR_SECONDS)

    do(world, ("capture", 0, 500))

    (intent,) = world.store.all("payment_intent")
    assert (intent["status"], intent["canceled_at"]) == ("canceled", int(world.clock.now()))
    assert not list(world.store.all("balance_transaction"))
