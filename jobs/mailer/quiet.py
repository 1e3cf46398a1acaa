"""When quiet hours end, by a wall clock that may jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from conf.notice_settings import QuietHours

HOUR = 3600


def is_quiet(at: datetime, quiet: QuietHours, zone: tzinfo) -> bool:
    return quiet.cover(at.astimezone(zone).time())


def first_open(at: datetime, quiet: QuietHours | None, zone: tzinfo) -> datetime:
    """The first instant from `at` on at which the wall clock in `zone` is outside quiet hours.

    While the offset stays, the wall clock runs to the end of the quiet hours; where a change of
    the clocks comes first, it is looked at anew from there. So an end that the clocks leap over is
    the moment of the leap, and of an hour that comes twice the first open moment counts.
    """
    at = at.astimezone(UTC)
    while quiet and is_quiet(at, quiet, zone):
        wall = at.astimezone(zone).time()
        today = datetime.combine(date.min, wall)
        left = (datetime.combine(date.min, quiet.ends) - today) % timedelta(days=1)
        at = _next_change(at, at + left, zone) or at + left
    return at


def _next_change(after: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    """The first change of the offset in (after, until], to the second; None if there is none."""
    begin, last = int(after.timestamp()), int(until.timestamp())
    for low in range(begin, last, HOUR):  # two changes within an hour do not exist
        high = min(low + HOUR, last)
        if _offset(low, zone) != _offset(high, zone):
            while high - low > 1:
                middle = (low + high) // 2
                same = _offset(middle, zone) == _offset(low, zone)
                low, high = (middle, high) if same else (low, middle)
            return datetime.fromtimestamp(high, UTC)
    return None


def _offset(second: int, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
