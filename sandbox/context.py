"""What an endpoint works with: the state, the time, and the request that it serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.errors import missing
from sandbox.ids import new_id
from sandbox.store import Doc, Store

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True)
class Context:
    """`now` in whole epoch seconds. `announce` is given every event that is written."""

    store: Store
    now: int
    announce: Callable[[Doc, int], None]
    request_id: str | None = None
    idempotency_key: str | None = None

    def need(self, kind: str, id_: str, param: str = "id", status: int = 404) -> Doc:
        """The object, or Refused: 404 for one in the path, 400 for one that `param` names."""
        found = self.store.get(id_, kind)
        if found is None:
            raise missing(kind, id_, param, status)
        return found

    def emit(self, type_: str, doc: Doc, previous: Doc | None = None) -> None:
        """Writes an event with the object as it is now."""
        data: dict[str, Any] = {"object": public(doc)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": new_id("event"), "object": "event", "api_version": API_VERSION,
            "created": self.now, "data": data, "livemode": False, "pending_webhooks": 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": type_,
        }  # fmt: skip
        self.store.insert(event)
        self.announce(event, self.now)


def public(doc: Doc) -> Doc:
    """The object as the API shows it: without the sandbox's own notes, which begin with `_`."""
    return {name: value for name, value in doc.items() if not name.startswith("_")}
