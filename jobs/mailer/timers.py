"""When a step is due, and when it is stale: the reference for every other writing of it.

Hours are elapsed time: 12 hours over a change of the clocks are 12 hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from conf.notice_settings import Step


def due_at(step: Step, since: datetime) -> datetime:
    """The first instant at which the notice may go, before quiet hours are looked at."""
    return since + timedelta(hours=step.after_hours)


def expires_at(step: Step, since: datetime) -> datetime:
    """The first instant at which it may no longer go."""
    return due_at(step, since) + timedelta(hours=step.stale_after_hours)


def holds(step: Step, since: datetime | None, done_at: datetime | None, now: datetime) -> bool:
    """True if the step is due at `now` and not stale. `since` None: nothing to wait for has begun;
    `done_at`: when what it waits for happened, None or after now if it has not."""
    if since is None or (done_at is not None and done_at <= now):
        return False
    return due_at(step, since) <= now < expires_at(step, since)
