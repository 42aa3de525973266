"""The static judges: deterministic, from 1 to 10, nothing silently dropped."""

from __future__ import annotations

import time

import pytest

from codealign.errors import CodealignError
from codealign.evaluate.judges import open_judge
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
    (rating,) = StaticJudge("static").rate([answer("complexity", GOOD)])
    assert rating.parts == {"efficient": 1, "agrees": 1, "effort": 1, "speedy_idioms": 1}
    assert rating.rating == 10


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
    (rating,) = StaticJudge("static").rate([answer(dimension, text)])
    assert (rating.rating, rating.reason, rating.parts) == (1, reason, {})


def test_an_answer_no_measure_is_defined_for_is_unrated() -> None:
    given = Answer("a", "instruction_following", "Say x.", "", "no code here", "x = 1\n")
    (rating,) = StaticJudge("static").rate([given])
    assert rating.rating is None
    assert rating.reason == "no measure of the rubric is defined for this answer"


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
        (rating,) = StaticJudge(name).rate([Answer("x", dimension, "Add.", "", REFERENCE, text)])
        assert rating.rating is not None and 1 <= rating.rating <= 10


REFERENCE = "```python\ndef f(n):\n    return n + 1\n```\n"


def test_a_measure_that_fails_is_undefined_and_named() -> None:
    text = f"```python\n{HARD['next_line']}\n```\n"
    (rating,) = StaticJudge("static_b").rate([Answer("x", "readability", "Add.", "", "", text)])
    assert "maintainable" not in rating.parts
    assert rating.reason == "not defined: maintainable (SyntaxError)"
