"""A run with several seeds, cross-evaluation or ablations: effects, findings, reference."""
