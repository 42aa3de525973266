"""How many mistakes the benchmarks' tests notice: every single slip of `mistakes` in a solution."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from codealign.records import seed_of
from nano.lab import inputs
from nano.lab.mistakes import every
from nano.lab.problems import Problem, full_solution
from nano.lab.tasks import of_chain

FURTHER = ("tiny", "small", "small", "large") * 50
Outcome = tuple[str, str]


@dataclass(frozen=True)
class Noticed:
    """Mutants by what notices them first.

    `base`: the base tests. `plus`: only the added ones. `missed`: neither, but one of the
    `FURTHER` random inputs shows a difference. `same`: no input does; such a mutant is taken to be
    equivalent.
    """

    base: int = 0
    plus: int = 0
    missed: int = 0
    same: int = 0

    @property
    def wrong(self) -> int:
        """Mutants that are known to be wrong."""
        return self.base + self.plus + self.missed

    @property
    def base_score(self) -> float:
        """Mutation score of the base tests alone: the share of wrong mutants that they notice."""
        return self.base / self.wrong if self.wrong else float("nan")

    @property
    def score(self) -> float:
        """Mutation score of base and added tests together."""
        return (self.base + self.plus) / self.wrong if self.wrong else float("nan")


def _outcome(code: str, name: str, row: list[Any]) -> Outcome:
    """Return type and text of a result, or the exception's name: what a test can see."""
    try:
        result = inputs.call_code(code, name, row)
    except Exception as error:  # a mutant may fail in any way
        return "raised", type(error).__name__
    shown = sorted(result.items()) if isinstance(result, dict) else result
    return type(result).__name__, repr(shown)


def further_rows(problem: Problem) -> list[list[Any]]:
    """Return random arguments for a problem that are not among its tests' own draw."""
    hints = [type(value).__name__ for value in problem["base_input"][0][1:]]
    extra = tuple((f"extra{i}", hint) for i, hint in enumerate(hints))
    task = replace(of_chain(problem["chain"]), extra=extra)
    rng = random.Random(seed_of("further", problem["task_id"]))
    return [inputs.arguments(task, rng, size) for size in FURTHER]


def noticed(problem: Problem) -> Noticed:
    """Return how a problem's tests do on every single slip in its canonical solution."""
    right, name = full_solution(problem), problem["entry_point"]
    groups = {
        "base": problem["base_input"],
        "plus": problem["plus_input"],
        "missed": further_rows(problem),
    }
    wanted = {key: [_outcome(right, name, row) for row in rows] for key, rows in groups.items()}
    counts = dict.fromkeys((*groups, "same"), 0)
    for code in every(right):
        counts[_first(code, name, groups, wanted)] += 1
    return Noticed(**counts)


def _first(
    code: str,
    name: str,
    groups: dict[str, list[list[Any]]],
    wanted: dict[str, list[Outcome]],
) -> str:
    """Return the first group of inputs on which `code` differs, or "same"."""
    for key, rows in groups.items():
        if any(
            _outcome(code, name, row) != want for row, want in zip(rows, wanted[key], strict=True)
        ):
            return key
    return "same"


def total(problems: Iterable[Problem]) -> Noticed:
    """Return the counts of several problems together."""
    counts = [noticed(problem) for problem in problems]
    return Noticed(
        sum(n.base for n in counts),
        sum(n.plus for n in counts),
        sum(n.missed for n in counts),
        sum(n.same for n in counts),
    )
