"""The embedded tiny model: task grammar, benchmarks, corpus, weights."""
