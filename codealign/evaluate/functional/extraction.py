"""What evalplus' sanitiser loses of an answer, shown by running the answer as it was written.

The score stays evalplus': a sample counts by what its sanitiser (0.3.1) kept. Of the longest run of
lines that parses it keeps the imports and, among top-level functions with a `return`, classes and
assignments to one name, the first of each name that the entry point reaches. So it loses a
decorated function, a function without a `return`, the second of two definitions, loops, conditions
and calls, and the whole function if something else that parses is longer.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from codealign.evaluate.functional.expected import Expected
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import base_prompt
from codealign.evaluate.functional.scoring import attempts
from codealign.evaluate.functional.verdicts import Attempt, Limits
from codealign.sandbox import Sandbox


def written(problem: Problem, completion: str, chat: bool) -> str:
    """Return the program in a completion as it stands: all that parses around the entry point.

    Of the runs of lines that parse and define the entry point at top level this is the one with
    the most lines, blank ones not counted; "" if there is none.
    """
    text = completion.replace("\t", "    ")
    return _longest_with(text if chat else base_prompt(problem) + text, problem.entry_point)


@cache
def _longest_with(text: str, entry_point: str) -> str:
    lines = text.split("\n")
    named = [i for i, line in enumerate(lines) if entry_point in line]
    spans = [
        (i, j)
        for i in range(len(lines))
        for j in range(i, len(lines))
        if any(i <= place <= j for place in named)
    ]
    filled = [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
    spans.sort(key=lambda s: (filled[s[0]] - filled[s[1] + 1], s))
    programs = ("\n".join(lines[i : j + 1]) for i, j in spans)
    return next((p for p in programs if entry_point in _defined(p)), "")


def _defined(program: str) -> set[str]:
    """Return the names of functions and of single assignments at the top level of what parses."""
    names = set()
    for node in _statements(program):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _statements(program: str) -> list[ast.stmt]:
    try:
        return ast.parse(program).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return []


def loses(program: str, solution: str) -> bool:
    """Tell whether a program has statements that a solution taken from it lacks, but for tests.

    Assertions, prints and strings are no part of a solution.
    """
    kept = {ast.dump(node) for node in _statements(solution)}
    return any(ast.dump(n) not in kept for n in _statements(program) if not _is_test(n))


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        shown = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print"
        return shown or isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assert)


def mark_lost(
    by_task: Mapping[str, Sequence[Attempt]],
    programs: Mapping[str, Sequence[str]],
    expected: dict[str, Expected],
    sandbox: Sandbox,
    limits: Limits,
) -> dict[str, list[Attempt]]:
    """Return the attempts; those are `extraction` that fail while the answer as written passes.

    Parameters
    ----------
    by_task : attempts of each problem, by task id.
    programs : from `written`, in the order of the attempts; of a problem that is not in it, nothing
        is known.
    """
    again = {
        task_id: [
            p
            for a, p in zip(by_task[task_id], of, strict=True)
            if a.kind not in ("", "sandbox_error") and p and loses(p, a.solution)
        ]
        for task_id, of in programs.items()
        if task_id in by_task
    }
    tried = attempts({t: of for t, of in again.items() if of}, expected, sandbox, limits)
    right = {(a.task_id, a.solution) for a in tried if a.passed}
    return {
        task_id: [
            _lost(a) if a.kind and (task_id, program) in right else a
            for a, program in zip(of, programs.get(task_id) or [""] * len(of), strict=True)
        ]
        for task_id, of in by_task.items()
    }


def _lost(attempt: Attempt) -> Attempt:
    why = f"the answer as written passes, what evalplus' sanitiser kept has: {attempt.detail}"
    return replace(attempt, kind="extraction", detail=why)
