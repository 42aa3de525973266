"""Assertions that say the solution again, and assertions that do not."""

from __future__ import annotations

import ast

import pytest

from codealign.prefs.independence import restating

SUM = "def f(xs):\n    even = [x for x in xs if x % 2 == 0]\n    return sum(even)\n"
STEPS = (
    "def f(xs):\n    some = [x for x in xs if x]\n    few = [x for x in some if 9 > x]\n"
    "    less = [x - 2 for x in few]\n    return set(less)\n"
)
BRANCH = "def f(x):\n    if x > 3:\n        return x * 2\n    return x + 1\n"
LOOP = "def f(xs):\n    r = []\n    for x in xs:\n        r.append(x * 2)\n    return r\n"
GUARD = "def f(x):\n    if not isinstance(x, int):\n        raise TypeError\n    return -x\n"


def restated(code: str, tests: str) -> int:
    return len(restating(code, ast.parse(tests)))


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        (SUM, "for a in ([1], [2]):\n    assert f(a) == sum(q for q in a if q % 2 == 0)\n"),
        (SUM, "assert f([1, 2]) == sum([y for y in [1, 2] if not y % 2 != 0])\n"),
        (SUM, "v = [1]\nw = sum(x for x in v if x % 2 == 0)\nr = f(v)\nassert r == w\n"),
        (SUM, "def g(v):\n    return sum(k for k in v if k % 2 == 0)\nassert f([3]) == g([3])\n"),
        (SUM, "assert f([3]) == f([3])\n"),
        (SUM, "assert round(f(a), 2) == round(sum(x for x in a if x % 2 == 0), 2)\n"),
        (STEPS, "for a in ([1],):\n    assert f(a) == set(x - 2 for x in a if x and x < 9)\n"),
        (BRANCH, "for x in (1, 5):\n    assert f(x) == (x * 2 if 3 < x else x + 1)\n"),
        (BRANCH, "assert f(7) == 7 * 2\n"),
        (GUARD, "for y in (1, 2):\n    assert f(x=y) == -y\n"),
        (GUARD, "self.assertEqual(f(y), -y)\n"),
        (GUARD, "assert f(y) == pytest.approx(-y)\n"),
    ],
)  # fmt: skip
def test_the_solutions_expression_up_to_names_and_inlining(code: str, tests: str) -> None:
    assert restated(code, tests) == 1


@pytest.mark.parametrize(
    ("code", "tests"),
    [
        (SUM, "assert f([1, 2]) == 2\n"),
        (SUM, "assert f([1, 2]) == sum([2])\n"),
        (SUM, "assert f([1] + [2]) == f([1]) + f([2])\n"),  # a law, which mistakes may break
        (SUM, "for a in ([1],):\n    assert f(a) == sum(q for q in a if q % 2 == 1)\n"),
        (BRANCH, "assert f(7) == 14\n"),
        (LOOP, "for a in ([1],):\n    assert f(a) == [y * 2 for y in a]\n"),
        (GUARD, "assert f(1) == -1\n"),
        ("def f(x):\n    return x\n", "assert f(5) == 5\n"),
        ("def f(x:\n", "assert f(5) == g(5)\n"),
        ("def f(x):\n    return f(x)\n", "assert f(y) == 2 * y\n"),
    ],
)
def test_values_laws_and_other_expressions_are_independent(code: str, tests: str) -> None:
    assert restated(code, tests) == 0


def test_only_the_assertions_that_say_the_solution_again_are_named() -> None:
    tests = ast.parse("assert f([2]) == 2\nfor a in ([1],):\n    assert f(a) == f(a)\n")
    assert [ast.unparse(n) for n in restating(SUM, tests)] == ["assert f(a) == f(a)"]


def test_a_bound_variable_does_not_catch_an_argument_of_its_name() -> None:
    # f(x) == [x for x in x] reads its argument outside the comprehension
    code = "def f(ys):\n    return [y for y in ys]\n"
    assert restated(code, "for y in ([1],):\n    assert f(y) == [x for x in y]\n") == 1
    assert restated("def f(k):\n    return [x + k for x in (1, 2)]\n",
        "for x in (1,):\n    assert f(x) == [x + x for x in (1, 2)]\n") == 0  # fmt: skip
