"""The processor's counter, as far as the machine has one."""

from __future__ import annotations

import os

import pytest

from codealign.sandbox import Call, Program, Sandbox
from codealign.sandbox.inside.counter import HARDWARE, open_counter, read_counter

SOFTWARE, TASK_CLOCK, NONE = 1, 1, 999


def test_where_there_is_no_such_event_there_is_no_counter() -> None:
    assert open_counter(HARDWARE, NONE) == -1
    assert read_counter(-1) == 0


def test_a_counter_rises_with_work() -> None:
    """The kernel's own clock of a thread stands in for a processor's counter."""
    counter = open_counter(SOFTWARE, TASK_CLOCK)
    if counter < 0:
        pytest.skip("this kernel does not let a process count its own events")
    before = read_counter(counter)
    sum(range(100_000))
    between = read_counter(counter)
    sum(range(1_000_000))
    assert read_counter(counter) - between > between - before > 0
    os.close(counter)


def test_instructions_of_a_call_are_counted_or_zero() -> None:
    counter = open_counter()
    with Sandbox(accept="basic") as box:
        calls = [Call("f", [1_000]), Call("f", [100_000])]
        program = Program("a", "def f(n): return sum(range(n))", calls, instructions=True)
        (result,) = box.run([program])
    few, many = (o.steps for o in result.outputs)
    assert (many > few > 0) if counter >= 0 else (many == few == 0)
