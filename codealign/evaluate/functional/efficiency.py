"""EvalPerf's differential performance score (Liu et al. 2024) of correct solutions.

A correct solution is run on the problem's performance-exercising input and compared with reference
solutions ordered from slow to fast. Its score (DPS) is the share of known solutions that the
fastest reference it keeps up with is at least as fast as; the normalised score counts each
reference for an equal share. A solution slower than the slowest reference has 0. Only problems with
a correct solution have a score.

EvalPerf counts hardware instructions, and so does `instructions`, where the machine has such a
counter. Two substitutes are offered where it has none:

steps : the bytecode instructions executed, an exact count that is the same in every run. It does
    not see work done inside C functions: `sum(list)` costs as much as `len(list)`. It
    counts up to `MOST_STEPS`. A solution that needs more is slower than references that need less;
    where a reference needs more as well, which of them is slower is not known: it is unmeasured.
cpu : CPU seconds, the least of `REPEATS` runs. Sees all work; varies by some per cent between runs.

Differences to evalplus 0.3.1's command, which follows its paper with changes: as in the paper, a
problem needs one correct solution (the command: 10), and the first 10 correct ones are measured
(the command: 20). Equal programs are measured once, so that a solution equal to a reference always
keeps up with it. docs/how-to/evaluate.md says how the score relates to the study's Table 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from codealign.errors import CodealignError
from codealign.evaluate.functional.expected import HASH_OVER, cached
from codealign.evaluate.functional.problems import Problem
from codealign.records import stable_id
from codealign.sandbox import Call, Program, Result, Sandbox
from codealign.sandbox.inside import codec

Measure = Literal["auto", "instructions", "steps", "cpu"]
MOST_STEPS = 2_000_000
BEYOND = float(MOST_STEPS + 1)
"""Cost of what needs more steps than are counted."""
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
        row["_num_cpu_instructions"] = row.pop("cost")
        return {**row, "pass": True, "profiled": self.dps is not None}


def available(measure: Measure, sandbox: Sandbox) -> Measure:
    """Return what "auto" stands for here: instructions if they can be counted, else steps.

    Raises
    ------
    CodealignError
        Instructions are asked for, and this machine has no counter of them.
    """
    if measure not in ("auto", "instructions"):
        return measure
    probe = Program("probe", "def f(): pass", [Call("f", [])], instructions=True)
    (result,) = sandbox.run([probe])
    if result.verdict == "pass" and result.outputs[0].steps > 0:
        return "instructions"
    if measure == "auto":
        return "steps"
    raise CodealignError(
        "evalperf: this machine does not count instructions (a virtual machine, or "
        "/proc/sys/kernel/perf_event_paranoid over 2); measure steps or cpu instead"
    )


def compare(
    correct: dict[str, list[str]],
    problems: dict[str, Problem],
    sandbox: Sandbox,
    measure: Measure = "steps",
    cache: Path | None = None,
) -> dict[str, list[Efficiency]]:
    """Return the efficiency of the first `MOST_SAMPLES` correct solutions of each problem.

    Parameters
    ----------
    correct : correct solutions by task id; problems without one are left out.
    measure : what a cost is (see `available`).
    cache : folder for the references' steps; other measures are always taken anew.

    Raises
    ------
    CodealignError
        A reference solution cannot be measured, or a problem has no performance-exercising input.
    """
    chosen = {task_id: texts[:MOST_SAMPLES] for task_id, texts in correct.items() if texts}
    solutions = [(problems[t], code) for t, texts in chosen.items() for code in texts]
    references = [(problems[t], code) for t in chosen for code in _references(problems[t])]
    keep = cache if measure == "steps" else None
    ids = [_id(*each) for each in references]

    def measured() -> list[dict[str, Any]]:
        rows = list(_measure(references, sandbox, measure))
        _refuse_unmeasured(references, rows)  # before they are kept: the next run measures anew
        return rows

    costs = {row["id"]: row for row in cached(keep, "references", ids, measured)}
    costs |= {row["id"]: row for row in _measure(solutions, sandbox, measure)}
    return {
        task_id: [_efficiency(problems[task_id], text, costs, measure) for text in texts]
        for task_id, texts in chosen.items()
    }


def _references(problem: Problem) -> list[str]:
    if not problem.pe_input or not problem.references:
        raise CodealignError(f"{problem.task_id}: no performance-exercising input or references")
    return [code for code, _ in problem.references]


def _id(problem: Problem, code: str) -> str:
    """Id of everything a cost depends on."""
    inputs = codec.dumps(problem.pe_input[:1])
    return stable_id(problem.task_id, problem.entry_point, inputs, MOST_STEPS, code)


def _measure(
    pairs: list[tuple[Problem, str]], sandbox: Sandbox, measure: Measure
) -> Iterator[dict[str, Any]]:
    """Yield `id`, `cost`, `verdict` and `reason` of each program; equal programs are run once."""
    repeats = REPEATS if measure == "cpu" else 1
    named = {_id(problem, code): (problem, code) for problem, code in pairs}
    programs = (
        _program(name, *each, measure) for name, each in named.items() for _ in range(repeats)
    )
    for name, runs in groupby(sandbox.run(programs), key=lambda run: run.id):
        value, verdict, reason = cost(list(runs), measure)
        yield {"id": name, "cost": value, "verdict": verdict, "reason": reason}


def _program(name: str, problem: Problem, code: str, measure: Measure) -> Program:
    return Program(
        id=name,
        code=code,
        calls=[Call(problem.entry_point, arguments) for arguments in problem.pe_input[:1]],
        cpu_s=CPU_S,
        wall_s=3 * CPU_S,
        memory_mb=MEMORY_MB,
        count=MOST_STEPS if measure == "steps" else 0,
        instructions=measure == "instructions",
        hash_over=HASH_OVER,
    )


def _refuse_unmeasured(references: list[tuple[Problem, str]], rows: list[dict[str, Any]]) -> None:
    costs = {row["id"]: row for row in rows}
    for problem, code in references:
        row = costs[_id(problem, code)]
        if row["cost"] is None:
            raise CodealignError(
                f"{problem.task_id}: a reference solution cannot be measured ({row['reason']})"
            )


def cost(runs: list[Result], measure: Measure) -> tuple[float | None, str, str]:
    """Return the cost of a solution from its runs, its verdict, and why it has no cost.

    The verdict is the sandbox's, or `error` where a call raised; only `pass` has a cost.
    """
    costs = []
    for run in runs:
        if run.verdict != "pass":
            return None, run.verdict, f"{run.verdict}: {run.detail}"
        outcome = run.outputs[0]
        if measure == "steps" and outcome.steps > MOST_STEPS:
            return BEYOND, "pass", ""
        if outcome.error:
            return None, "error", f"error: {outcome.error}"
        costs.append(outcome.cpu_s if measure == "cpu" else outcome.steps)
    return float(min(costs)), "pass", ""


def _efficiency(
    problem: Problem, solution: str, costs: dict[str, dict[str, Any]], measure: Measure
) -> Efficiency:
    row = costs[_id(problem, solution)]
    if row["cost"] is None:
        score = None if row["verdict"] == "sandbox_error" else 0.0
        return Efficiency(solution, None, -1, score, score, row["reason"])
    codes = _references(problem)
    references = [costs[_id(problem, code)]["cost"] for code in codes]
    place = keeps_up_with(row["cost"], references)
    # Of two programs that go beyond the count nobody knows which is slower, unless they are equal.
    if measure == "steps" and row["cost"] == BEYOND and place >= 0:
        if solution not in codes:
            reason = f"more than {MOST_STEPS:,} steps, and so a reference: measure cpu instead"
            return Efficiency(solution, None, -1, None, None, reason)
        place = codes.index(solution)
    if place < 0:
        return Efficiency(solution, row["cost"], -1, 0.0, 0.0)
    norm = 100 * (place + 1) / len(references)
    return Efficiency(solution, row["cost"], place, problem.references[place][1], norm)


def keeps_up_with(spent: float, references: list[float]) -> int:
    """Return the index of the fastest reference (slow to fast) that is not faster; -1: none."""
    reached = [i for i, reference in enumerate(references) if spent <= reference]
    return max(reached, default=-1)
