"""Runs many cases of one response in one program, and again what the program did not get to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from codealign.prefs.executions import Runs
from codealign.prefs.testing import Case, program_of, verdicts_of
from codealign.sandbox import Program


@dataclass
class Settled:
    """The verdicts of a response's cases, in their order, and the CPU seconds they took."""

    id: str
    cases: Sequence[Case]
    verdicts: list[str] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def left(self) -> Sequence[Case]:
        """The cases without a verdict."""
        return self.cases[len(self.verdicts) :]


def settle(
    work: Iterable[tuple[str, Sequence[Case]]], sandbox: Runs, cpu_s: float
) -> list[Settled]:
    """Return the verdict of every case, in the order of the work.

    A case that ends its program (it takes too long, or crashes) leaves those behind it for a
    program of their own. After a sandbox error all that is left has the verdict `sandbox_error`.

    Parameters
    ----------
    work : id and cases of each response; ids are unique.
    cpu_s : CPU seconds of one case.
    """
    settled = {name: Settled(name, cases) for name, cases in work}
    pending = [one for one in settled.values() if one.left]
    while pending:
        for result in sandbox.run(_programs(pending, cpu_s)):
            one = settled[result.id]
            verdicts = [v for v, _ in verdicts_of(result, len(one.left))]
            if verdicts == ["sandbox_error"]:
                verdicts *= len(one.left)
            one.verdicts += verdicts
            one.cpu_s += result.cpu_s
        pending = [one for one in pending if one.left]
    return list(settled.values())


def _programs(pending: Iterable[Settled], cpu_s: float) -> Iterator[Program]:
    return (program_of(one.id, one.left, cpu_s) for one in pending)
