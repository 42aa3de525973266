"""Arguments, references and examples."""

from __future__ import annotations

import json
import random

import pytest

from nano.lab import inputs
from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.sequence_ops import OPS, REDUCTIONS
from nano.lab.tasks import Step, Task, sample_task

LIST = SOURCES["list"]


def task_of(*steps: Step, source: str = "list", arg: str = "nums") -> Task:
    """Return a task without parameters of its own."""
    return Task(SOURCES[source], steps, arg)


# worked by hand from the words of each operation
@pytest.mark.parametrize(
    ("steps", "given", "result"),
    [
        ((Step(FILTERS["last_digit"], "3"),), [13, 4, 3, -7], [13, 3, -7]),
        ((Step(MAPS["half"]),), [5, -3], [2, -2]),
        ((Step(MAPS["cap"], "4"),), [3, 9], [3, 4]),
        ((Step(OPS["unique"]),), [2, 1, 2], [2, 1]),
        ((Step(OPS["last"], "2"),), [1, 2, 3], [2, 3]),
        ((Step(OPS["running"]),), [1, 2, 3], [1, 3, 6]),
        ((Step(OPS["differences"]),), [4, 9, 2], [5, -7]),
        ((Step(REDUCTIONS["product"]),), [], 1),
        ((Step(REDUCTIONS["maximum"]),), [], 0),
        ((Step(REDUCTIONS["any"], condition=Step(FILTERS["odd"])),), [2, 4], False),
        ((Step(FILTERS["prime"]),), [0, 1, 2, 9, 11], [2, 11]),
    ],
)
def test_operations_do_what_their_words_say(steps, given, result) -> None:
    assert inputs.expected(task_of(*steps), [given]) == result


@pytest.mark.parametrize(
    ("source", "given", "result"),
    [
        ("range", 3, [1, 2, 3]),
        ("digits", 407, [4, 0, 7]),
        ("divisors", 6, [1, 2, 3, 6]),
        ("dict_values", {"a": 2, "b": 1}, [2, 1]),
    ],
)
def test_sources_yield_their_numbers(source, given, result) -> None:
    # adding zero would show the sequence itself; k is a literal, so 0 is written in
    task = task_of(Step(MAPS["add"], "0"), source=source, arg="n")
    assert inputs.expected(task, [given]) == result


def test_arguments_are_plain_json() -> None:
    rng = random.Random(0)
    for _ in range(200):
        given = inputs.arguments(sample_task(rng, held_out=False), rng, "large")
        assert json.loads(json.dumps(given)) == given


def test_a_call_does_not_change_its_arguments() -> None:
    given = [[3, 1]]
    inputs.call_code("def f(a):\n    a.sort()\n    return a\n", "f", given)
    assert given == [[3, 1]]


def test_examples_are_different_and_right() -> None:
    task = task_of(Step(MAPS["double"]))
    found = inputs.examples(task, random.Random(1), 3)
    assert len({repr(given) for given, _ in found}) == 3
    assert all([2 * x for x in given[0]] == result for given, result in found)


def test_tiny_arguments_have_one_or_two_numbers() -> None:
    rng = random.Random(2)
    task = task_of(Step(OPS["sort"]))
    assert all(1 <= len(inputs.arguments(task, rng, "tiny")[0]) <= 2 for _ in range(50))


def test_literals_use_double_quotes() -> None:
    assert inputs.literal({"a": ["b", 1]}) == '{"a": ["b", 1]}'


def test_asserts_are_python() -> None:
    assert inputs.asserts("f", [([[1], "k"], True)]) == 'assert f([1], "k") == True\n'


def test_doctests_are_indented() -> None:
    assert inputs.doctests("f", [([2], 4)]) == "    >>> f(2)\n    4"
