"""Verdicts do not depend on the machine's load or on the number of workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.verdicts import Attempt
from codealign.sandbox import Sandbox

SPIN = "import time\ndef {}(x):\n    end = time.process_time() + {}\n" + (
    "    while time.process_time() < end: pass\n    return {}"
)
SOLUTIONS = {
    "T/0": [
        "def double(x): return 2 * x",
        "def double(x): return x",
        SPIN.format("double", 0.3, "2 * x"),  # right, and well within the second a call may take
        "def double(x):\n    while True: pass",
        "def double(x): raise ValueError",
        "import os\ndef double(x): os._exit(0)",
    ],
    "T/1": [SPIN.format("first", 0.3, "x[0]"), "def first(x): return x"],
}


@pytest.fixture
def busy() -> Iterator[None]:
    """Two processes that do nothing but take time."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(2)]
    yield
    for process in processes:
        process.kill()
        process.wait()


def attempts(problems: dict[str, Problem], workers: int) -> list[Attempt]:
    with Sandbox(workers=workers, accept="basic") as box:
        found = evaluate("humaneval", SOLUTIONS, problems, box).attempts
    return [replace(a, cpu_s=0.0) for tried in found.values() for a in tried]


def test_verdicts_are_the_same_alone_and_beside_busy_processes_with_four_workers(
    problems: dict[str, Problem], request: pytest.FixtureRequest
) -> None:
    alone = attempts(problems, workers=1)
    kinds = ["", "wrong", "", "timeout", "error", "no_proof", "", "wrong"]
    assert [a.kind for a in alone] == kinds
    request.getfixturevalue("busy")
    assert attempts(problems, workers=4) == alone
