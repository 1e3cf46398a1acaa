"""Starts the sandbox: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import events
from sandbox.api import Api
from sandbox.clock import RUNNING, Clock, Setting, instant
from sandbox.control import CLOCK_NOTE
from sandbox.faults import BadPlan, Plan
from sandbox.limits import Limits
from sandbox.server import Server
from sandbox.store import Store
from sandbox.webhooks import Deliveries

EXAMPLES = """examples:
  python -m sandbox
  python -m sandbox --port 0 --db build/stripe.db --now 2026-06-30T12:00:00Z --no-limits
  python -m sandbox --webhook http://127.0.0.1:12112/webhooks --webhook-secret whsec_local
  python -m sandbox --faults plan.json

The first line of standard output is one JSON object with the URL. The test cards, the fault plan
and the control endpoint are in sandbox/README.md."""
LOOKED_AGAIN_SECONDS = 0.25
log = logging.getLogger("sandbox")
TURNS_BETWEEN_PRUNING = 40


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A stateful local Stripe on loopback.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--port", type=_port, default=12111, help="0 picks a free one (12111)")
    parser.add_argument("--db", default=":memory:", help="SQLite file of the state (in memory)")
    parser.add_argument("--faults", type=Path, help="JSON file with a fault plan")
    parser.add_argument("--webhook", type=_url, help="URL that events are delivered to")
    parser.add_argument("--webhook-secret", default="whsec_sandbox", help="signs deliveries")
    parser.add_argument("--no-limits", action="store_true", help="no 429 by rate")
    parser.add_argument("--now", help="ISO instant from which the clock runs on (real time, or "
                        "where the database's clock was)")  # fmt: skip
    return parser.parse_args(given)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _url(text: str) -> str:
    place = urlsplit(text)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL like http://127.0.0.1:12112/webhooks")
    return text


def main(given: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    options = arguments(given)
    try:
        store, plan = _store(options.db), Plan(_plan(options.faults))
        clock = _clock(store, options.now)
        deliveries = Deliveries(store, clock, plan, options.webhook, options.webhook_secret)
        limits = None if options.no_limits else Limits(clock.ticking)
        server = _server(options.port, Api(store, clock, limits, plan, deliveries))
    except (BadPlan, OSError, ValueError, sqlite3.Error) as error:
        print(f"python -m sandbox: {error}", file=sys.stderr)
        return 2
    _serve(server, deliveries)
    store.close()
    return 0


def _serve(server: Server, deliveries: Deliveries) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    deliveries.start()
    keeping = threading.Thread(target=_housekeeping, args=(server,), daemon=True)
    keeping.start()
    print(json.dumps({"url": server.url, "pid": os.getpid()}), flush=True)
    server.serve_forever(poll_interval=0.1)
    server.finish()
    keeping.join()
    deliveries.stop()


def _housekeeping(server: Server) -> None:
    """Holds end although nobody calls; keys and events are forgotten."""
    api = server.api
    for turn in itertools.count():
        if server.stopping.wait(LOOKED_AGAIN_SECONDS):
            return
        try:
            api.run_timers()
            if turn % TURNS_BETWEEN_PRUNING == 0:
                with api.store.transaction():
                    api.keys.prune(api.clock.now())
                    events.prune(api.context())
        except Exception:
            log.exception("housekeeping broke; it goes on")


def _store(path: str) -> Store:
    try:
        return Store(path)
    except sqlite3.Error as error:
        in_use = "locked" in str(error)
        remedy = "another sandbox is using it" if in_use else "name a file that it may make"
        raise OSError(f"--db {path}: {error}; {remedy}") from None


def _server(port: int, api: Api) -> Server:
    try:
        return Server(port, api)
    except OSError as error:
        raise OSError(f"--port {port}: {error.strerror}; 0 picks a free one") from None


def _plan(path: Path | None) -> Any:
    try:
        return json.loads(path.read_text()) if path else []
    except (OSError, json.JSONDecodeError) as error:
        raise BadPlan(f"--faults {path}: {error}") from None


def _clock(store: Store, now: str | None) -> Clock:
    """As --now says, else as the database left it."""
    clock = Clock()
    if now:
        clock.set(RUNNING, instant(now))
        store.note(CLOCK_NOTE, vars(clock.setting))
    elif kept := store.noted(CLOCK_NOTE):
        clock.setting = Setting(**kept)
    return clock


if __name__ == "__main__":
    sys.exit(main())
