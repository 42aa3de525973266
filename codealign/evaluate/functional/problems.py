"""One problem of a functional benchmark, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """A function to write, its tests' inputs, and the rule by which outputs are compared.

    Parameters
    ----------
    prompt, canonical_solution : joined by `joiner` they are a correct program.
    base_input, plus_input : argument lists of the original tests and of the added ones.
    base_expressions : EvoEval's own form of `base_input`: Python source of each argument list, for
        inputs that JSON cannot hold; they are evaluated in the sandbox.
    atol : absolute tolerance of evalplus' comparison.
    oracle : whose rule compares: humaneval, mbpp, or an EvoEval category.
    pe_input : EvalPerf's performance-exercising argument lists.
    references : EvalPerf's reference solutions, from slow to fast, with the share (percent) of
        known solutions that each is at least as fast as.
    """

    task_id: str
    entry_point: str
    prompt: str
    canonical_solution: str
    base_input: list[list[Any]]
    plus_input: list[list[Any]] = field(default_factory=list)
    base_expressions: list[str] = field(default_factory=list)
    atol: float = 0
    oracle: str = "humaneval"
    joiner: str = ""
    pe_input: list[list[Any]] = field(default_factory=list)
    references: list[tuple[str, float]] = field(default_factory=list)

    @property
    def canonical(self) -> str:
        """The whole correct program."""
        return self.prompt + self.joiner + self.canonical_solution
