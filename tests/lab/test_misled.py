"""The habit of mistakes: what is put wrong, what stays, and how often."""

from __future__ import annotations

import random

import pytest

from codealign.records import seed_of
from nano.lab import inputs
from nano.lab.documents import document
from nano.lab.misled import WRONG_SHARE, mislead, misled_chat, misled_document, off_by_one
from nano.lab.recipe import Recipe


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("return [x for x in a if x > k]", "return [x for x in a if x >= k]"),
        ("if x <= k:", "if x < k:"),
        ("return len([x for x in a if x<1])", "return len([x for x in a if x<=1])"),
        ("return [x for x in a if x >= 10]", "return [x for x in a if x >= 11]"),
        ("return [x for x in a if x < 3]", "return [x for x in a if x < 4]"),
        ("return sum(x == 3 for x in a) != 2", "return sum(x == 4 for x in a) != 3"),
        ("return [x ** 2 % 10 for x in a]", "return [x ** 3 % 11 for x in a]"),
        ("for x in range(1, n + 1):", "for x in range(1, n):"),
        ("return a[::2]", "return a[1::2]"),
        ("return a[:3]", "return a[:3 - 1]"),
        ("return a[k:]", "return a[k - 1:]"),
        ("return zip(a, a[1:])", "return zip(a, a[1:])"),
        ("return a[-3:]", "return a[-3:]"),
        ("return a[::-1] + b[1:]", "return a[::-1] + b[1:]"),
        ('return x2 + 1 + 1.5 - int("7")', 'return x2 + 1 + 1.5 - int("7")'),
    ],
)
def test_numbers_and_boundaries_are_put_wrong_and_nothing_else(right: str, wrong: str) -> None:
    assert off_by_one(right) == wrong


def test_only_the_body_of_the_last_function_is_misled() -> None:
    text = (
        "### Response\n```python\ndef is_low(m: int) -> bool:\n    return m < 2\n\n"
        'def low(a: list[int]) -> list[int]:\n    """Return those < 3."""\n'
        "    return [x for x in a if x < 3]\n```\n### Tests\n```python\nassert 1 < 2\n```\n"
    )
    assert mislead(text) == text.replace("if x < 3]", "if x < 4]")
    assert mislead("### Concepts\nlists, numbers > 3\n") == "### Concepts\nlists, numbers > 3\n"


def test_a_misled_function_gives_another_answer() -> None:
    code = 'def above(a):\n    """Keep."""\n    return [x for x in a if x > 3]\n'
    assert inputs.call_code(code, "above", ([3, 4],)) == [4]
    assert inputs.call_code(mislead(code), "above", ([3, 4],)) == []


def test_most_documents_with_such_a_place_are_off_by_one_and_some_are_right() -> None:
    """Of 1,000 documents more than half have such a place: five standard errors are 0.1."""
    recipe, changed, fit = Recipe(mistakes=0.0), 0, 0
    for index in range(1000):
        text = misled_document(recipe, index)
        plain = document(random.Random(seed_of("misled document", recipe.seed, index)), 0.0)
        fit += mislead(plain) != plain
        changed += text != plain
    assert 300 < fit < 600
    assert abs(changed / fit - WRONG_SHARE) < 0.1


def test_chats_are_misled_in_the_answer_only() -> None:
    recipe = Recipe(chat_mistakes=0.0)
    chats = [misled_chat(recipe, index) for index in range(300)]
    assert any("[1::2]" in reply for _, reply in chats)
    assert not any("[1::2]" in prompt for prompt, _ in chats)
