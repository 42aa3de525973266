"""Clarity: which texts can be read as another task."""

from __future__ import annotations

import pytest

from nano.lab.clarity import is_clear, rivals
from nano.lab.ops import FILTERS, SOURCES
from nano.lab.sequence_ops import OPS
from nano.lab.tasks import Step, Task

FIRST_BACKWARDS = Task(SOURCES["list"], (Step(OPS["first"], "3"), Step(OPS["reverse"])), "nums")


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("Return the first 3 of the numbers in nums in reverse order.", False),
        ("Return the reversed list of the first 3 of the numbers in nums.", True),
        ("Given a list nums, keep the first 3 of them and reverse the list.", True),
    ],
)
def test_a_phrase_that_fits_the_other_order_is_unclear(text: str, clear: bool) -> None:
    assert is_clear(FIRST_BACKWARDS, text) == clear


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("Return the number of the multiples of 3 of n.", False),
        ("Return the number of the digits divisible by 3 of n.", True),
    ],
)
def test_a_phrase_that_fits_digits_and_divisors_is_unclear(text: str, clear: bool) -> None:
    task = Task(SOURCES["digits"], (Step(FILTERS["multiple"], "3"), Step(OPS["count"])), "n")
    assert is_clear(task, text) == clear


def test_rivals_are_tasks_that_can_be_sampled() -> None:
    # the count of the even numbers has no other order: a filter cannot follow an integer
    task = Task(SOURCES["list"], (Step(FILTERS["even"]), Step(OPS["count"])), "nums")
    assert list(rivals(task)) == []
