"""Functional benchmarks: HumanEval+, MBPP+, EvalPerf, EvoEval (paper, section 3.4.1).

problems = load("humaneval", source="nano")
requests = prompts_for(problems)                       # to `codealign.generate`
solutions = {task_id: [extract(problems[task_id], completion, chat=False)], ...}
with Sandbox() as sandbox:
    results = evaluate("humaneval", solutions, problems, sandbox)
results.scores(), results.failures, results.write(folder)

Each name is imported from its own module when it is first used: whoever reads problems alone does
not hang on what runs solutions.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "BENCHMARKS": "registry",
    "KINDS": "verdicts",
    "Attempt": "verdicts",
    "Limits": "verdicts",
    "Problem": "problems",
    "Results": "results",
    "Samples": "samples",
    "closing_line": "wording",
    "evaluate": "evaluation",
    "expand": "registry",
    "extract": "prompts",
    "failing_samples": "wording",
    "load": "registry",
    "prompts_for": "prompts",
    "read_samples": "samples",
    "stops": "prompts",
}
"""The module of each public name."""

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"{__name__} has no public name {name!r}; it has {', '.join(_HOME)}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
