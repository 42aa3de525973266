"""Evaluation: functional benchmarks and CODAL (paper, sections 3.4 and 3.5)."""
