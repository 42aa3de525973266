"""Tasks: the hold-out rule, names and types."""

from __future__ import annotations

import itertools
import random

import pytest

from nano.lab.ops import FILTERS, MAPS, SOURCES
from nano.lab.sequence_ops import OPS, REDUCTIONS
from nano.lab.tasks import Step, Task, constant, fits, is_held_out, sample_task

EVEN_SUM = Task(
    SOURCES["list"], (Step(FILTERS["even"]), Step(MAPS["square"]), Step(REDUCTIONS["sum"])), "nums"
)


def test_chain_names_source_and_operations_without_constants() -> None:
    task = Task(SOURCES["words"], (Step(FILTERS["longer"], "3"),), "names")
    assert task.chain == "words>longer"


def test_chain_of_an_any_step_names_its_condition() -> None:
    step = Step(REDUCTIONS["any"], condition=Step(FILTERS["odd"]))
    assert Task(SOURCES["list"], (step,), "nums").chain == "list>any:odd"


def test_types_follow_the_operations() -> None:
    # even and square keep a list of integers (L), sum makes an integer (I)
    assert EVEN_SUM.types == ("L", "L", "L", "I")


def test_name_lists_operations_last_first() -> None:
    assert EVEN_SUM.name == "sum_squares_even"


def test_name_never_shadows_a_builtin() -> None:
    assert Task(SOURCES["list"], (Step(OPS["sort"]),), "nums").name == "get_sorted"


def test_single_operations_are_never_held_out() -> None:
    tasks = [Task(s, (Step(op),), "x") for s in SOURCES.values() for op in OPS.values()]
    assert not any(map(is_held_out, tasks))


def test_about_one_skeleton_in_eight_is_held_out() -> None:
    pairs = itertools.permutations([op for op in OPS.values() if "L" in op.takes], 2)
    tasks = {Task(SOURCES["list"], tuple(map(Step, pair)), "x") for pair in pairs}
    found = {task.skeleton: is_held_out(task) for task in tasks}
    # 1/8 = 0.125; the standard error of a share of about 1500 skeletons is 0.009
    assert len(found) > 1000 and 0.10 < sum(found.values()) / len(found) < 0.15


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("list", "even", "sum"), ("list", "odd", "sum")),
        (("list", "multiple", "sum"), ("list", "last_digit", "sum")),
        (("list", "sort", "reverse"), ("words", "sort", "reverse")),
        (("words", "sort", "join_spaces"), ("words", "sort", "join_dashes")),
        (("list", "other_than", "count"), ("string", "unequal", "count")),
        (("words", "first", "join_dashes"), ("string", "text_first", "text_dash")),
    ],
)
def test_tasks_whose_code_looks_alike_share_their_skeleton(one, other) -> None:
    def skeleton(source: str, *ops: str) -> str:
        return Task(SOURCES[source], tuple(Step(OPS[op]) for op in ops), "x").skeleton

    assert skeleton(*one) == skeleton(*other)


@pytest.mark.parametrize("held_out", [True, False])
def test_sampled_tasks_keep_to_their_side_of_the_split(held_out: bool) -> None:
    rng = random.Random(1)
    assert all(is_held_out(sample_task(rng, held_out=held_out)) == held_out for _ in range(200))


def test_sampling_depends_on_the_seed_alone() -> None:
    first, second = random.Random(7), random.Random(7)
    chosen = [sample_task(first, held_out=False) for _ in range(50)]
    assert chosen == [sample_task(second, held_out=False) for _ in range(50)]


def test_depth_weights_choose_the_number_of_operations() -> None:
    rng = random.Random(2)
    tasks = [sample_task(rng, held_out=False, depths=(0.0, 1.0)) for _ in range(50)]
    assert {len(task.steps) for task in tasks} == {2}


def test_integers_need_digits_before_them() -> None:
    source = SOURCES["string"]
    assert not fits(OPS["integers"], source, "S", ["capital"])
    assert fits(OPS["integers"], source, "S", ["digit"])
    assert not fits(OPS["integers"], source, "S", ["digit", "text_dash"])


def test_an_operation_does_not_come_twice() -> None:
    assert not fits(OPS["sort"], SOURCES["list"], "L", ["sort"])


def test_constants_are_source_text_of_their_kind() -> None:
    rng = random.Random(3)
    assert constant("letter", rng)[0] == '"'
    assert int(constant("divisor", rng)) >= 2
