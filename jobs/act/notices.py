"""Act: send the notices that have fallen due, and keep what became of each.

The outbox has one row a step of an order. A notice is looked at again before it goes: what does not
hold any more is withdrawn, what is stale is never sent. Exit code 4: the mail server is away.

examples:
  ./spark-submit.sh act.notices --ds 2026-06-30
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from conf.notice_settings import NoticesPolicy, load_notices_policy
from conf.settings import Settings
from conf.tables import actions, decisions, silver
from features import notices
from features.decided import newest as newest_decided
from jobs.errors import OutsideUnavailable
from jobs.lake.io import Lake
from jobs.window import Window

if TYPE_CHECKING:
    from jobs.mailer.notice import Notice, Outcome

READS = (
    decisions.FOLLOW_UPS, decisions.ORDERS, actions.NOTICES, silver.SELLERS, silver.BUYERS,
    silver.LISTINGS,
)  # fmt: skip
WRITES = (actions.NOTICES,)
LEASE = False
TURN_PATIENCE_SECONDS = 600

OPEN_BACK = timedelta(days=14)
"""No notice of the policy stays open for longer."""
STANDING_BACK = timedelta(days=60)
SENT_AT_ONCE = 5_000
STATES = {"sent": "SENT", "stale": "STALE", "undeliverable": "UNDELIVERABLE"}

log = logging.getLogger(__name__)


def run(lake: Lake, settings: Settings, window: Window) -> None:
    from jobs.clock import clock_for
    from jobs.gateway.access import access_for, gateway_folder
    from jobs.mailer.notice import unavailable
    from jobs.mailer.opened import open_mailer

    policy = load_notices_policy()
    # A backfill sends nothing.
    window.require_newest(lake.newest_ds(decisions.FOLLOW_UPS), "notices are sent")
    clock = clock_for(access_for(settings).mode)
    with open_mailer(
        policy, settings.env, gateway_folder(settings) / "mailer", clock, os.environ
    ) as opened:
        with lake.turn():
            _plan(lake, window, policy)
            _withdraw(lake, window)
        to_send = _notices(lake, window, policy, opened.operations_address)
        outcomes = opened.mailer.send(to_send)
        with lake.turn():
            _keep(lake, window, outcomes)
    if reason := unavailable(outcomes):
        raise OutsideUnavailable(f"some notices stay planned: {reason}")


def _plan(lake: Lake, window: Window, policy: NoticesPolicy) -> None:
    """One commit of the notices that fell due and are not in the outbox."""
    since = window.last - timedelta(days=policy.look_back_days)
    due = lake.read(decisions.FOLLOW_UPS).where(F.col("ds").between(since, window.last))
    known = lake.read(actions.NOTICES).select("notice_key")
    new = notices.keyed(due).join(known, "notice_key", "left_anti")
    planned = notices.planned(new, lake.read(silver.LISTINGS), lake.read(silver.SELLERS))
    _merge(lake, planned.select(*actions.NOTICES.column_names))


def _withdraw(lake: Lake, window: Window) -> None:
    """Marks what the order does not need any more."""
    decided = lake.read(decisions.ORDERS).where(
        F.col("ds").between(window.last - STANDING_BACK, window.last)
    )
    parts = newest_decided(decided).select("order_id", "seller_id", "progress")
    gone = notices.no_longer_needed(_open(lake, window), parts)
    marked = gone.withColumns(
        {"state": F.lit("WITHDRAWN"), "next_attempt_at": F.lit(None).cast("timestamp")}
    )
    _merge(lake, marked.select(*actions.NOTICES.column_names))


def _notices(
    lake: Lake, window: Window, policy: NoticesPolicy, operations_address: str
) -> list[Notice]:
    """The open notices with what is looked up at send time and stored nowhere: addresses."""
    to_whom = notices.with_recipients(
        _open(lake, window), lake.read(silver.SELLERS), lake.read(silver.BUYERS)
    )
    due = F.coalesce("next_attempt_at", "due_at")
    first = to_whom.orderBy(due, "notice_key").limit(SENT_AT_ONCE)
    return [_notice(row, policy, operations_address) for row in first.toLocalIterator()]


def _notice(row: Row, policy: NoticesPolicy, operations_address: str) -> Notice:
    from jobs.mailer.notice import Facts, Notice

    facts: Mapping[str, Any] = json.loads(row["facts"])
    to_operations = row["recipient_kind"] == "operations"
    return Notice(
        key=row["notice_key"], mail_key=row["mail_key"], order_id=row["order_id"],
        seller_id=row["seller_id"] or None, step=row["step"],
        recipient_kind=row["recipient_kind"], recipient_id=row["recipient_id"],
        country=row["country"], language=policy.spoken(policy.language(row["country"])),
        due_at=_utc(row["due_at"]), expires_at=_utc(row["expires_at"]),
        facts=Facts(
            order_number=row["order_id"], amount_minor=facts["amount_minor"],
            currency=facts["currency"], since=datetime.fromisoformat(facts["since"]),
            titles=tuple(facts["titles"]), seller_name=facts.get("seller_name") or "",
            until=datetime.fromisoformat(facts["until"]) if facts.get("until") else None,
        ),
        attempts=row["attempts"],
        address=operations_address if to_operations else row["address"],
        recipient_name=row["recipient_name"] or "",
    )  # fmt: skip


def _keep(lake: Lake, window: Window, outcomes: Iterable[Outcome]) -> None:
    """One commit of what became of the notices."""
    told = [
        (o.key, STATES.get(o.state, "PLANNED"), o.state in ("sent", "failed"), o.at, o.next_at,
         o.reason)
        for o in outcomes
        if o.state != "unavailable"
    ]  # fmt: skip
    if told:
        schema = (
            "notice_key string, new_state string, tried boolean, at timestamp, next_at timestamp, "
            "reason string"
        )
        given = F.broadcast(lake.spark.createDataFrame(told, schema))
        settled = F.col("new_state") != "PLANNED"
        rows = _open(lake, window).join(given, "notice_key").withColumns(
            {
                "state": F.col("new_state"),
                "attempts": F.col("attempts") + F.col("tried").cast("int"),
                "settled_at": F.when(settled, F.col("at")),
                "next_attempt_at": F.col("next_at"),
                "error": F.col("reason"),
            }
        )  # fmt: skip
        _merge(lake, rows.select(*actions.NOTICES.column_names))


def _merge(lake: Lake, rows: DataFrame) -> None:
    settled = lake.settle(rows)
    lake.merge(actions.NOTICES, settled, lake.partitions_of(actions.NOTICES, settled))


def _outbox(lake: Lake, window: Window) -> DataFrame:
    since = window.last - OPEN_BACK
    return lake.read(actions.NOTICES).where(F.col("ds") >= F.lit(since))


def _open(lake: Lake, window: Window) -> DataFrame:
    return _outbox(lake, window).where(F.col("state") == "PLANNED")


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)
