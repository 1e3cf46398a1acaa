"""The demo's orders with held payments: a few orders, a local Stripe, a local mail server.

Each order ends in another way: captured, cancelled, declined, expired, waiting for its buyer, held.
The clocks of the provider, the gateway and the mailer stand where the story is.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from conf.settings import Settings
from conf.tables import actions, decisions, silver
from jobs import orders
from jobs.lake.io import Lake
from jobs.runner import run_job
from jobs.window import Window

log = logging.getLogger("demo")

FIRST, LAST = date(2026, 7, 1), date(2026, 7, 6)
PLACED_AT = datetime(2026, 7, 1, 5, 0, tzinfo=UTC)
STOPS = (
    datetime(2026, 7, 1, 6, 0, tzinfo=UTC),
    datetime(2026, 7, 1, 18, 45, tzinfo=UTC),
    datetime(2026, 7, 2, 0, 0, tzinfo=UTC),
    datetime(2026, 7, 6, 12, 0, tzinfo=UTC),
    datetime(2026, 7, 6, 12, 15, tzinfo=UTC),
)
"""When run.orders looks: to hold; after sellers confirmed, or did not; as the day ends; after a
hold has ended; for what was said of that."""
CARDS = {
    "demo-captured": "pm_card_visa",
    "demo-cancelled": "pm_card_visa",
    "demo-declined": "pm_card_chargeDeclinedLostCard",
    "demo-expired": "pm_card_shortHold",
    "demo-authenticates": "pm_card_authenticationRequired",
    "demo-held": "pm_card_mastercard",
}
LATE = datetime(2026, 7, 6, 5, 0, tzinfo=UTC)
"""When `demo-held` is placed, so that it is held at the end."""
STARTS_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Around:
    """The processes around the lake: address of the local Stripe, folder of the mails."""

    stripe: str
    mails: Path

    def at(self, instant: datetime) -> None:
        """Sets all clocks to an instant."""
        os.environ["MARKETPLACE_NOW"] = instant.isoformat()
        content = json.dumps({"mode": "frozen", "at": instant.isoformat()}).encode()
        url = f"{self.stripe}/_control/clock"
        with urllib.request.urlopen(urllib.request.Request(url, content), timeout=60) as answer:
            answer.read()


def play(lake: Lake, settings: Settings, folder: Path, run_id: str) -> None:
    """Lands the orders and takes them through six days; a second time nothing is left to do."""
    landing = folder / "landing"
    if not lake.read(decisions.PAYMENTS).where(F.col("ds") == F.lit(LAST)).isEmpty():
        log.info("orders with held payments: they are there")
        return
    _land(lake, landing)
    with _around(folder) as around:
        for instant in STOPS:
            around.at(instant)
            log.info("run.orders --until %s --act", instant)
            options: Mapping[str, Any] = {"until": instant, "landing": str(landing), "act": True}
            window = Window.day((instant - timedelta(microseconds=1)).date())
            orders.run(lake, settings, window, **options)
        run_job("report.order_operations", lake, settings, Window.day(LAST), run_id, {})


def summary(lake: Lake, folder: Path) -> None:
    """What became of the payments, the requests and the notices."""
    print(f"\nOrders with held payments, as of {STOPS[-1]}\n")
    decided = lake.read(decisions.PAYMENTS).where(F.col("order_id").startswith("demo-"))
    newest = decided.groupBy("order_id").agg(
        F.max_by(F.struct("state", "currency", "authorized_minor", "captured_minor"), "ds").alias(
            "p"
        )
    )
    for row in newest.orderBy("order_id").collect():
        state = row["p"]
        print(f"  {row['order_id']:20} {state['state']:16} held {state['authorized_minor']:>7}"
              f"  captured {state['captured_minor']:>7} {state['currency']} minor")  # fmt: skip
    for table, what in ((actions.PAYMENT_INTENTS, "operation"), (actions.NOTICES, "step")):
        counts = lake.read(table).groupBy(what, "state").count().orderBy(what, "state").collect()
        told = ", ".join(f"{row['count']} {row[what]} {row['state'].lower()}" for row in counts)
        print(f"  {table.path:24} {told}")
    mails = len([*(folder / "mails").glob("new/*")])
    print(f"  mails at the local server {mails}: {folder}/mails/new")
    print(f"  page    {folder}/lake/pages/orders/{LAST}.html")


@contextmanager
def _around(folder: Path) -> Iterator[Around]:
    """A local Stripe and a local mail server, for as long as the block lasts."""
    with ExitStack() as last:
        sandbox = _started(
            last, ["-m", "sandbox", "--port", "0", "--db", str(folder / "stripe.sqlite"),
                   "--no-limits"], folder / "stripe.log",
        )  # fmt: skip
        assert sandbox.stdout is not None
        stripe = json.loads(sandbox.stdout.readline())["url"]
        port = _free_port()
        _started(
            last, ["-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}", "-c",
                   "aiosmtpd.handlers.Mailbox", str(folder / "mails")], folder / "smtp.log",
        )  # fmt: skip
        _wait_for(port)
        mine = {
            "STRIPE_API_BASE": stripe, "MARKETPLACE_MAIL_SENDER": "smtp",
            "MARKETPLACE_SMTP_HOST": "127.0.0.1", "MARKETPLACE_SMTP_PORT": str(port),
        }  # fmt: skip
        before = {name: os.environ.get(name) for name in (*mine, "MARKETPLACE_NOW")}
        last.callback(_restore, before)
        os.environ |= mine
        yield Around(stripe, folder / "mails")


def _started(last: ExitStack, command: list[str], log_file: Path) -> subprocess.Popen[str]:
    output = last.enter_context(log_file.open("a"))
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=output, text=True
    )
    last.callback(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(STARTS_WITHIN_SECONDS)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _land(lake: Lake, landing: Path) -> None:
    """Landing files of the story, about listings that are on offer."""
    offers = (
        lake.read(silver.LISTINGS)
        .where("status = 'active'")
        .join(lake.read(silver.SELLERS).where("status = 'active' and marketplace = 'DE'")
              .select("seller_id"), "seller_id")
        .orderBy("listing_id")
        .limit(len(CARDS))
        .collect()
    )  # fmt: skip
    buyer = lake.read(silver.BUYERS).where("country = 'DE'").orderBy("buyer_id").first()
    assert buyer is not None
    rows: dict[tuple[str, date], list[dict[str, Any]]] = {}

    def put(entity: str, at: datetime, **payload: Any) -> None:
        of_day = rows.setdefault((entity, at.date()), [])
        stamp = at.isoformat()
        of_day.append({"event_id": f"demo-{entity}-{at.date()}-{len(of_day)}",
                       "occurred_at": stamp, "known_at": stamp, **payload})  # fmt: skip

    for (order_id, card), offer in zip(CARDS.items(), offers, strict=True):
        at = LATE if order_id == "demo-held" else PLACED_AT
        price = offer["price_minor"]
        put("orders", at, order_id=order_id, buyer_id=buyer["buyer_id"],
            currency=offer["currency"], total_minor=price, shipping_minor=0, tax_minor=0,
            discount_minor=0, payment_method="card", shipping_country="DE",
            payment_method_id=card)  # fmt: skip
        put("order_items", at, order_id=order_id, line_no=1, seller_id=offer["seller_id"],
            listing_id=offer["listing_id"], category=offer["category"], quantity=1,
            unit_price_minor=price, line_total_minor=price, shipping_minor=0, tax_minor=0,
            currency=offer["currency"], fulfillment="merchant",
            ship_by=(at + timedelta(days=2)).isoformat(),
            deliver_by=(at + timedelta(days=5)).isoformat())  # fmt: skip
        seller = offer["seller_id"]
        later = at + timedelta(hours=4)
        if order_id == "demo-captured":
            put("order_events", later, order_event_id=f"{order_id}-1", order_id=order_id,
                seller_id=seller, event="confirmed", actor="seller")  # fmt: skip
        elif order_id == "demo-cancelled":
            put("order_events", later, order_event_id=f"{order_id}-1", order_id=order_id,
                event="cancelled", actor="buyer", reason="changed my mind")  # fmt: skip
    for (entity, ds), of_day in rows.items():
        file = landing / entity / f"ds={ds}" / "demo.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in of_day))
