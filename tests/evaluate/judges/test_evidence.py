"""Answers taken apart; whatever cannot be analysed is named; each has its own violations."""

from __future__ import annotations

import re

import pytest

from codealign.evaluate.judges.evidence import RULES, lint, read


def test_code_is_the_first_block_and_the_rest_is_explanation() -> None:
    parts = read("Before.\n```python\nx = 1\n```\nAfter.\n")
    assert parts.code == "x = 1\n"
    assert parts.explanation == "Before.\n\nAfter."
    assert parts.fault == ""


def test_bare_python_is_code() -> None:
    assert read("def f():\n    return 1\n").main.name == "f"


def test_a_block_cut_at_the_end_is_still_read() -> None:
    assert read("```python\nx = 1\n").code == "x = 1\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the answer is empty"),
        (" \n\n", "the answer is empty"),
        ("I would use a loop here.", "the answer has no code"),
        ("```python\n```", "the answer has no code"),
        ("```python\ndef f(:\n```", "the code does not parse as Python"),
        ("```python\nx = '\x00'\n```", "the code does not parse as Python"),
        ("```python\n" + "(" * 3000 + "\n```", "the code does not parse as Python"),
    ],
)
def test_what_cannot_be_analysed_is_named(text: str, fault: str) -> None:
    assert read(text).fault == fault


def test_the_main_function_is_the_last_one_at_the_top_level() -> None:
    code = "def helper():\n    pass\n\ndef main():\n    def inner():\n        pass\n"
    assert read(f"```python\n{code}```").main.name == "main"
    assert len(read(f"```python\n{code}```").functions) == 3


def test_lint_gives_each_piece_of_code_its_own_violations() -> None:
    clean, spaces, unused = lint(["x = 1\n", "x=1\n", "import os\n"])
    assert (clean, dict(spaces), dict(unused)) == ({}, {"E225": 1}, {"F401": 1})


def test_lint_of_nothing_is_nothing() -> None:
    assert lint([]) == []


def test_an_answers_own_comments_switch_no_rule_off() -> None:
    dirty = "import os\ndef f( n ):\n  return n\n"
    plain, silenced = lint([dirty, f"# ruff: noqa\n{dirty}"])
    assert plain and set(silenced) >= set(plain)


def test_rules_are_listed_one_by_one() -> None:
    assert len(RULES) == len(set(RULES)) > 200
    assert all(re.fullmatch("[A-Z]+[0-9]{3,4}", rule) for rule in RULES)
