"""The stages of the study, one function each: `run_sft(job) -> result`.

What decides a result is here and below; notebooks, commands and the laboratory call it. What shows
a result is not: a change of it makes no work anew (`workflow.code`).
"""
