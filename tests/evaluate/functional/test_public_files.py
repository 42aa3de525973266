"""The real HumanEval+ and MBPP+ files, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codealign.evaluate.functional import Problem, evaluate, load
from codealign.paths import PROJECT
from codealign.sandbox import Sandbox

FOLDER = Path(os.environ.get("CODEALIGN_BENCHMARKS", PROJECT.parent / "shared" / "benchmarks"))
FILES = {"humaneval": "HumanEvalPlus-*.jsonl.gz", "mbpp": "MbppPlus-*.jsonl.gz"}
COUNTS = {"humaneval": 164, "mbpp": 399}


def problems(benchmark: str, limit: int = 0) -> dict[str, Problem]:
    found = sorted(FOLDER.glob(FILES[benchmark]))
    if not found:
        pytest.skip(f"no {FILES[benchmark]} in {FOLDER}; set CODEALIGN_BENCHMARKS to their folder")
    return load(benchmark, data=found[-1], limit=limit)


def failures(benchmark: str, these: dict[str, Problem], sandbox: Sandbox) -> dict[str, str]:
    solutions = {t: [p.canonical] for t, p in these.items()}
    results = evaluate(benchmark, solutions, these, sandbox)
    return {a.task_id: a.detail for found in results.attempts.values() for a in found if a.kind}


@pytest.mark.parametrize("benchmark", FILES)
def test_the_first_canonical_solutions_pass(benchmark: str, sandbox: Sandbox) -> None:
    assert failures(benchmark, problems(benchmark, limit=10), sandbox) == {}


@pytest.mark.long
@pytest.mark.parametrize("benchmark", FILES)
def test_every_canonical_solution_passes(benchmark: str, sandbox: Sandbox) -> None:
    these = problems(benchmark)
    assert len(these) == COUNTS[benchmark]
    assert failures(benchmark, these, sandbox) == {}
