"""Failing samples for people: prompt, answer, first failing test."""

from __future__ import annotations

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.verdicts import Attempt

LONGEST = 600


def failing_samples(results: Results, problems: dict[str, Problem], each: int = 1) -> str:
    """Return Markdown with the first `each` samples of every kind of failure, by kind."""
    by_kind: dict[str, list[Attempt]] = {}
    for found in results.attempts.values():
        for attempt in found:
            if attempt.kind:
                by_kind.setdefault(attempt.kind, []).append(attempt)
    if not by_kind:
        return f"{results.benchmark}: no sample fails."
    shown = [a for kind in sorted(by_kind) for a in by_kind[kind][:each]]
    return "\n\n".join(failing_sample(a, problems[a.task_id]) for a in shown)


def failing_sample(attempt: Attempt, problem: Problem) -> str:
    """Return Markdown with a sample's prompt, answer and first failing test."""
    parts = [
        f"#### {attempt.task_id}, sample {attempt.index + 1}: {attempt.kind}",
        "Prompt:",
        _block(problem.prompt),
        "Answer:",
        _block(attempt.solution),
        "First failing test:",
        _block(f"{_call(attempt, problem)}{attempt.detail}"),
    ]
    return "\n\n".join(parts)


def _call(attempt: Attempt, problem: Problem) -> str:
    """The call of the first failing test, on a line of its own; none if nothing was called."""
    failed = attempt.base_fail_tests or attempt.plus_fail_tests
    if not failed:
        return ""
    arguments = failed[0] if isinstance(failed[0], list) else [failed[0]]
    text = ", ".join(_short(repr(a)) for a in arguments)
    return f"{problem.entry_point}({text})\n"


def _block(text: str) -> str:
    return f"````python\n{_short(text.strip())}\n````"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"
