"""sandbox/README.md names all that can be used."""

from __future__ import annotations

from dataclasses import fields

import pytest

from sandbox.faults import CALL_FAULTS, EVENT_FAULTS, STATUSES, Rule
from sandbox.method_table import METHODS
from tests.support.sandbox import PROJECT

README = (PROJECT / "sandbox" / "README.md").read_text()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_test_payment_method_stands_there(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize(
    "name", [*(field.name for field in fields(Rule)), *CALL_FAULTS, *EVENT_FAULTS]
)
def test_every_field_and_fault_of_a_plan_stands_there(name: str) -> None:
    assert f"`{name}`" in README


def test_every_status_stands_there() -> None:
    assert ", ".join(map(str, STATUSES)) in README
