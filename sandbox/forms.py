"""What a request says: form encoding into nested dictionaries, and these checked field by field.

A field is a function (name, raw value) -> value that refuses what does not fit, in Stripe's words.
An unknown parameter is refused as Stripe refuses it, and so is a real one that the sandbox does not
know: silence would let a test pass that the real API fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from sandbox.errors import Refused, invalid

Raw = Any  # a string, or a dictionary of such
Pairs = Sequence[tuple[str, str]]
Field = Callable[[str, Raw], Any]

MOST_PAIRS = 2_000
MOST_METADATA_KEYS, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE = 50, 40, 500
_PART = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Form:
    """`check` looks at fields that only make sense together."""

    fields: Mapping[str, Field]
    required: Sequence[str] = ()
    check: Callable[[dict[str, Any]], None] = field(default=lambda _: None)

    def read(self, raw: Mapping[str, Raw], prefix: str = "") -> dict[str, Any]:
        """The parameters with their types; Refused (400) names the first that does not fit."""
        for name in raw:
            if name not in self.fields:
                full = _under(prefix, name)
                raise invalid(f"Received unknown parameter: {full}", "parameter_unknown", full)
        for name in self.required:
            if name not in raw:
                full = _under(prefix, name)
                raise invalid(f"Missing required param: {full}.", "parameter_missing", full)
        found = {name: self.fields[name](_under(prefix, name), raw[name]) for name in raw}
        self.check(found)
        return found


def pairs_of(text: str) -> Pairs:
    """(key, value) of a query or a form-encoded body; Refused when it cannot be read as one."""
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PAIRS)
    except ValueError as error:
        raise invalid(f"Invalid request body: {error}") from None


def nested(pairs: Pairs) -> dict[str, Raw]:
    """`a[b]=1` becomes {"a": {"b": "1"}}; `a[]=1` counts from 0."""
    root: dict[str, Raw] = {}
    for key, value in pairs:
        head, bracket, rest = key.partition("[")
        parts = [head, *_PART.findall(bracket + rest)]
        if _PART.sub("", bracket + rest) or not head or len(parts) > 6:
            raise invalid(f"Received unknown parameter: {key}", "parameter_unknown", key)
        _put(root, parts, value, key)
    return root


def _put(root: dict[str, Raw], parts: Sequence[str], value: str, key: str) -> None:
    place = root
    for part in parts[:-1]:
        place = place.setdefault(part or str(len(place)), {})
        if not isinstance(place, dict):
            raise invalid(f"Invalid parameter: {key}", param=parts[0])
    last = parts[-1] or str(len(place))
    if isinstance(place.get(last), dict):
        raise invalid(f"Invalid parameter: {key}", param=parts[0])
    place[last] = value


def _under(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def text(longest: int = 5000) -> Field:
    def read(name: str, raw: Raw) -> str:
        found = _string(name, raw)
        if not found:
            raise invalid(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt "
                f"to unset a parameter; however '{name}' cannot be unset. You should remove "
                f"'{name}' from your request or supply a non-empty value.",
                "parameter_invalid_empty", name,
            )  # fmt: skip
        if len(found) > longest:
            raise invalid(
                f"Invalid {name}: must be at most {longest} characters",
                "parameter_invalid_string", name,
            )  # fmt: skip
        return found

    return read


def clearable(longest: int = 5000) -> Field:
    """Text that an empty string unsets."""
    return lambda name, raw: None if raw == "" else text(longest)(name, raw)


def integer(least: int = 0) -> Field:
    def read(name: str, raw: Raw) -> int:
        found = _string(name, raw)
        if not re.fullmatch(r"-?[0-9]{1,15}", found):
            raise invalid(f"Invalid integer: {found[:50]}", "parameter_invalid_integer", name)
        if int(found) < least:
            raise invalid(
                f"This value must be greater than or equal to {least}.",
                "parameter_invalid_integer", name,
            )  # fmt: skip
        return int(found)

    return read


def boolean(name: str, raw: Raw) -> bool:
    if raw not in ("true", "false"):
        raise invalid(f"Invalid boolean: {raw!s:.50}", param=name)
    return raw == "true"


def one_of(*known: str) -> Field:
    def read(name: str, raw: Raw) -> str:
        found = _string(name, raw)
        if found not in known:
            raise invalid(f"Invalid {name}: must be one of {', '.join(known)}", param=name)
        return found

    return read


def texts(most: int = 20) -> Field:
    def read(name: str, raw: Raw) -> list[str]:
        if not isinstance(raw, dict):
            raise invalid("Invalid array", param=name)
        if len(raw) > most:
            raise invalid(f"Array {name} exceeded maximum {most} allowed elements.", param=name)
        return [text()(name, value) for value in raw.values()]

    return read


def within(form: Form) -> Field:
    def read(name: str, raw: Raw) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid("Invalid object", param=name)
        return form.read(raw, name)

    return read


def metadata(name: str, raw: Raw) -> dict[str, str]:
    """Empty: all of it is unset. An empty value unsets its key (see `merged`)."""
    if raw == "":
        return {}
    if not isinstance(raw, dict):
        raise invalid("Invalid object", param=name)
    if len(raw) > MOST_METADATA_KEYS:
        raise invalid(f"Metadata can have at most {MOST_METADATA_KEYS} keys.", param=name)
    for key, value in raw.items():
        _metadata_fits(name, key, value)
    return dict(raw)


def _metadata_fits(name: str, key: str, value: Raw) -> None:
    if len(key) > LONGEST_METADATA_KEY:
        raise invalid(f"Metadata keys can have up to {LONGEST_METADATA_KEY} characters.",
                      param=f"{name}[{key}]")  # fmt: skip
    if len(_string(f"{name}[{key}]", value)) > LONGEST_METADATA_VALUE:
        raise invalid(
            f"Metadata values can have up to {LONGEST_METADATA_VALUE} characters, but you passed "
            f"in a value that is {len(value)} characters.", param=f"{name}[{key}]",
        )  # fmt: skip


def merged(old: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys are added, replaced, or unset by an empty value."""
    if given is None:
        return dict(old)
    return {key: value for key, value in {**old, **given}.items() if value} if given else {}


def time_range(name: str, raw: Raw) -> dict[str, int]:
    """`created=T` or `created[gte]=T`: {"gt" | "gte" | "lt" | "lte" | "eq": epoch seconds}."""
    if isinstance(raw, str):
        return {"eq": integer()(name, raw)}
    return Form({bound: integer() for bound in ("gt", "gte", "lt", "lte")}).read(raw, name)


def _string(name: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise Refused(400, "invalid_request_error", "Invalid string", param=name)
    return raw
