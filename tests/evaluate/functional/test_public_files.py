"""The real HumanEval+ and MBPP+ files, where they are at hand."""

from __future__ import annotations

import pytest
from public_files import FILES, public_problems

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.problems import Problem
from codealign.sandbox import Sandbox

COUNTS = {"humaneval": 164, "mbpp": 399}


def failures(benchmark: str, these: dict[str, Problem], sandbox: Sandbox) -> dict[str, str]:
    solutions = {t: [p.canonical] for t, p in these.items()}
    results = evaluate(benchmark, solutions, these, sandbox)
    return {a.task_id: a.detail for tried in results.attempts.values() for a in tried if a.kind}


@pytest.mark.parametrize("benchmark", FILES)
def test_the_first_canonical_solutions_pass(benchmark: str, sandbox: Sandbox) -> None:
    assert failures(benchmark, public_problems(benchmark, limit=10), sandbox) == {}


@pytest.mark.long
@pytest.mark.parametrize("benchmark", FILES)
def test_every_canonical_solution_passes(benchmark: str, sandbox: Sandbox) -> None:
    these = public_problems(benchmark)
    assert len(these) == COUNTS[benchmark]
    assert failures(benchmark, these, sandbox) == {}
