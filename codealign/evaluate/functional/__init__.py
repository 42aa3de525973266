"""Functional benchmarks: HumanEval+, MBPP+, EvalPerf, EvoEval (paper, section 3.4.1).

problems = load("humaneval", source="nano")
requests = prompts_for(problems)                       # to `codealign.generate`
solutions = {task_id: [extract(problems[task_id], completion, chat=False)], ...}
with Sandbox() as sandbox:
    results = evaluate("humaneval", solutions, problems, sandbox)
results.scores(), results.failures, results.write(folder)

Each name is imported from its own module when it is first used: all together would take 0.2 seconds
in place of 3 milliseconds. The package itself imports from the modules, lest a job hang on all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codealign.evaluate.functional.evaluation import evaluate as evaluate
    from codealign.evaluate.functional.problems import Problem as Problem
    from codealign.evaluate.functional.prompts import extract as extract
    from codealign.evaluate.functional.prompts import prompts_for as prompts_for
    from codealign.evaluate.functional.prompts import stops as stops
    from codealign.evaluate.functional.registry import BENCHMARKS as BENCHMARKS
    from codealign.evaluate.functional.registry import expand as expand
    from codealign.evaluate.functional.registry import load as load
    from codealign.evaluate.functional.results import Results as Results
    from codealign.evaluate.functional.samples import Samples as Samples
    from codealign.evaluate.functional.samples import read_samples as read_samples
    from codealign.evaluate.functional.verdicts import KINDS as KINDS
    from codealign.evaluate.functional.verdicts import Attempt as Attempt
    from codealign.evaluate.functional.verdicts import Limits as Limits
    from codealign.evaluate.functional.wording import closing_line as closing_line
    from codealign.evaluate.functional.wording import failing_samples as failing_samples

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
