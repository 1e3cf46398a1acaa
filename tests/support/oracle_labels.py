"""Whether something serious happened to a seller in the sixty days after a snapshot."""

from datetime import date

from tests.support.oracle_asof import DAY, Facts, Known, Row, moment
from tests.support.oracle_view import views_with_row

Label = tuple[bool | None, date, str]
"""high_risk_60d, label_available_on, label_state."""

HORIZON = 60
SERIOUS = ("suspension", "funds_hold", "category_block")


def labels(facts: Facts, zone: str, ds: date, asked: date, lag: int = 0) -> dict[str, Label]:
    """seller_id -> label of every seller with a row on ds, as answered at the end of `asked`.

    `lag` is in business dates. A label is frozen on the day on which it is available.
    """
    available_on = ds + DAY * (HORIZON + lag)
    later = Known(facts, zone, min(asked, available_on))
    answers: dict[str, Label] = {}
    for view in views_with_row(facts, zone, ds):
        if is_suspended(view.rows("enforcement_actions"), view.known):
            answers[view.seller_id] = None, available_on, "not_at_risk"
        elif asked < available_on:
            answers[view.seller_id] = None, available_on, "immature"
        else:
            actions = later.rows("enforcement_actions", seller_id=view.seller_id)
            high_risk = any(is_serious(action, later, ds) for action in actions)
            answers[view.seller_id] = high_risk, available_on, "mature"
    return answers


def is_serious(action: Row, known: Known, ds: date) -> bool:
    """A serious action on one of the sixty business dates after ds."""
    day = known.date_of(action["occurred_at"])
    return action["action"] in SERIOUS and ds < day <= ds + DAY * HORIZON


def is_suspended(actions: list[Row], known: Known) -> bool:
    """The last suspension or reinstatement is a suspension that has no end before or at T."""
    turns = [row for row in actions if row["action"] in ("suspension", "reinstatement")]
    last = max(turns, key=moment, default=None)
    if last is None or last["action"] == "reinstatement":
        return False
    return last["until"] is None or last["until"] > known.end
