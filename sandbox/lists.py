"""Lists as documented: newest first, 1 to 100 a page (10 unless asked), cursors by object id."""

from __future__ import annotations

import json
from typing import Any

from sandbox.context import Context, public
from sandbox.errors import invalid, missing
from sandbox.forms import Field, Form, integer, text, texts, time_range
from sandbox.store import Doc

BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}


def _limit(name: str, raw: Any) -> int:
    found = integer(least=1)(name, raw)
    if found > 100:
        raise invalid(
            "This value must be less than or equal to 100 (it currently is "
            f"'{found}').", "parameter_invalid_integer", name,
        )  # fmt: skip
    return found


def _cursors(params: dict[str, Any]) -> None:
    if "starting_after" in params and "ending_before" in params:
        raise invalid("Received both starting_after and ending_before; pass only one of them.")
    if "type" in params and "types" in params:
        raise invalid("You may pass either type or types, but not both.", param="types")


def list_form(*filters: str) -> Form:
    """`filters`: columns of the store, or `created`, or `types`."""
    fields: dict[str, Field] = {
        "limit": _limit, "starting_after": text(), "ending_before": text(), "expand": texts(),
    }  # fmt: skip
    special: dict[str, Field] = {"created": time_range, "types": texts(20)}
    return Form(fields | {name: special.get(name, text()) for name in filters}, check=_cursors)


def listed(context: Context, kind: str, url: str, params: dict[str, Any], since: int = 0) -> Doc:
    """A page. `since`: what was created before it (epoch seconds) is not there any more."""
    conditions, values = ["object = ?", "created >= ?"], [kind, since]
    _filter(params, conditions, values)
    _seek(context, kind, params, conditions, values)
    limit = params.get("limit", 10)
    backwards = "ending_before" in params
    order = "asc" if backwards else "desc"
    found = context.store.rows(
        f"select document from objects where {' and '.join(conditions)} "
        f"order by created {order}, seq {order} limit ?",
        [*values, limit + 1],
    )
    page = [public(json.loads(document)) for (document,) in found[:limit]]
    data = page[::-1] if backwards else page
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": data}


def _filter(params: dict[str, Any], conditions: list[str], values: list[Any]) -> None:
    for name in ("customer", "payment_intent", "charge", "transfer_group", "source", "type"):
        if name not in params:
            continue
        wildcard = name == "type" and "*" in params[name]
        conditions.append(f"{name} {'glob' if wildcard else '='} ?")
        values.append(params[name])
    for bound, second in params.get("created", {}).items():
        conditions.append(f"created {BOUNDS[bound]} ?")
        values.append(second)
    if types := params.get("types"):
        conditions.append(f"type in ({', '.join('?' * len(types))})")
        values += types


def _seek(
    context: Context, kind: str, params: dict[str, Any], conditions: list[str], values: list[Any]
) -> None:
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if name not in params:
            continue
        found = context.store.rows(
            "select created, seq from objects where id = ? and object = ?", (params[name], kind)
        )
        if not found:
            raise missing(kind, params[name], name, status=400)
        conditions.append(f"(created, seq) {comparison} (?, ?)")
        values += found[0]
