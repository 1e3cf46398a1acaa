"""Random histories whose sellers meet enforcement around the sixtieth day after their snapshots."""

from datetime import date

from tests.support.histories import days_of, random_history, setting_of
from tests.support.oracle_asof import DAY
from tests.support.oracle_chance import History

LATER = 58
"""Days from the first day of a history to the first of what follows."""


def history_with_aftermath(seed: int) -> History:
    """`random_history(seed)`, and the enforcement of a second history that begins 58 days later."""
    zone, start = setting_of(seed)
    facts = random_history(seed)
    second = random_history(seed + 1000, zone=zone, start=start + LATER * DAY)
    for row in second["enforcement_actions"]:
        again = {"action_id": f"A-{row['action_id']}", "event_id": f"A-{row['event_id']}"}
        file = f"aftermath/{row['source_file']}"
        facts["enforcement_actions"].append({**row, **again, "source_file": file})
    return facts


def asked_days(seed: int, ds: date) -> list[date]:
    """When to ask for the labels of ds: early, around maturity, and long after."""
    last = days_of(seed)[-1] + LATER * DAY
    return [ds, ds + 59 * DAY, ds + 60 * DAY, ds + 61 * DAY, ds + 64 * DAY, last + 30 * DAY]


def snapshot_days(days: list[date]) -> list[date]:
    """The days of a history, and those on which the windows of 30 and 90 days lose it again."""
    return [*days, *(day + lost * DAY for lost in (30, 90) for day in days[:13])]
