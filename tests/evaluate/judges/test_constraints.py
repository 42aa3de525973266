"""Constraints in a task are recognised and checked on the code."""

from __future__ import annotations

import pytest

from codealign import prompts
from codealign.evaluate.judges.constraints import checks, followed
from codealign.evaluate.judges.evidence import read

LOOP = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
ONE_LINE = 'def f(xs):\n    """Sum."""\n    return sum(x for x in xs)\n'
STEPS = "def f(xs):\n    evens = [x for x in xs if x % 2 == 0]\n    return sum(evens)\n"


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ("Use a for loop.", LOOP, ONE_LINE),
        ("Solve it with an explicit loop.", LOOP, ONE_LINE),
        ("Use a while loop.", "while x:\n    x = 0\n", LOOP),
        ("Do it without loops.", ONE_LINE, LOOP),
        ("Use a single return expression.", ONE_LINE, STEPS),
        ("Write it as a one-liner.", ONE_LINE, LOOP),
        ("Use a named variable for each step.", STEPS, ONE_LINE),
        ("Keep each step on its own line.", STEPS, "def f(x):\n    return [y for y in x]\n"),
        ("Use recursion.", "def f(n):\n    return n and f(n - 1)\n", LOOP),
        ("Use a list comprehension.", STEPS, LOOP),
        ("Use a lambda.", "f = lambda x: x\n", LOOP),
        ("Include a docstring.", ONE_LINE, LOOP),
        ("Add type hints.", "def f(x: int) -> int:\n    return x\n", LOOP),
        ("Add error handling.", "def f(x):\n    if x:\n        raise ValueError\n", LOOP),
        ("Solve it without imports.", LOOP, "import math\n"),
        ("Write a class for it.", "class A:\n    pass\n", LOOP),
    ],
)
def test_a_constraint_tells_good_from_bad(constraint: str, good: str, bad: str) -> None:
    for code, share in ((good, 1), (bad, 0)):
        found = read(f"```python\n{code}```", "Sum the numbers.", constraint)
        assert followed(found, found) == share


def test_a_task_without_a_known_constraint_leaves_it_undefined() -> None:
    found = read(f"```python\n{LOOP}```", "Sum the numbers.", "Be nice.")
    assert followed(found, found) is None


def test_of_two_constraints_each_counts_half() -> None:
    found = read(f"```python\n{LOOP}```", "Sum.", "Use a for loop and include a docstring.")
    assert followed(found, found) == 0.5


def test_a_named_step_may_not_hide_two_comprehensions() -> None:
    code = "def f(x):\n    y = [a for a in [b for b in x]]\n    return y\n"
    found = read(f"```python\n{code}```", "", "Use a named variable for each step.")
    assert followed(found, found) == 0


def test_an_empty_list_is_no_named_step() -> None:
    code = "def f(x):\n    y = []\n    y.append(x)\n    return y\n"
    found = read(f"```python\n{code}```", "", "Use a named variable for each step.")
    assert followed(found, found) == 0


def test_every_constraint_of_our_own_prompts_is_known() -> None:
    for principle in prompts.principles()["instruction_following"]:
        assert len(checks(principle)) == 1, principle
