"""The life of a business day as refine sees it: closed, taken in, known."""

from __future__ import annotations

from jobs.history import first_landed
from jobs.lake.io import Lake
from jobs.lake.records import newest_day, record_day
from jobs.window import DAY, Window


def not_refined_yet(lake: Lake, window: Window, job: str) -> Window | None:
    """The days after the job's watermark up to the window's last: what it still has to take in.

    None when the watermark is there already, for it never moves back, or when nothing landed.
    Closes the last day, and with it every earlier one.
    """
    refined, begun = newest_day(lake, "refined", job), first_landed(lake)
    if begun is None or (refined and refined >= window.last):
        return None
    record_day(lake, window.last, "closed", "refine")
    return Window(min(refined + DAY if refined else begun, window.last), window.last)


def ledger_window(lake: Lake, window: Window, job: str) -> Window:
    """The window, begun earlier where days before it have landed that the job has not seen yet.

    A ledger with a hole would give wrong sums for every later day. Closes the last day, and with
    it every earlier one.
    """
    record_day(lake, window.last, "closed", "refine")
    refined = newest_day(lake, "refined", job)
    begin = refined + DAY if refined else first_landed(lake)
    return Window(begin, window.last) if begin and begin < window.first else window
