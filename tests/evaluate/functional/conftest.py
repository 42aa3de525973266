"""Three tiny problems in evalplus' format, and one sandbox for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codealign.evaluate.functional.problems import Problem
from codealign.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(accept="basic") as box:
        yield box


@pytest.fixture
def problems() -> dict[str, Problem]:
    double = Problem(
        task_id="T/0",
        entry_point="double",
        prompt="def double(x):\n",
        canonical_solution="    return 2 * x\n",
        base_input=[[1], [2]],
        plus_input=[[-3], [0.1]],
    )
    first = Problem(
        task_id="T/1",
        entry_point="first",
        prompt="def first(xs):\n",
        canonical_solution="    return xs[0]\n",
        base_input=[[[1, 2]]],
        plus_input=[[["a"]]],
    )
    return {p.task_id: p for p in (double, first)}
