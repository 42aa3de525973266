"""Functional benchmarks: HumanEval+, MBPP+, EvalPerf, EvoEval (paper, section 3.4.1).

problems = load("humaneval", source="nano")
requests = prompts_for(problems)                       # to `codealign.generate`
solutions = {task_id: [extract(problems[task_id], completion, chat=False)], ...}
with Sandbox() as sandbox:
    results = evaluate("humaneval", solutions, problems, sandbox)
results.scores(), results.failures, results.write(folder)
"""

from codealign.evaluate.functional.evaluation import evaluate
from codealign.evaluate.functional.failures import failing_samples
from codealign.evaluate.functional.problems import Problem
from codealign.evaluate.functional.prompts import extract, prompts_for, stops
from codealign.evaluate.functional.registry import BENCHMARKS, expand, load
from codealign.evaluate.functional.results import Results
from codealign.evaluate.functional.samples import Samples, read_samples
from codealign.evaluate.functional.verdicts import KINDS, Attempt, Limits

__all__ = [
    "BENCHMARKS",
    "KINDS",
    "Attempt",
    "Limits",
    "Problem",
    "Results",
    "Samples",
    "evaluate",
    "expand",
    "extract",
    "failing_samples",
    "load",
    "prompts_for",
    "read_samples",
    "stops",
]
