"""The static judges: deterministic, from 1 to 10, nothing silently dropped."""

from __future__ import annotations

import ast
import re
import time

import pytest
from radon.complexity import cc_visit

from codealign.errors import CodealignError
from codealign.evaluate.judges import constraints, lint, measures, open_judge
from codealign.evaluate.judges.evidence import read
from codealign.evaluate.judges.static import RUBRICS, StaticJudge
from codealign.records import DIMENSIONS, Answer

GOOD = '''```python
def sum_of_squares(numbers: list[int]) -> int:
    """Return the sum of the squares of the numbers."""
    squares = [number**2 for number in numbers]
    return sum(squares)
```
The function works in steps:
1. It squares each of the numbers and keeps the squares in a list of their own.
2. It adds the squares together and returns their sum as the result.
'''
POOR = """```python
def f(a):
  q=[]
  for i in a: q.append(i**2 if i in a else 0);
  return sum(q)
```
"""
TASK = "Write a function sum_of_squares that returns the sum of the squares of the numbers."
PRINCIPLE = {"instruction_following": "Use a named variable for each step."}


def answer(dimension: str, text: str, reference: str = GOOD, id: str = "a") -> Answer:
    return Answer(id, dimension, TASK, PRINCIPLE.get(dimension, "Be good."), reference, text)


@pytest.mark.parametrize("name", RUBRICS)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_good_answer_is_rated_above_a_poor_one(name: str, dimension: str) -> None:
    good, poor = StaticJudge(name).rate([answer(dimension, GOOD), answer(dimension, POOR)])
    assert good.rating >= poor.rating + 2
    assert 1 <= poor.rating <= good.rating <= 10


@pytest.mark.parametrize("name", RUBRICS)
def test_the_weights_of_a_dimension_add_to_one(name: str) -> None:
    for dimension, weights in RUBRICS[name].items():
        assert sum(weights.values()) == pytest.approx(1), dimension
    assert tuple(RUBRICS[name]) == DIMENSIONS


def test_the_rating_is_the_rounded_weighted_mean_of_its_parts() -> None:
    (found,) = StaticJudge("static").rate([answer("complexity", GOOD)])
    assert found.parts == {"efficient": 1, "agrees": 1, "effort": 1, "speedy_idioms": 1}
    assert found.rating == 10


def test_a_half_is_rounded_up() -> None:
    # 1 + 9 * 0.5 = 5.5
    judge = StaticJudge("static")
    assert judge._value("complexity", {"efficient": 0.5, "effort": 0.5, "agrees": 0.5}) == 6


def test_an_undefined_part_leaves_its_weight_to_the_others() -> None:
    # 0.45 and 0.15: (0.45 * 1 + 0.15 * 0) / 0.6 = 0.75; 1 + 9 * 0.75 = 7.75
    judge = StaticJudge("static")
    assert judge._value("complexity", {"efficient": 1, "speedy_idioms": 0}) == 8


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer is empty"),
        ("I cannot.", "the answer has no code"),
        ("```python\ndef f(:\n```", "the code does not parse as Python"),
    ],
)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_what_cannot_be_read_is_rated_1_and_says_why(
    dimension: str, text: str, reason: str
) -> None:
    (found,) = StaticJudge("static").rate([answer(dimension, text)])
    assert (found.rating, found.reason, found.parts) == (1, reason, {})


def test_an_answer_no_measure_is_defined_for_is_unrated() -> None:
    given = Answer("a", "instruction_following", "Say x.", "", "no code here", "x = 1\n")
    (found,) = StaticJudge("static").rate([given])
    assert found.rating is None
    assert found.reason == "no measure of the rubric is defined for this answer"


def test_the_same_answer_always_gets_the_same_rating_whatever_its_neighbours() -> None:
    judge = StaticJudge("static")
    many = [answer("style", POOR, id=str(i)) for i in range(5)] + [answer("style", GOOD, id="g")]
    assert next(judge.rate([many[-1]])) == list(judge.rate(many))[-1]


def test_every_answer_is_rated_in_order_across_batches() -> None:
    many = [answer("complexity", GOOD, id=str(i)) for i in range(300)]
    assert [r.id for r in StaticJudge("static").rate(many)] == [a.id for a in many]


def test_the_two_judges_have_different_rubrics() -> None:
    one, other = StaticJudge("static"), StaticJudge("static_b")
    assert one.key != other.key
    assert all(one.hashes[d] != other.hashes[d] for d in DIMENSIONS)


def test_an_unknown_static_judge_is_refused() -> None:
    with pytest.raises(CodealignError, match="did you mean 'static_b'"):
        StaticJudge("static_c_b")


def test_the_judge_is_found_by_its_name() -> None:
    assert open_judge("static_b").name == "static_b"


def test_lint_gives_each_piece_of_code_its_own_violations() -> None:
    clean, spaces, unused = lint.lint(["x = 1\n", "x=1\n", "import os\n"])
    assert (clean, dict(spaces), dict(unused)) == ({}, {"E225": 1}, {"F401": 1})


def test_lint_of_nothing_is_nothing() -> None:
    assert lint.lint([]) == []


def test_at_least_fifty_answers_a_second_are_rated() -> None:
    many = [answer(DIMENSIONS[i % 5], GOOD, id=str(i)) for i in range(200)]
    start = time.perf_counter()
    assert len(list(StaticJudge("static").rate(many))) == 200
    assert time.perf_counter() - start < 4


HARD = {
    "sum": "def f(n):\n    return n" + " + 1" * 400,
    "chain": "def f(n):\n    return n" + ".a()" * 600,
    "elif": "def f(n):\n    if n == 0:\n        return 0\n"
    + "".join(f"    elif n == {i}:\n        return {i}\n" for i in range(1, 600)),
    "not": "def f(n):\n    return " + "not " * 900 + "n",
    "separator": "def f(n):\n    s = 'a\u2028b'\n    return s",
    "next_line": "def f(n):\n    s = 'a\x85b'\n    return s",
    "form_feed": "def f(n):\n    s = 'a\x0cb'\n    return s",
    "file_separator": "def f(n):\n    s = 'a\x1cb'\n    return s",
    "backslash": "def f(n):\n    x = 1 + 2\\\n\n    return x",
}


@pytest.mark.parametrize("name", ["static", "static_b"])
@pytest.mark.parametrize("kind", HARD)
def test_no_answer_ends_the_judging(name: str, kind: str) -> None:
    text = f"```python\n{HARD[kind]}\n```\nIt adds one to n.\n"
    for dimension in DIMENSIONS:
        (found,) = StaticJudge(name).rate([Answer("x", dimension, "Add.", "", REFERENCE, text)])
        assert found.rating is not None and 1 <= found.rating <= 10


REFERENCE = "```python\ndef f(n):\n    return n + 1\n```\n"


def test_a_measure_that_fails_is_undefined_and_named() -> None:
    text = f"```python\n{HARD['next_line']}\n```\n"
    (found,) = StaticJudge("static_b").rate([Answer("x", "readability", "Add.", "", "", text)])
    assert "maintainable" not in found.parts
    assert found.reason == "not defined: maintainable (SyntaxError)"


def test_an_answers_own_comments_switch_no_rule_off() -> None:
    dirty = "import os\ndef f( n ):\n  return n\n"
    plain, silenced = lint.lint([dirty, f"# ruff: noqa\n{dirty}"])
    assert plain and set(silenced) >= set(plain)


def test_rules_are_listed_one_by_one() -> None:
    assert len(lint.RULES) == len(set(lint.RULES)) > 200
    assert all(re.fullmatch("[A-Z]+[0-9]{3,4}", rule) for rule in lint.RULES)


def test_nested_functions_count_with_what_they_hold() -> None:
    inner = "".join(f"        if n == {i}:\n            n += 1\n" for i in range(14))
    found = read(f"```python\ndef f(n):\n    def g(n):\n{inner}    return g\n```")
    assert measures.decisions(found.tree) == 14
    assert measures.simple(found, found) == 0.0  # 15 or more is the worst


def test_code_without_operators_is_not_perfectly_maintainable() -> None:
    found = read("```python\ndef f(n):\n    print(n)\n```")
    assert measures.maintainable(found, found) is None


def test_exception_groups_are_error_handling() -> None:
    found = read(
        "```python\ntry:\n    f()\nexcept* ValueError:\n    g()\n```", "Add error handling."
    )
    assert constraints.followed(found, found) == 1.0
    assert measures.decisions(found.tree) == 1


def test_decisions_are_radons_where_nothing_is_nested() -> None:
    code = (
        "def f(a, b):\n    for x in a:\n        if x and b or a:\n            continue\n"
        "    else:\n        return [y for y in b if y]\n    try:\n        assert a\n"
        "    except ValueError:\n        pass\n    else:\n        b = 1 if a else 2\n"
        "    while b:\n        b -= 1\n    match b:\n        case 1:\n            return 1\n"
        "        case _:\n            return 2\n"
    )
    (block,) = cc_visit(code)
    assert 1 + measures.decisions(ast.parse(code)) == block.complexity
