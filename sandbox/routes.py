"""Every endpoint: method and path template, form, what it answers with, and who does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox import balance, customers, events, intents, payment_methods, refunds
from sandbox import resource_forms as forms
from sandbox.context import Context
from sandbox.forms import Form
from sandbox.lists import list_form, listed
from sandbox.store import Doc

Endpoint = Callable[[Context, str, dict[str, Any]], Doc]


@dataclass(frozen=True)
class Route:
    """`id` in the template stands for one object id. `kind`: what is answered, or listed."""

    method: str
    template: str
    form: Form
    kind: str
    run: Endpoint

    @property
    def lists(self) -> bool:
        return self.method == "GET" and not self.template.endswith(":id")


def _retrieve(path: str, kind: str, param: str = "id") -> Route:
    def run(context: Context, id_: str, _: dict[str, Any]) -> Doc:
        return context.need(kind, id_, param)

    return Route("GET", f"/v1/{path}/:id", forms.RETRIEVE, kind, run)


def _list(path: str, kind: str, *filters: str) -> Route:
    def run(context: Context, _: str, params: dict[str, Any]) -> Doc:
        return listed(context, kind, f"/v1/{path}", params)

    return Route("GET", f"/v1/{path}", list_form(*filters), kind, run)


def _create(
    path: str, kind: str, form: Form, run: Callable[[Context, dict[str, Any]], Doc]
) -> Route:
    return Route("POST", f"/v1/{path}", form, kind, lambda context, _, params: run(context, params))


def _act(path: str, kind: str, form: Form, run: Endpoint) -> Route:
    return Route("POST", f"/v1/{path}", form, kind, run)


PI = "payment_intent"
ROUTES: Sequence[Route] = (
    _create("customers", "customer", forms.CREATE_CUSTOMER, customers.create),
    _list("customers", "customer", "created"),
    _retrieve("customers", "customer"),
    _act("customers/:id", "customer", forms.UPDATE_CUSTOMER, customers.update),
    _create("payment_methods", "payment_method", forms.CREATE_METHOD, payment_methods.create),
    _list("payment_methods", "payment_method", "customer", "type"),
    _retrieve("payment_methods", "payment_method"),
    _act("payment_methods/:id/attach", "payment_method", forms.ATTACH_METHOD,
         payment_methods.attach),
    _create("payment_intents", PI, forms.CREATE_INTENT, intents.create),
    _list("payment_intents", PI, "customer", "created"),
    _retrieve("payment_intents", PI, "intent"),
    _act("payment_intents/:id", PI, forms.UPDATE_INTENT, intents.update),
    _act("payment_intents/:id/confirm", PI, forms.CONFIRM_INTENT, intents.confirm),
    _act("payment_intents/:id/capture", PI, forms.CAPTURE_INTENT, intents.capture),
    _act("payment_intents/:id/cancel", PI, forms.CANCEL_INTENT, intents.cancel),
    _retrieve("charges", "charge", "charge"),
    _list("charges", "charge", "customer", "payment_intent", "transfer_group", "created"),
    _create("refunds", "refund", forms.CREATE_REFUND, refunds.create),
    _list("refunds", "refund", "charge", "payment_intent", "created"),
    _retrieve("refunds", "refund"),
    Route("GET", "/v1/balance_transactions/:id", forms.RETRIEVE, "balance_transaction",
          balance.retrieve),
    Route("GET", "/v1/balance_transactions",
          list_form("created", "currency", "source", "type"), "balance_transaction", balance.page),
    Route("GET", "/v1/events/:id", forms.RETRIEVE, "event", events.retrieve),
    Route("GET", "/v1/events", list_form("created", "type", "types"), "event", events.page),
)  # fmt: skip

_EXACT = {(route.method, route.template): route for route in ROUTES}
_PATHS = {route.template for route in ROUTES}


def template_of(path: str) -> tuple[str, str]:
    """(template, id) of a path: limits and counts go by template. Unknown paths: ("", "")."""
    if path in _PATHS:
        return path, ""
    parts = path.split("/")
    if len(parts) > 3:
        id_, parts[3] = parts[3], ":id"
        template = "/".join(parts)
        if template in _PATHS and id_:
            return template, id_
    return "", ""


def route_of(method: str, template: str) -> Route | None:
    return _EXACT.get((method, template))
