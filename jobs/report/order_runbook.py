"""What to do about an exit code, and about a request that is stuck: a sentence for each.

docs/runbook.md has the same lines, and more words.
"""

from __future__ import annotations

from collections.abc import Mapping

Line = tuple[int, str, str]
"""(exit code, what it means, what to do)."""

_NO_GATE: Line = (5, "Does not occur: this job has no gate.", "Treat it as 1.")

RUNBOOK: Mapping[str, tuple[Line, ...]] = {
    "act.payment_intents": (
        (0, "All that could go out has gone out.",
         "Nothing. The next run looks up what is UNKNOWN."),
        (1, "A defect, a policy file that does not fit, or a journal that cannot be read.",
         "Read the sentence and run it again; move an unreadable journal away."),
        (2, "Not the newest day or long past, no gateway folder, or a key of another environment.",
         "Nothing was sent. Do what the sentence says."),
        (3, "A request is not what was frozen, or a row broke its contract.",
         "Put the file stop in place and keep the row that is named; the journal knows what went."),
        (4, "Something stays planned: the provider is away or refuses the key, a cap, the file "
            "stop, the time is used up, another sender, or the lake is in use.",
         "Take the reason away and run the same command again: nothing happens twice."),
        _NO_GATE,
    ),
    "act.notices": (
        (0, "What was due was sent; in quiet hours it waits.", "Nothing."),
        (1, "A defect, or a policy file that does not fit.",
         "Read the sentence and run it again; a mail sent twice has the same Message-ID."),
        (2, "Not the newest day, or a setting of the mailer is missing.",
         "Nothing was sent. Set the variable that is named."),
        (3, "A row of the outbox broke its contract; nothing was published.",
         "Repair it and run it again: the mailer's journal knows what was sent."),
        (4, "The mail server is away or lets nobody in, another process is sending, or the lake "
            "is in use.",
         "Run the same command again; what is stale by then is never sent."),
        _NO_GATE,
    ),
    "ingest.stripe_events": (
        (0, "Taken in; refused deliveries are kept with their reasons.",
         "Look at bronze/stripe_events__rejected when it has new rows."),
        (1, "A defect, or a policy file that does not fit.", "Read the sentence and run it again."),
        (2, "Neither --inbox nor --list, no such inbox, or no signing secret.",
         "Give the receiver's folder; set STRIPE_WEBHOOK_SECRET."),
        (3, "Rows broke the table's contract; nothing of that batch was published.",
         "Repair the cause and run it again: the inbox and the provider still have the events."),
        (4, "The provider does not list its events, or the lake is in use.",
         "Run it again, after a 401 or 403 with a valid key: events are kept for 30 days."),
        _NO_GATE,
    ),
    "decide.orders": (
        (0, "The day is decided.", "Nothing."),
        (1, "A defect, or a policy file that does not fit.", "Read the sentence and run it again."),
        (2, "No day was given, or there is no lake.", "Give --ds and --lake-root."),
        (3, "Rows broke their contract; nothing was published.",
         "Do not act. Rows and reasons are in decisions/orders__rejected or "
         "decisions/payments__rejected."),
        (4, "The lake is in use.", "Run the same command again."),
        _NO_GATE,
    ),
}  # fmt: skip

_AGAIN = "Run act.payment_intents: it sends the same key again, or looks for the object."
_BY_HAND = "do it at the provider by hand, or cancel the order; the event moves the order on."
_KEY = "The provider refuses the key: set a valid one and run act.payment_intents."
_RATE = "The provider asked us to slow down: run act.payment_intents again."
_PARAMETERS = "The provider does not take the request: hand its order to engineering."

ADVICE: Mapping[str, Mapping[str, str]] = {
    "PLANNED": {
        "": "No run has sent it: run act.payment_intents, and look why it did not run.",
        "daily_cap": "The daily cap is reached: it goes after midnight UTC, or raise the cap.",
        "not_sent": "No connection came about: look at the network, run act.payment_intents.",
        "rate_limit": _RATE,
        "http_429": _RATE,
        "lock_timeout": _RATE,
        "http_401": _KEY,
        "http_403": _KEY,
        "api_key_expired": _KEY,
        "invalid_request_error": _KEY,
    },
    "UNKNOWN": {
        "": _AGAIN,
        "server_error_replayed": "The provider repeats its failure for a day: runs look it up.",
        "idempotency_key_in_use": "The provider is still at it: run act.payment_intents again.",
        "unexpected_object": "The answer was about something else: look at the order's payments "
                             "at the provider.",
        "daily_cap": "In doubt, and the cap is reached: look at the order's payments at the "
                     "provider.",
    },
    "REJECTED": {
        "": f"Look the code up in the provider's list of error codes; {_BY_HAND}",
        "idempotency_error": "The key was used with other parameters: find the order's payments "
                             "at the provider, and hand it to engineering.",
        "captured_otherwise": "Another amount was captured than asked: compare with the order, "
                              "pay back or collect the rest by hand.",
        "already_canceled": "The hold had ended: take in the provider's events and decide again.",
        "already_captured": "It was captured before: take in the provider's events; it becomes a "
                            "refund due.",
        "payment_intent_unexpected_state": f"Look at the payment's state; {_BY_HAND}",
        "charge_expired_for_capture": "The hold had ended: take in the provider's events and "
                                      "decide again.",
        "resource_missing": "The provider does not know customer, method or payment: compare the "
                            "key's account and mode with the order's.",
        "intent_missing": "The provider does not know the payment: compare the key's account and "
                          "mode with those that made it.",
        "amount_too_small": f"Below the provider's least amount: {_BY_HAND}",
        "amount_too_large": f"Above what the provider takes: {_BY_HAND}",
        "invalid_request_error": _PARAMETERS,
        "parameter_invalid_empty": _PARAMETERS,
        "parameter_invalid_integer": _PARAMETERS,
        "parameter_missing": _PARAMETERS,
        "parameter_unknown": _PARAMETERS,
    },
    "ACCEPTED": {
        "": "It is done, and something does not fit: look at the order's payments.",
        "found_twice": "Two live payments carry its key: cancel one of them at the provider.",
    },
}  # fmt: skip


def advice(state: str, code: str | None) -> str:
    """What to do about a stuck request; for a code that is not in the table, by its state."""
    of_state = ADVICE.get(state, ADVICE["UNKNOWN"])
    return of_state.get(code or "", of_state[""])
