"""The stages of the study, one function each: `run_sft(job) -> result`.

What decides a result is here and below. Notebooks and `codealign train` call these functions;
`codealign evaluate` and the laboratory, which have no job of a run, call what `run_functional` is
made of (`evaluate.functional.evaluation.evaluate_all`). What shows or words a result is not here:
a change of it makes no work anew (`workflow.code`).
"""
