"""Functional benchmarks: HumanEval+, MBPP+, EvalPerf, EvoEval (paper, section 3.4.1)."""
