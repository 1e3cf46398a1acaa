"""Ids as Stripe writes them: a prefix that names the object, and 24 letters and digits."""

from __future__ import annotations

import os

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIXES = {
    "customer": "cus", "payment_method": "pm", "payment_intent": "pi", "charge": "ch",
    "refund": "re", "balance_transaction": "txn", "event": "evt", "request": "req",
    "payment": "py", "payment_refund": "pyr",  # charges and refunds of methods other than cards
}  # fmt: skip

_BY_BYTE = bytes(ord(LETTERS[byte % len(LETTERS)]) for byte in range(256))


def new_id(kind: str) -> str:
    length = 14 if kind in ("customer", "request") else 24
    return f"{PREFIXES[kind]}_{letters(length)}"


def letters(length: int) -> str:
    return os.urandom(length).translate(_BY_BYTE).decode()
