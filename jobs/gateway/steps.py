"""What to do next for a request that is not settled. Pure: instants in, a step out.

| state | age of the first attempt | operation | step |
| --- | --- | --- | --- |
| PLANNED | under 23 h, or never attempted | any | send |
| PLANNED | older: refused by 409 or 429 for a day | any | it is UNKNOWN from now on |
| UNKNOWN | under 23 h | authorize | send the same key and bytes again |
| UNKNOWN | under 23 h, its key replays a 5xx | authorize | look it up |
| UNKNOWN | 23 h and more | authorize | look it up; never send again |
| UNKNOWN | any | capture, cancel | read the intent; while it is open, as below |

A look-up that finds the object settles the request; an intent that the provider does not know
settles its capture or cancellation, for a person to look. One that does not find what it is for:

| operation | when | then |
| --- | --- | --- |
| authorize | under 24 h since the last attempt | proves nothing: look again, at the latest then |
| authorize | later | REJECTED never_arrived: the planner may plan a new request number |
| capture, cancel | its key replays a 5xx, or a third attempt was a 5xx | REJECTED not_applied |
| capture, cancel | 24 h and more since the last attempt | REJECTED not_applied |
| capture, cancel | under 23 h since the first attempt | send the same key and bytes again |
| capture, cancel | else | read again, at the latest 24 h after the last attempt |

`not_applied` is harmless where `never_arrived` would not be: an intent is captured or canceled at
most once, whatever its keys. 23 h and not 24: the provider may forget a key after 24 h
(docs.stripe.com/api/idempotent_requests), and then the same key makes a second object. A request
whose first attempt lies in the future (a clock went back) is looked up, never sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from jobs.gateway.entry import Entry
from jobs.gateway.judge import REPLAYED, Verdict
from jobs.gateway.request import State

SAME_KEY_FOR = timedelta(hours=23)
PROOF_AFTER = timedelta(hours=24)
CLOCK_MARGIN = timedelta(minutes=5)
SERVER_ERRORS = 3
"""So many attempts, the last a whole 5xx: the key is taken to replay it."""


class Step(Enum):
    SEND = "send"
    LOOK_UP = "look up"


def next_step(entry: Entry, creates: bool, now: datetime) -> Step:
    """The first step for an open request; `creates`: its object has no id before it is accepted."""
    if entry.state is State.PLANNED and entry.first_attempt_at is None:
        return Step.SEND
    if entry.state is State.PLANNED and same_key_is_safe(entry, now):
        return Step.SEND
    if creates and same_key_is_safe(entry, now) and entry.error_code != REPLAYED:
        return Step.SEND
    return Step.LOOK_UP


def after_not_found(entry: Entry, creates: bool, now: datetime) -> Verdict | Step | datetime:
    """What a look-up without a result means: a verdict, sending again, or the latest instant at
    which to look again."""
    last = entry.last_attempt_at or now
    proven_at = last + PROOF_AFTER
    if creates:
        return Verdict(State.REJECTED, "never_arrived") if now >= proven_at else proven_at
    replays = entry.error_code == REPLAYED or (
        entry.attempts >= SERVER_ERRORS and (entry.http_status or 0) >= 500
    )
    if replays or now >= proven_at:
        return Verdict(State.REJECTED, "not_applied")
    return Step.SEND if same_key_is_safe(entry, now) else proven_at


def same_key_is_safe(entry: Entry, now: datetime) -> bool:
    """The provider still knows the key, if it ever saw it: sending again cannot happen twice."""
    first = entry.first_attempt_at
    return first is not None and -CLOCK_MARGIN <= now - first < SAME_KEY_FOR
