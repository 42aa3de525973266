"""Expected outputs, computed from the canonical solutions in the sandbox, cached by content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.functional.cache import cached
from codealign.evaluate.functional.oracle import expects_only_presence
from codealign.evaluate.functional.problems import Problem
from codealign.records import stable_id
from codealign.sandbox import Call, Program, Result, Sandbox
from codealign.sandbox.inside import codec

CANONICAL_CPU_S = 300.0
CANONICAL_MEMORY_MB = 4096
CANONICAL_RESULT_BYTES = 512 << 20


@dataclass(frozen=True)
class Expected:
    """Outputs of the canonical solution, base then plus, and what they cost.

    `cpu_s` holds the CPU seconds of each call; `total_cpu_s` also counts the encoding of outputs;
    `size` is their encoded length.
    """

    problem: Problem
    outputs: list[Any]
    cpu_s: list[float]
    total_cpu_s: float
    size: int


def expect(
    problems: dict[str, Problem], sandbox: Sandbox, cache: Path | None = None
) -> dict[str, Expected]:
    """Return what is expected of each problem, by task id.

    Parameters
    ----------
    cache : folder; a file there is used if problems, inputs and Python are the same.

    Raises
    ------
    CodealignError
        A canonical solution does not run through: names the problem and the reason.
    """
    problems = _with_inputs(problems, sandbox)
    names = {content_id(p): p for p in problems.values()}
    rows = cached(cache, "expected", names, lambda: _compute(names, sandbox))
    return {e.problem.task_id: e for e in (_expected(names[r["id"]], r) for r in rows)}


def content_id(problem: Problem) -> str:
    """Id of everything that the expected outputs depend on."""
    inputs = codec.dumps([problem.base_input, problem.plus_input])
    return stable_id(problem.task_id, problem.canonical, problem.entry_point, inputs)


def _compute(names: dict[str, Problem], sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    programs = [
        Program(
            id=name,
            code=problem.canonical,
            calls=[Call(problem.entry_point, i) for i in problem.base_input + problem.plus_input],
            cpu_s=CANONICAL_CPU_S,
            wall_s=2 * CANONICAL_CPU_S,
            memory_mb=CANONICAL_MEMORY_MB,
            result_bytes=CANONICAL_RESULT_BYTES,
        )
        for name, problem in names.items()
    ]
    for result in sandbox.run(programs):
        _refuse_failure(names[result.id], result)
        yield {
            "id": result.id,
            "outputs": [codec.dumps(o.value) for o in result.outputs],
            "cpu_s": [o.cpu_s for o in result.outputs],
            "total_cpu_s": result.cpu_s,
        }


def _refuse_failure(problem: Problem, result: Result) -> None:
    errors = [o.error for o in result.outputs if o.error]
    if result.verdict not in ("pass", "suspect") or errors:
        reason = errors[0] if errors else result.detail
        raise CodealignError(
            f"{problem.task_id}: its canonical solution does not run ({result.verdict}: {reason})"
        )


def _expected(problem: Problem, row: dict[str, Any]) -> Expected:
    outputs = [codec.loads(text) for text in row["outputs"]]
    if expects_only_presence(problem):
        outputs = [value is not None for value in outputs]
    size = sum(map(len, row["outputs"]))
    return Expected(problem, outputs, row["cpu_s"], row["total_cpu_s"], size)


def _with_inputs(problems: dict[str, Problem], sandbox: Sandbox) -> dict[str, Problem]:
    """Evaluate inputs that are given as Python source (EvoEval)."""
    sources = [p for p in problems.values() if p.base_expressions]
    programs = [
        Program(
            p.task_id, f"def inputs():\n    return [{_rows(p)}]\n", [Call("inputs", [])], cpu_s=60
        )
        for p in sources
    ]
    found = dict(problems)
    for result in sandbox.run(programs):
        _refuse_failure(problems[result.id], result)
        base = result.outputs[0].value
        found[result.id] = replace(problems[result.id], base_input=base, base_expressions=[])
    return found


def _rows(problem: Problem) -> str:
    return ", ".join(f"[{expression}]" for expression in problem.base_expressions)


def inputs_as_json(problem: Problem, suite: str, index: int) -> Any:
    """One test's arguments as results files keep them; what JSON lacks becomes text."""
    arguments = (problem.base_input if suite == "base" else problem.plus_input)[index]
    return json.loads(json.dumps(arguments, default=str))
