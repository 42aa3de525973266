"""Brings together what the steps left on disk: an instruction, its responses, their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from codealign.errors import CodealignError
from codealign.records import Execution, Instruction, Rating, Response

FAILED = ("fail", "timeout", "crash", "no_proof", "suspect")


@dataclass(frozen=True)
class Outcome:
    """An instruction with its responses, in the order of their index.

    `verdicts` and `ratings` are by response id; a response that was not executed or not rated is
    missing there.
    """

    instruction: Instruction
    responses: list[Response]
    verdicts: dict[str, str] = field(default_factory=dict)
    ratings: dict[str, float] = field(default_factory=dict)

    @property
    def passing(self) -> list[Response]:
        """The responses that passed their own tests."""
        return [r for r in self.responses if self.verdicts.get(r.id) == "pass"]

    @property
    def failing(self) -> list[Response]:
        """The responses that were executed and failed, unless the same text passed.

        They have code and tests, so none is empty. One that the sandbox could not run is not here.
        """
        good = {r.text for r in self.passing}
        return [
            r for r in self.responses if self.verdicts.get(r.id) in FAILED and r.text not in good
        ]


def outcomes(
    instructions: Iterable[Instruction],
    responses: Iterable[Response],
    executions: Iterable[Execution],
    ratings: Iterable[Rating] = (),
) -> Iterator[Outcome]:
    """Yield one outcome an instruction, with one instruction's records in memory at a time.

    Parameters
    ----------
    instructions, responses : the responses stand together and in the instructions' order.
    executions, ratings : of some of the responses, in their order.

    Raises
    ------
    CodealignError
        The files are not in one order: they were not made by one run.
    """
    groups = groupby(responses, key=lambda r: r.instruction_id)
    executed, rated = _Follow(executions), _Follow(ratings)
    for instruction in instructions:
        owner, some = next(groups, ("", ()))
        if owner != instruction.id:
            raise CodealignError(
                f"pairs: instruction {instruction.id} has no responses in its place"
            )
        answers = list(some)
        verdicts = {e.id: e.verdict for r in answers for e in executed.of(r.id)}
        marks = {m.id: m.rating for r in answers for m in rated.of(r.id) if m.rating is not None}
        answers.sort(key=lambda r: r.index)
        yield Outcome(instruction, answers, verdicts, marks)
    left = next(executed.records, executed.ahead)
    if left is not None:
        raise CodealignError(f"pairs: execution {left.id} belongs to no response in its place")


class _Follow:
    """Reads records beside the responses that they belong to."""

    def __init__(self, records: Iterable[Execution] | Iterable[Rating]) -> None:
        self.records = iter(records)
        self.ahead = next(self.records, None)

    def of(self, response_id: str) -> Iterator[Execution | Rating]:
        if self.ahead is not None and self.ahead.id == response_id:
            found, self.ahead = self.ahead, next(self.records, None)
            yield found
