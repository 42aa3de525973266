"""Results for people: a closing line, and samples with prompt, answer and first failing test."""

from __future__ import annotations

from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.verdicts import Attempt

LONGEST = 600


def closing_line(results: Results) -> str:
    """Return one line: scores with n, then failures by kind."""
    scored = ", ".join(
        f"{r['benchmark']} {r['metric']} "
        + ("none" if r["value"] is None else f"{r['value']:.3f}")
        + f" (n={r['n']}, {r['missing']} missing)"
        for r in results.scores()
    )
    kinds = ", ".join(f"{n} {kind}" for kind, n in results.failures.items())
    return f"{scored}; {kinds or 'no failures'}; sandbox {results.level}"


def failing_samples(results: Results, problems: dict[str, Problem], each: int = 1) -> str:
    """Return Markdown with the first `each` samples of every kind of failure, by kind."""
    by_kind: dict[str, list[Attempt]] = {}
    for attempts in results.attempts.values():
        for attempt in attempts:
            if attempt.kind:
                by_kind.setdefault(attempt.kind, []).append(attempt)
    if not by_kind:
        return f"{results.benchmark}: no sample fails."
    shown = [a for kind in sorted(by_kind) for a in by_kind[kind][:each]]
    return "\n\n".join(failing_sample(a, problems[a.task_id]) for a in shown)


def two_samples(results: Results, problems: dict[str, Problem]) -> str:
    """Return Markdown with the first sample that passes and the first of the commonest failure."""
    every = [attempt for attempts in results.attempts.values() for attempt in attempts]
    common = next((kind for kind in results.failures if kind != "missing"), None)
    parts = []
    for kind, none in (("", "No sample passes."), (common, "No sample fails.")):
        one = next((a for a in every if a.kind == kind), None)
        parts.append(failing_sample(one, problems[one.task_id]) if one else none)
    return "\n\n".join(parts)


def failing_sample(attempt: Attempt, problem: Problem) -> str:
    """Return Markdown with a sample's prompt, answer and, if it fails, first failing test."""
    parts = [
        f"#### {attempt.task_id}, sample {attempt.index + 1}: {attempt.kind or 'passes'}",
        "Prompt:",
        _block(problem.prompt),
        "Answer:",
        _block(attempt.solution),
    ]
    if attempt.kind:
        parts += ["First failing test:", _block(f"{_call(attempt, problem)}{attempt.detail}")]
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
