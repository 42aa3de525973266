"""Tasks: the hold-out rule, names and types."""

from __future__ import annotations

import random

import pytest

from codealign.nano.ops import FILTERS, MAPS, SOURCES
from codealign.nano.sequence_ops import OPS, REDUCTIONS
from codealign.nano.tasks import Step, Task, constant, fits, is_held_out, sample_task

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
    assert not any(is_held_out(f"{source}>{op}") for source in SOURCES for op in OPS)


def test_about_one_chain_in_eight_is_held_out() -> None:
    rng = random.Random(0)
    chains = {f"list>{rng.choice(list(OPS))}>{rng.choice(list(OPS))}" for _ in range(3000)}
    share = sum(map(is_held_out, chains)) / len(chains)
    # 1/8 = 0.125; the standard error of a share of about 2500 chains is 0.007
    assert 0.10 < share < 0.15


@pytest.mark.parametrize("held_out", [True, False])
def test_sampled_tasks_keep_to_their_side_of_the_split(held_out: bool) -> None:
    rng = random.Random(1)
    assert all(
        is_held_out(sample_task(rng, held_out=held_out).chain) == held_out for _ in range(200)
    )


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
