"""Every documented rule of rules.yaml has its test."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
PAGES: dict[str, dict[str, str]] = yaml.safe_load((HERE / "rules.yaml").read_text())
RULES = [rule for rules in PAGES.values() for rule in rules]


def names_in(file: Path) -> list[str]:
    tree = ast.parse(file.read_text())
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name.removeprefix("test_") for name in functions if name.startswith("test_")]


TESTS = Counter(name for file in HERE.glob("test_*.py") for name in names_in(file))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_one_test_of_its_name(rule: str) -> None:
    assert TESTS[rule] == 1


def test_a_rule_stands_once_and_is_a_sentence() -> None:
    assert len(RULES) == len(set(RULES)) > 90
    assert not [text for rules in PAGES.values() for text in rules.values() if len(text) < 15]
