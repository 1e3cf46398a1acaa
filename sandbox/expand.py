"""`expand[]`: ids replaced by their objects, up to four levels deep, on lists below `data`."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.context import Context, public
from sandbox.errors import invalid
from sandbox.store import Doc

DEEPEST = 4
EXPANDABLE = {
    "payment_intent": {
        "customer": "customer", "latest_charge": "charge", "payment_method": "payment_method",
    },
    "charge": {
        "balance_transaction": "balance_transaction", "customer": "customer",
        "payment_intent": "payment_intent",
    },
    "refund": {
        "balance_transaction": "balance_transaction", "charge": "charge",
        "payment_intent": "payment_intent",
    },
    "payment_method": {"customer": "customer"},
    "balance_transaction": {"source": "source"},
}  # fmt: skip
SOURCES = {"ch": "charge", "py": "charge", "re": "refund", "pyr": "refund"}


def check_expand(paths: Sequence[str], kind: str, listed: bool) -> None:
    """Refuses, before anything is done, a path that leads nowhere."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST + listed:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property: {path}",
                          param="expand")  # fmt: skip
        if listed and steps[0] != "data":
            raise invalid(f"This property cannot be expanded ({path}). You may want to try "
                          f"expanding 'data.{path}' instead.", param="expand")  # fmt: skip
        _follow(kind, steps[listed:], path)


def _follow(kind: str, steps: Sequence[str], path: str) -> None:
    for step in steps:
        kind = EXPANDABLE.get(kind, {}).get(step, "")
        if not kind:
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")
        if kind == "source":
            return


def expanded(context: Context, doc: Doc, paths: Sequence[str]) -> Doc:
    """The object with what was asked for in place of ids; nulls stay."""
    for path in paths:
        steps = path.split(".")
        if doc["object"] == "list":
            for item in doc["data"]:
                _expand(context, item, steps[1:])
        else:
            _expand(context, doc, steps)
    return doc


def _expand(context: Context, doc: Doc, steps: Sequence[str]) -> None:
    if not steps:
        return
    value = doc.get(steps[0])
    if isinstance(value, str):
        kind = EXPANDABLE.get(doc["object"], {}).get(steps[0])
        kind = SOURCES[value.partition("_")[0]] if kind == "source" else kind
        found = context.store.get(value, kind) if kind else None
        value = public(found) if found else None
        doc[steps[0]] = value or doc[steps[0]]
    if isinstance(value, dict):
        _expand(context, value, steps[1:])
