"""Functional benchmarks: HumanEval+, MBPP+, EvalPerf, EvoEval (paper, section 3.4.1).

problems = registry.load("humaneval", source="nano")
requests = prompts.prompts_for(problems)               # to `codealign.generate`
solutions = {task_id: [prompts.extract(problems[task_id], completion, chat=False)], ...}
with Sandbox() as sandbox:
    results = evaluation.evaluate("humaneval", solutions, problems, sandbox)
results.scores(), results.failures, results.write(folder)
"""
