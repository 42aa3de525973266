"""The laboratory that makes nano: task grammar, benchmarks, seed functions, corpus, weights."""
