"""EvalPerf's differential performance score (Liu et al. 2024) of correct solutions.

A correct solution is run on the problem's performance-exercising input and compared with reference
solutions ordered from slow to fast. Its score (DPS) is the share of known solutions that the
fastest reference it keeps up with is at least as fast as; the normalised score counts each
reference for an equal share. A solution slower than the slowest reference has 0. Only problems with
a correct solution have a score.

EvalPerf counts hardware instructions. Two substitutes are offered where there are none:

steps : the bytecode instructions executed, an exact count that is the same in every run. It does
    not see work done inside C functions: `sum(list)` costs as much as `len(list)`. It
    counts up to `MOST_STEPS`; whatever needs more counts as equally slow.
cpu : CPU seconds, the least of `REPEATS` runs. Sees all work; varies by some per cent between runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Literal

from codealign.errors import CodealignError
from codealign.evaluate.functional.problems import Problem
from codealign.records import stable_id
from codealign.sandbox import Call, Program, Result, Sandbox

Measure = Literal["steps", "cpu"]
MOST_STEPS = 2_000_000
REPEATS = 3
CPU_S = 45.0
MEMORY_MB = 1024
MOST_SAMPLES = 10


@dataclass(frozen=True)
class Efficiency:
    """Cost of a correct solution and the reference it keeps up with.

    `reference` is the index of the fastest one, -1 for none; `cost` in instructions or seconds,
    None if it could not be measured (`reason` says why), then the scores are None or, where the
    solution failed or ran out of time, 0. `dps` and `dps_norm` are in percent.
    """

    solution: str
    cost: float | None
    reference: int
    dps: float | None
    dps_norm: float | None
    reason: str = ""

    def as_evalperf(self) -> dict[str, Any]:
        """The entry of evalplus' `evalperf_results.json`."""
        row = asdict(self)
        row["matching_cluster_idx"] = row.pop("reference")
        return {**row, "pass": True, "profiled": self.dps is not None}


def compare(
    correct: dict[str, list[str]],
    problems: dict[str, Problem],
    sandbox: Sandbox,
    measure: Measure = "steps",
) -> dict[str, list[Efficiency]]:
    """Return the efficiency of the first `MOST_SAMPLES` correct solutions of each problem.

    Raises
    ------
    CodealignError
        A reference solution cannot be measured, or a problem has no performance-exercising input.
    """
    chosen = {task_id: texts[:MOST_SAMPLES] for task_id, texts in correct.items() if texts}
    programs: dict[str, Program] = {}
    for task_id, texts in chosen.items():
        problem = problems[task_id]
        if not problem.pe_input or not problem.references:
            raise CodealignError(f"{task_id}: no performance-exercising input or references")
        for code in (*texts, *(code for code, _ in problem.references)):
            for program in _programs(problem, code, measure):
                programs[program.id] = program
    found = {r.id: r for r in sandbox.run(programs.values())}
    return {
        task_id: _compare(problems[task_id], texts, found, measure)
        for task_id, texts in chosen.items()
    }


def _programs(problem: Problem, code: str, measure: Measure) -> Iterable[Program]:
    calls = [Call(problem.entry_point, arguments) for arguments in problem.pe_input[:1]]
    for repeat in range(1 if measure == "steps" else REPEATS):
        yield Program(
            id=stable_id(problem.task_id, code, repeat),
            code=code,
            calls=calls,
            cpu_s=CPU_S,
            wall_s=3 * CPU_S,
            memory_mb=MEMORY_MB,
            count=MOST_STEPS if measure == "steps" else 0,
        )


def _compare(
    problem: Problem, texts: list[str], found: dict[str, Result], measure: Measure
) -> list[Efficiency]:
    def cost_of(code: str) -> tuple[float | None, str]:
        return cost([found[p.id] for p in _programs(problem, code, measure)], measure)

    references = []
    for place, (code, _) in enumerate(problem.references):
        value, reason = cost_of(code)
        if value is None:
            raise CodealignError(f"{problem.task_id}: reference {place} cannot be run ({reason})")
        references.append(value)
    scores = [score for _, score in problem.references]
    return [_efficiency(text, *cost_of(text), references, scores) for text in texts]


def cost(runs: list[Result], measure: Measure) -> tuple[float | None, str]:
    """Return the cost of a solution from its runs, or None and the reason."""
    costs = []
    for run in runs:
        if run.verdict != "pass":
            return None, f"{run.verdict}: {run.detail}"
        outcome = run.outputs[0]
        if outcome.steps > MOST_STEPS:
            return inf, ""
        if outcome.error:
            return None, f"error: {outcome.error}"
        costs.append(outcome.steps if measure == "steps" else outcome.cpu_s)
    return float(min(costs)), ""


def _efficiency(
    solution: str, spent: float | None, reason: str, references: list[float], scores: list[float]
) -> Efficiency:
    if spent is None:
        unknown = reason.startswith("sandbox_error")
        zero = None if unknown else 0.0
        return Efficiency(solution, None, -1, zero, zero, reason)
    place = keeps_up_with(spent, references)
    if place < 0:
        return Efficiency(solution, spent, -1, 0.0, 0.0)
    norm = 100 * (place + 1) / len(references)
    return Efficiency(solution, spent, place, scores[place], norm)


def keeps_up_with(spent: float, references: list[float]) -> int:
    """Return the index of the fastest reference (slow to fast) that is not faster; -1: none."""
    reached = [i for i, reference in enumerate(references) if spent <= reference]
    return max(reached, default=-1)
