"""From a model or its samples to results, for all who evaluate: stage, command and laboratory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from codealign.evaluate.functional.completions import Model
from codealign.evaluate.functional.efficiency import Measure, available, compare
from codealign.evaluate.functional.expected import expect
from codealign.evaluate.functional.extraction import mark_lost
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.samples import Samples
from codealign.evaluate.functional.scoring import attempts
from codealign.evaluate.functional.verdicts import Attempt, Limits
from codealign.records import stable_id
from codealign.sandbox import Sandbox


def evaluate(
    benchmark: str,
    solutions: dict[str, list[str]],
    problems: dict[str, Problem],
    sandbox: Sandbox,
    cpu_s: float = 60.0,
    cache: Path | None = None,
    measure: Measure = "auto",
    programs: Mapping[str, Sequence[str]] | None = None,
) -> Results:
    """Run solutions against the tests of their problems.

    Parameters
    ----------
    solutions : samples of each problem, by task id; problems that are not in it count as missing.
    cpu_s : CPU seconds that a problem's tests may use together, at least (see `Limits`).
    cache : folder for expected outputs and reference counts; None computes them anew.
    measure : what EvalPerf's cost is measured in (see `efficiency`).
    programs : the answers as written that solutions were taken from, in the same order; with them
        a sample that only the sanitiser made fail is marked (kind `extraction`). It still fails.

    Raises
    ------
    CodealignError
        A solution for a problem that is not in `problems`; a canonical solution that fails.
    """
    unknown = sorted(set(solutions) - set(problems))
    if unknown:
        raise CodealignError(
            f"{benchmark}: solutions for {len(unknown)} unknown problems, e.g. {unknown[0]!r}"
        )
    given = {task_id: solutions[task_id] for task_id in problems if solutions.get(task_id)}
    expected = expect({t: problems[t] for t in given}, sandbox, cache)
    by_task: dict[str, list[Attempt]] = {task_id: [] for task_id in given}
    for attempt in attempts(given, expected, sandbox, Limits(cpu_s)):
        by_task[attempt.task_id].append(attempt)
    by_task = mark_lost(by_task, programs or {}, expected, sandbox, Limits(cpu_s))
    measured, unit = {}, ""
    if benchmark == "evalperf":
        unit = available(measure, sandbox)
        correct = {t: [a.solution for a in tried if a.passed] for t, tried in by_task.items()}
        measured = compare(correct, problems, sandbox, unit, cache)
    return Results(
        benchmark=benchmark,
        attempts=by_task,
        missing=[t for t in problems if t not in given],
        level=sandbox.level,
        problems=stable_id(*(e.id for e in expected.values())),
        efficiency=measured,
        measure=unit,
    )


def evaluate_all(
    problems: Mapping[str, dict[str, Problem]],
    source: Model | Mapping[str, Samples],
    folders: Mapping[str, Path],
    sandbox: Sandbox,
    **how: Any,
) -> dict[str, Results]:
    """Evaluate a model on benchmarks, and write the results of each into its folder.

    Parameters
    ----------
    problems : by benchmark and task id.
    source : the model that writes the samples (`Model.write`), or the samples of each benchmark.
    how : `cpu_s`, `cache` and `measure` of `evaluate`.
    """
    samples = source.write(problems, folders) if isinstance(source, Model) else source
    results = {}
    for name, some in problems.items():
        given = samples[name]
        results[name] = evaluate(
            name, given.solutions, some, sandbox, **how, programs=given.programs
        )
        results[name].write(folders[name])
    return results
