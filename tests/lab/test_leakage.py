"""Leakage: what normalising takes away and keeps, and that the corpus holds no benchmark's task."""

from __future__ import annotations

import random

import pytest

from codealign.paths import NANO_DATA, NANO_WEIGHTS
from nano.lab import leakage
from nano.lab.account import chat_texts, corpus_texts
from nano.lab.chats import chat_pair
from nano.lab.documents import document
from nano.lab.problems import read_problems
from nano.lab.recipe import Recipe

PROBLEMS = [p for path in sorted(NANO_DATA.glob("*.gz")) for p in read_problems(path)]
PLAIN = "def f(nums):\n    evens = [x for x in nums if x % 2 == 0]\n    return sum(evens)\n"


def normal(code: str) -> str:
    """Return the normalised form of one function."""
    return next(leakage.solutions(code))


@pytest.mark.parametrize(
    "same",
    [
        PLAIN.replace("evens", "a").replace("nums", "data").replace("f(", "total("),
        PLAIN.replace(" % 2 == 0", " % 7 == 3"),
        PLAIN.replace("def f(nums):", 'def f(nums: list[int]) -> int:\n    """Add them."""'),
        PLAIN.replace(
            "    evens", "    if not isinstance(nums, list):\n        raise TypeError\n    evens"
        ),
    ],
    ids=["names", "constants", "docstring and hints", "guard"],
)
def test_a_solution_stays_the_same_under_another(same: str) -> None:
    assert normal(same) == normal(PLAIN)


@pytest.mark.parametrize(
    "other",
    [PLAIN.replace("sum", "len"), PLAIN.replace("%", "//"), PLAIN.replace("x % 2", "is_even(x)")],
)
def test_another_operation_is_another_solution(other: str) -> None:
    assert normal(other) != normal(PLAIN)


def test_code_that_does_not_parse_has_no_solution() -> None:
    assert list(leakage.solutions("def f(a):\n    return (a\n\n")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Return the sum of the numbers in nums greater than 3.",
        "Write a Python function `f` that returns the sum of the numbers in values greater than 9.",
        "Compute the sum of the numbers\n in data greater than k.",
    ],
)
def test_a_description_is_what_it_says_is_computed(text: str) -> None:
    assert leakage.description(text) == "the sum of the _ in _ greater than _"


def test_descriptions_stand_in_docstrings_comments_and_instructions() -> None:
    text = '"""\nReturn one.\nassert f() == 1\n"""\n# Return two.\n### Instruction\nReturn 3.\n'
    assert list(leakage.descriptions(text)) == ["one", "two", "_"]


def test_every_problem_has_a_solution_and_a_description() -> None:
    assert all(
        len(code) == 1 and len(words) == 1 for code, words in map(leakage.fingerprints, PROBLEMS)
    )


def test_a_leak_is_found() -> None:
    problem = PROBLEMS[0] if "instruction" not in PROBLEMS[0] else PROBLEMS[-1]
    module = problem["prompt"] + problem["canonical_solution"]
    code, words = leakage.leaks([problem], [module])
    assert (code, words) == leakage.fingerprints(problem)


def test_documents_hold_no_benchmarks_task() -> None:
    texts = [document(random.Random(i), 0.0) for i in range(1500)]
    for i in range(500):
        asked, reply = chat_pair(random.Random(i), 0.0)
        texts.append(f"### Instruction\n{asked}\n{reply}")
    assert leakage.leaks(PROBLEMS, texts) == (set(), set())


@pytest.mark.long
def test_all_that_the_weights_were_trained_on_holds_no_benchmarks_task() -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(NANO_WEIGHTS / "pretrained" / "tokenizer.json"))
    texts = corpus_texts(Recipe(), tokenizer, mistakes=False)
    assert leakage.leaks(PROBLEMS, texts) == (set(), set())
    assert leakage.leaks(PROBLEMS, chat_texts(Recipe(), mistakes=False)) == (set(), set())
