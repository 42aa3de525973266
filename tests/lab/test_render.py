"""Code of tasks: every style computes the same, and reads as its name says."""

from __future__ import annotations

import ast
import random

import pytest

from nano.lab import inputs
from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.render import (
    STYLES,
    clumsy_body,
    function,
    helper_function,
    loop_body,
    one_expression,
    squeeze,
    steps_body,
)
from nano.lab.sequence_ops import OPS, REDUCTIONS
from nano.lab.tasks import Step, Task, sample_task

LIST, WORDS = SOURCES["list"], SOURCES["words"]
EVEN_SQUARES = Task(LIST, (Step(FILTERS["even"]), Step(MAPS["square"])), "nums")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("slow", [False, True])
def test_every_style_and_algorithm_agrees_with_the_reference(style: str, slow: bool) -> None:
    rng = random.Random(f"{style}{slow}")
    for _ in range(150):
        task = sample_task(rng, held_out=False)
        code = function(task, style, slow=slow)
        for size in ("tiny", "small", "large"):
            given = inputs.arguments(task, rng, size)
            assert inputs.call_code(code, task.name, given) == inputs.expected(task, given)


def test_a_filter_and_a_map_become_one_comprehension() -> None:
    assert one_expression(EVEN_SQUARES) == "[x ** 2 for x in nums if x % 2 == 0]"


def test_one_expression_refuses_to_compute_a_value_twice() -> None:
    # differences zips its value with itself: as one expression the filter would run twice
    task = Task(LIST, (Step(FILTERS["even"]), Step(OPS["differences"])), "nums")
    assert one_expression(task) is None


def test_named_steps_give_one_variable_a_step() -> None:
    assert steps_body(EVEN_SQUARES) == [
        "evens = [x for x in nums if x % 2 == 0]",
        "return [x ** 2 for x in evens]",
    ]


def test_a_variable_never_takes_a_parameters_name() -> None:
    source = SOURCES["sentence"]
    steps = (Step(OPS["sort"]), Step(OPS["by_length"]))
    assert steps_body(Task(source, steps, "ordered"))[1].startswith("ordered2 = ")


def test_a_loop_filters_inside_and_adds_up() -> None:
    task = Task(LIST, (Step(FILTERS["odd"]), Step(REDUCTIONS["sum"])), "nums")
    assert loop_body(task) == [
        "total = 0",
        "for x in nums:",
        "    if x % 2 == 1:",
        "        total += x",
        "return total",
    ]


def test_a_loop_filters_mapped_values_under_a_name() -> None:
    task = Task(LIST, (Step(MAPS["double"]), Step(FILTERS["greater"], "4")), "nums")
    assert loop_body(task)[2:4] == ["    y = x * 2", "    if y > 4:"]


def test_there_is_no_loop_for_sorting() -> None:
    assert loop_body(Task(LIST, (Step(OPS["sort"]),), "nums")) is None


def test_a_clumsy_body_loops_over_indexes_for_every_step() -> None:
    assert clumsy_body(EVEN_SQUARES) == [
        "a = []",
        "for i in range(len(nums)):",
        "    if nums[i] % 2 == 0:",
        "        a.append(nums[i])",
        "b = []",
        "for i in range(len(a)):",
        "    b.append(a[i] ** 2)",
        "return b",
    ]


def test_a_clumsy_body_adds_characters_up_to_a_string() -> None:
    task = Task(SOURCES["string"], (Step(FILTERS["digit"]), Step(REDUCTIONS["count"])), "text")
    assert "        a += text[i]" in clumsy_body(task)
    assert clumsy_body(task)[-2:] == ["b = len(a)", "return b"]


def test_a_guard_refuses_another_type_and_nothing_else() -> None:
    code = function(EVEN_SQUARES, "steps", guarded=True)
    with pytest.raises(TypeError, match="nums must be of type list"):
        inputs.call_code(code, EVEN_SQUARES.name, ["12"])
    assert inputs.call_code(code, EVEN_SQUARES.name, [[1, 2, 4]]) == [4, 16]


def test_a_guard_lets_every_sources_arguments_through() -> None:
    rng = random.Random(11)
    for source in SOURCES:
        task = sample_task(rng, held_out=False, sources=(source,))
        given = inputs.arguments(task, rng)
        code = function(task, "loop", guarded=True)
        assert inputs.call_code(code, task.name, given) == inputs.expected(task, given)


def test_squeezing_takes_spaces_from_operators_but_not_from_strings() -> None:
    assert squeeze('return " ".join([w for w in words if w != " "])').startswith('return " ".join')
    assert squeeze("a = [x % 2, x ** 2]") == "a=[x%2,x**2]"


@pytest.mark.parametrize("style", ["terse", "clumsy"])
def test_poor_code_has_no_hints(style: str) -> None:
    assert "->" not in function(EVEN_SQUARES, style)


def test_imports_stand_before_the_function() -> None:
    task = Task(LIST, (Step(REDUCTIONS["product"]),), "nums")
    assert function(task, "steps").startswith("from math import prod\n\ndef product(")


def test_a_docstring_is_kept_as_written() -> None:
    tree = ast.parse(function(EVEN_SQUARES, "steps", doc="Return squares."))
    assert ast.get_docstring(tree.body[0]) == "Return squares."


def test_a_helper_takes_over_its_operation() -> None:
    code = helper_function(Step(FILTERS["even"]), "L", "is_even")
    code += function(EVEN_SQUARES, "steps", helpers={"even": "is_even"})
    assert "if is_even(x)" in code
    assert inputs.call_code(code, EVEN_SQUARES.name, [[1, 2, 4]]) == [4, 16]
