"""Act: authorise, capture and cancel payments as decided, through the provider.

Plans what the newest decisions ask for, sends it, and keeps what came of it. Run again after
anything: nothing happens twice. Exit code 4 says that something stays planned.

examples:
  ./spark-submit.sh act.payment_intents --ds 2026-06-30
  ./spark-submit.sh act.payment_intents --ds 2026-06-30 --check
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.order_settings import OrdersPolicy, load_orders_policy
from conf.settings import Settings
from conf.tables import actions, bronze, decisions, provider
from features import payment_requests
from features.decided import newest as newest_decided
from jobs import history, provider_state
from jobs.arguments import Argument
from jobs.errors import OutsideUnavailable, UsageError
from jobs.lake.io import Lake
from jobs.lake.records import newest_gap, record_quality
from jobs.window import DAY, Window, end_of

if TYPE_CHECKING:
    from jobs.gateway.entry import Outcome
    from jobs.gateway.gateway import Gateway
    from jobs.gateway.request import Request

READS = (decisions.PAYMENTS, actions.PAYMENT_INTENTS, bronze.STRIPE_EVENTS, *provider.TABLES)
WRITES = (actions.PAYMENT_INTENTS,)
ARGUMENTS = (
    Argument("--check", "say what would be asked, and ask nothing", action="store_true",
             default=False),
)  # fmt: skip
LEASE = False
TURN_PATIENCE_SECONDS = 600
JOB = "act.payment_intents"

OWN_LOOK_BACK = timedelta(days=90)
"""Requests about an order are no older: an order is authorised a few times, within weeks."""
LISTENED_FOR = timedelta(days=7)
"""After a day the provider's events about it are listed; acting on it ends earlier."""
SENT_AT_ONCE = 20_000
"""Requests that one run takes on, the oldest first; the rest is the next run's."""
FROM_OUTCOME = (
    "state", "attempts", "provider_id", "http_status", "error_code", "decline_code",
    "needs_person", "first_attempt_at", "last_attempt_at", "next_attempt_at", "answer",
)  # fmt: skip

_TOLD = "request_key string, " + ", ".join(
    f"{name} {actions.PAYMENT_INTENTS.column(name).type}" for name in FROM_OUTCOME
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Planning:
    """What signs a planned request: environment, the journal that is there, its clock's instant."""

    environment: str
    journal_id: str
    at: datetime


def run(
    lake: Lake, settings: Settings, window: Window, *, check: bool = False,
) -> None:  # fmt: skip
    from jobs.clock import clock_for
    from jobs.gateway.access import access_for
    from jobs.gateway.gateway import open_gateway

    policy = load_orders_policy()
    mode = access_for(settings).mode
    clock = clock_for(mode)
    require_newest(lake, window, policy, clock.now())
    with open_gateway(settings, JOB, clock) as gateway:
        with lake.turn():
            keep(lake, gateway, gateway.unreported(), window)
            planning = Planning(mode, gateway.journal_id, clock.now())
            plan(lake, gateway, planning, window, policy, check)
        if check:
            return
        requests = open_requests(lake, window)
        in_doubt = [request.key for request in requests if request.state != "PLANNED"]
        sent = gateway.send(requests, known_objects(lake, window, in_doubt))
        with lake.turn():
            keep(lake, gateway, sent.outcomes, window)
            _tell_contradictions(lake, sent.contradicted, window)
    log.info("requests: %s", ", ".join(f"{n} {name}" for name, n in sorted(sent.counts.items())))
    if sent.unavailable:
        raise OutsideUnavailable(f"some requests stay planned: {sent.unavailable}")


def require_newest(lake: Lake, window: Window, policy: OrdersPolicy, now: datetime) -> None:
    """UsageError unless the window is the newest day that was decided, and lately: history is not
    acted on. The clock may withhold what is sent, and does no more here."""
    newest = lake.newest_ds(decisions.PAYMENTS)
    window.require_newest(newest, "acting is")
    ended = end_of(window.last, lake.zone)
    if now - ended > timedelta(hours=policy.acts_within_hours):
        raise UsageError(
            f"{window} ended at {ended}, more than {policy.acts_within_hours} hours before {now}: "
            "what was decided then is history, and is not acted on"
        )
    if newest is None or newest < window.last:
        log.info("nothing is decided for %s; open requests go on", window)


def plan(
    lake: Lake, gateway: Gateway, planning: Planning, window: Window, policy: OrdersPolicy,
    check: bool,
) -> None:  # fmt: skip
    """One commit of new requests, and what is taken back of the unsent ones."""
    since = _decided_since(lake, window, policy)
    decided = lake.read(decisions.PAYMENTS).where(F.col("ds").between(since, window.last))
    wanted = lake.settle(newest_decided(decided))
    if not check:
        _withdraw(lake, gateway, wanted, window)
        _note_what_came_back(lake, wanted, window)
    own = _own(lake, window).join(wanted.select("order_id"), "order_id", "left_semi")
    new = lake.settle(
        payment_requests.planned(wanted, own, planning.environment, policy.new_request_after)
    )
    if check:
        _say(new)
    else:
        _merge(lake, _rows(new, planning))


def _decided_since(lake: Lake, window: Window, policy: OrdersPolicy) -> date:
    """From which day on decisions count: of the last ones, from behind a day that was left out.
    What was decided before such a day does not know what it brought."""
    lately = Window(window.last - DAY * policy.look_back_days, window.last)
    gap = newest_gap(lake, lately, decisions.PAYMENTS.writer)
    if gap is None:
        return lately.first
    log.warning("%s is not decided as a whole: what was decided up to then waits for it "
                "(decide.orders --ds %s)", gap, gap)  # fmt: skip
    return gap + DAY


def _say(new: DataFrame) -> None:
    """What would be asked, added up: a handful of lines."""
    sums = (F.count(F.lit(1)).alias("requests"), F.sum("amount_minor").alias("minor"))
    summed = new.groupBy("operation", "currency").agg(*sums)
    for row in summed.orderBy("operation", "currency").collect():
        log.info("would %s %d payments: %d %s in minor units", row["operation"], row["requests"],
                 row["minor"], row["currency"])  # fmt: skip


def open_requests(lake: Lake, window: Window) -> list[Request]:
    """What may still have to be sent, what is due first in front."""
    rows = _own(lake, window).where(F.col("state").isin(*actions.OPEN_STATES))
    due = F.coalesce("next_attempt_at", "planned_at")
    first = rows.orderBy(due, "request_key").limit(SENT_AT_ONCE)
    return _requests(first)


def known_objects(lake: Lake, window: Window, keys: Sequence[str]) -> Mapping[str, str]:
    """The provider's ids, by request key, of these requests whose objects came back as events."""
    if not keys:
        return {}
    # What was told since counts too: it settles what is open, and decides nothing.
    past = history.of(lake, Window.day(window.last + LISTENED_FOR))
    intents = provider_state.of_window(past)[provider.PAYMENT_INTENTS.name]
    asked = lake.spark.createDataFrame([(key,) for key in keys], "request_key string")
    found = intents.join(F.broadcast(asked), "request_key").select(
        "request_key", "payment_intent_id"
    )
    return {row["request_key"]: row["payment_intent_id"] for row in found.collect()}


def keep(lake: Lake, gateway: Gateway, outcomes: Iterable[Outcome], window: Window) -> None:
    """One commit of what became of requests; a settled one never changes again."""
    given = list(outcomes)
    if given:
        told = lake.spark.createDataFrame([_told(outcome) for outcome in given], _TOLD)
        names = [n for n in actions.PAYMENT_INTENTS.column_names if n not in FROM_OUTCOME]
        rows = (
            _own(lake, window)
            .where(F.col("state").isin(*actions.OPEN_STATES))
            .select(*names)
            .join(F.broadcast(told), "request_key")
        )
        settled = lake.settle(rows.select(*actions.PAYMENT_INTENTS.column_names))
        _merge(lake, settled)
        gateway.mark_reported(given)


def _note_what_came_back(lake: Lake, wanted: DataFrame, window: Window) -> None:
    """Gives rejected requests the objects that came back all the same, and tells of each once."""
    own = _own(lake, window)
    gone = payment_requests.came_back(own, wanted).limit(SENT_AT_ONCE)
    ids = known_objects(lake, window, [row["request_key"] for row in gone.collect()])
    if ids:
        found = lake.spark.createDataFrame([*ids.items()], "request_key string, _id string")
        rows = own.join(F.broadcast(found), "request_key").withColumn("provider_id", F.col("_id"))
        _merge(lake, lake.settle(rows.select(*actions.PAYMENT_INTENTS.column_names)))
        _tell_contradictions(lake, [*ids], window)


def _tell_contradictions(lake: Lake, keys: Sequence[str], window: Window) -> None:
    """Notes requests that were rejected and whose objects came back all the same. The next decision
    sees these objects; why that could be has to be found out by a person."""
    if keys:
        record_quality(
            lake,
            [{"table": actions.PAYMENT_INTENTS.path, "check": "rejected_but_there",
              "ds": window.last, "rows": len(keys), "detail": ", ".join(sorted(keys)[:20])}],
        )  # fmt: skip


def _own(lake: Lake, window: Window) -> DataFrame:
    since = window.last - OWN_LOOK_BACK
    return lake.read(actions.PAYMENT_INTENTS).where(F.col("ds") >= F.lit(since))


def _withdraw(lake: Lake, gateway: Gateway, wanted: DataFrame, window: Window) -> None:
    """Takes back what was never sent and is not asked for any more."""
    own = _own(lake, window)
    keys = payment_requests.no_longer_wanted(own, wanted)
    gone = _requests(own.join(keys, "request_key", "left_semi").limit(SENT_AT_ONCE))
    if gone:
        taken_back = gateway.withdraw(gone)
        log.info("%d planned requests are not wanted any more", len(taken_back.keys))
        keep(lake, gateway, gateway.unreported(), window)


def _rows(new: DataFrame, planning: Planning) -> DataFrame:
    """Planned requests as rows of the table; the journal and its clock sign them."""
    empty = {
        name: F.lit(None).cast(actions.PAYMENT_INTENTS.column(name).type) for name in FROM_OUTCOME
    }
    signed = {
        "journal_id": F.lit(planning.journal_id),
        "planned_at": F.lit(planning.at),
        "state": F.lit("PLANNED"),
        "attempts": F.lit(0),
        "needs_person": F.lit(False),
    }
    return new.withColumns(empty | signed).select(*actions.PAYMENT_INTENTS.column_names)


def _merge(lake: Lake, rows: DataFrame) -> None:
    table = actions.PAYMENT_INTENTS
    lake.merge(table, rows, lake.partitions_of(table, rows))


def _requests(rows: DataFrame) -> list[Request]:
    from jobs.gateway.request import Request, State

    names = (
        "operation", "order_id", "payment_no", "request_no", "legal_entity", "payment_intent_id",
        "customer_id", "amount_minor", "currency", "body", "body_sha256", "journal_id", "attempts",
    )  # fmt: skip
    return [
        Request(
            key=row["request_key"],
            planned_at=row["planned_at"].replace(tzinfo=UTC),
            state=State(row["state"]),
            **{name: row[name] for name in names},
        )
        for row in rows.toLocalIterator()
    ]


def _told(outcome: Outcome) -> tuple[object, ...]:
    values = [getattr(outcome, name) for name in FROM_OUTCOME]
    return (outcome.key, *(str(v) if isinstance(v, StrEnum) else v for v in values))
