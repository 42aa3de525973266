"""Mutation scores: which group notices a mutant first, and that the shipped tests are sharp."""

from __future__ import annotations

import random

import pytest

from codealign.paths import NANO_DATA
from nano.lab.mistakes import every, plant
from nano.lab.mutation import Noticed, noticed, total
from nano.lab.problems import read_problems

CODE = "def f(nums):\n    return [x for x in nums if x > 3]\n"


def problem(base: list, plus: list) -> dict:
    """Return a problem about the numbers above 3 with these inputs."""
    return {
        "task_id": "Test/0",
        "entry_point": "f",
        "prompt": "",
        "canonical_solution": CODE,
        "base_input": [[nums] for nums in base],
        "plus_input": [[nums] for nums in plus],
        "chain": "list>greater",
    }


def test_every_slip_comes_once() -> None:
    # the constant down and up, and > for >=
    bodies = {code.split("if ")[1].split("]")[0] for code in every(CODE)}
    assert bodies == {"x > 2", "x > 4", "x >= 3"} and len(every(CODE)) == 3


def test_planted_mistakes_are_among_every_slip() -> None:
    planted = {plant(CODE, random.Random(i)) for i in range(50)}
    assert planted == set(every(CODE))


def test_base_tests_come_first() -> None:
    # 3 tells >= and > 2, 4 tells > 4
    assert noticed(problem([[3, 4]], [[3, 4]])) == Noticed(base=3)


def test_added_tests_notice_what_base_tests_let_pass() -> None:
    # [9] shows none of the three
    assert noticed(problem([[9]], [[3]])) == Noticed(plus=2, missed=1)


def test_what_no_input_shows_is_equivalent() -> None:
    same = problem([[1]], [])
    same["canonical_solution"] = "def f(nums):\n    return sum(sorted(nums))\n"
    # list(nums) sums to the same; len(sorted(nums)) is 1 for [1] as well, but not for others
    assert noticed(same) == Noticed(missed=1, same=1)


def test_an_exception_is_noticed() -> None:
    fails = problem([[1]], [])
    fails["canonical_solution"] = "def f(nums):\n    return nums[0]\n"
    assert noticed(fails).base == 1


def test_scores_are_shares_of_the_wrong_mutants() -> None:
    found = Noticed(base=6, plus=3, missed=1, same=5)
    assert (found.wrong, found.base_score, found.score) == (10, 0.6, 0.9)


@pytest.mark.parametrize("name", ["humaneval_plus", "mbpp_plus"])
def test_shipped_tests_notice_most_mistakes(name: str) -> None:
    found = total(read_problems(NANO_DATA / f"{name}.jsonl.gz")[:60])
    assert found.score > 0.9 and found.score > found.base_score
