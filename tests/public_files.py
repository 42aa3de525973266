"""The real HumanEval+ and MBPP+ files, for tests that use them where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.registry import load
from codealign.paths import PROJECT

FOLDER = Path(os.environ.get("CODEALIGN_BENCHMARKS", PROJECT.parent / "shared" / "benchmarks"))
FILES = {"humaneval": "HumanEvalPlus-*.jsonl.gz", "mbpp": "MbppPlus-*.jsonl.gz"}


def public_file(benchmark: str) -> Path:
    """Return the real file; skips the test, with the reason, where it is absent."""
    found = sorted(FOLDER.glob(FILES[benchmark]))
    if not found:
        pytest.skip(f"no {FILES[benchmark]} in {FOLDER}; set CODEALIGN_BENCHMARKS to their folder")
    return found[-1]


def public_problems(benchmark: str, limit: int = 0) -> dict[str, Problem]:
    """Return problems of the real file."""
    return load(benchmark, data=public_file(benchmark), limit=limit)
