"""Comparison by evalplus' and evoeval's rules; expected verdicts follow from their code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from codealign.evaluate.functional.oracle import agreements, expects_only_presence
from codealign.evaluate.functional.problems import Problem
from codealign.sandbox import Opaque, Outcome

PLAIN = Problem("T/0", "f", "", "", [])


def agrees(problem: Problem, out: Any, wanted: Any, arguments: list[Any] | None = None) -> bool:
    (found,) = agreements(problem, [arguments or []], [Outcome(out)], [wanted])
    return found


@pytest.mark.parametrize(
    ("out", "wanted", "right"),
    [
        (1, 1, True), (1, 2, False), (1, 1.0, True), (True, 1, True), ([1], (1,), False),
        (0.1 + 0.2, 0.3, True), (0.3001, 0.3, False), ([0.1 + 0.2], [0.3], True),
        ([0.3], [0.3, 0.3], False), ((0.30000000001,), [0.3], False), (3, 3.0000001, False),
        (np.float64(0.1) + 0.2, 0.3, False), (None, None, True), (Opaque("x"), 1, False),
        ({"a": [1]}, {"a": [1]}, True), (float("nan"), float("nan"), False),
        (np.array([1, 2]), [1, 2], False), ("a", 0.5, False),
    ],
)  # fmt: skip
def test_evalplus_rule(out: Any, wanted: Any, right: bool) -> None:
    """Exact, or for floats of the same type within 1e-6."""
    assert agrees(PLAIN, out, wanted) is right


def test_a_problems_own_tolerance_counts() -> None:
    assert agrees(replace(PLAIN, atol=0.1), 1.05, 1.0)
    assert not agrees(replace(PLAIN, atol=0.1), 1.2, 1.0)


def test_tolerance_stays_on_after_the_first_float() -> None:
    """As in evalplus: the second test expects whole numbers, yet 1e-6 now holds for it."""
    outcomes = [Outcome(0.5), Outcome([1, 2.0000001])]
    assert list(agreements(PLAIN, [[], []], outcomes, [0.5, [1, 2]])) == [True, True]
    assert list(agreements(PLAIN, [[]], outcomes[1:], [[1, 2]])) == [False]


def test_an_error_is_wrong_and_nothing_follows_the_last_outcome() -> None:
    outcomes = [Outcome(error="ValueError: x"), Outcome(1)]
    assert list(agreements(PLAIN, [[]] * 3, outcomes, [None, 1, 1])) == [False, True]


def test_find_zero_is_checked_by_its_polynomial() -> None:
    """1 + 2x has its zero at -0.5, whatever the canonical solution found."""
    problem = replace(PLAIN, entry_point="find_zero", atol=1e-4)
    assert agrees(problem, -0.50001, None, [[1, 2]])
    assert not agrees(problem, 0.5, 0.5, [[1, 2]])


@pytest.mark.parametrize(
    ("name", "arguments", "out", "wanted", "right"),
    [
        ("are_equivalent", [], "anything", True, True),
        ("sum_div", [7], 0, 8, True),
        ("sum_div", [7], 1, 8, False),
        ("similar_elements", [], [2, 1, 1], [1, 2], True),
        ("similar_elements", [], 5, [1, 2], False),
        ("check_str", [], Opaque("re.Match"), True, True),
        ("check_str", [], None, True, False),
        ("check_str", [], False, True, False),
        ("digit_distance_nums", [1, 11], 1, 0, True),  # |0-1| + |1-1|
        ("surface_Area", [3, 4], 33, 34, False),
        ("other", [], [1, 2], [2, 1], False),
    ],
)
def test_special_cases_of_mbpp(
    name: str, arguments: list[Any], out: Any, wanted: Any, right: bool
) -> None:
    problem = replace(PLAIN, oracle="mbpp", entry_point=name)
    assert agrees(problem, out, wanted, arguments) is right


def test_only_presence_is_expected_of_three_problems() -> None:
    problem = replace(PLAIN, oracle="mbpp", entry_point="check_str")
    assert expects_only_presence(problem)
    assert not expects_only_presence(replace(problem, oracle="humaneval"))


@pytest.mark.parametrize(
    ("out", "wanted", "right"),
    [
        (1, 1, True), (1, True, False), (1, 1.0, False), ([0.30000000001, "a"], [0.3, "a"], True),
        ({"a": (1,)}, {"a": (1,)}, True), ((1,), [1], False), ({1}, {1}, True),
        # Its own gaps, which docs/how-to/evaluate.md states: they are kept.
        ([], 3.14, True), ([], [3.14], True), (2.0, [2.0, 2.0], True), ([], [3.14, 2.0], False),
    ],
)  # fmt: skip
def test_evoeval_rule_compares_types_too(out: Any, wanted: Any, right: bool) -> None:
    assert agrees(replace(PLAIN, oracle="evoeval_creative"), out, wanted) is right


def test_evoeval_maze_accepts_any_way_to_the_goal() -> None:
    problem = replace(PLAIN, oracle="evoeval_creative", task_id="EvoEval/26")
    maze = [[0, 0], [0, 0]]
    arguments = [maze, (0, 0), (1, 1)]
    assert agrees(problem, ["down", "right"], ["right", "down"], arguments)
    assert not agrees(problem, ["down"], ["right", "down"], arguments)


@pytest.mark.parametrize("category", ["verbose", "concise"])
def test_evoeval_checks_zeros_of_polynomials_as_evalplus_does(category: str) -> None:
    problem = replace(PLAIN, oracle=f"evoeval_{category}", task_id="HumanEval/32")
    assert agrees(problem, -0.5, None, [[1, 2]])
