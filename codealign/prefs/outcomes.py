"""Brings together what the steps left on disk: an instruction, its responses, their verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from codealign.errors import CodealignError
from codealign.mistakes import plainly
from codealign.prefs.checks import BROKEN, REAL
from codealign.prefs.responses import shown
from codealign.records import Check, Execution, Instruction, Rating, Response, Trial

Records = Execution | Check | Trial | Rating


@dataclass(frozen=True)
class Labelled:
    """An instruction with its responses, in the order of their index.

    `verdicts`, `checks`, `trials`, `ratings` and `hidden` (what hidden tests say) are by response
    id; a response that was not executed, checked, tried or rated is missing there. Where nothing
    was checked `checks` is None: every pass counts. `keep_tests` says which text a side of a pair
    has.
    """

    instruction: Instruction
    responses: list[Response]
    verdicts: dict[str, str] = field(default_factory=dict)
    ratings: dict[str, float] = field(default_factory=dict)
    checks: dict[str, str] | None = None
    trials: dict[str, dict[str, str]] = field(default_factory=dict)
    keep_tests: bool = False
    hidden: dict[str, str] = field(default_factory=dict)

    def shown(self, response: Response) -> str:
        """Return a response's text as a pair has it."""
        return shown(response, self.keep_tests)

    @property
    def passed(self) -> list[Response]:
        """The responses that passed their own tests, whatever these are worth."""
        return [r for r in self.responses if self.verdicts.get(r.id) == "pass"]

    @property
    def passing(self) -> list[Response]:
        """The responses that passed their own tests, and whose tests can fail."""
        if self.checks is None:
            return self.passed
        return [r for r in self.passed if self.checks.get(r.id) == REAL]

    @property
    def failing(self) -> list[Response]:
        """The responses that were executed and shown to be wrong.

        A suspicion, a missing proof, tests that never ran or a fault of the sandbox show nothing.
        Nor does a failure of code that passed beside other tests.
        """
        good = {plainly(r.code) for r in self.passed}
        failed = [r for r in self.responses if self.verdicts.get(r.id) in BROKEN]
        return [r for r in failed if plainly(r.code) not in good]


def outcomes(
    instructions: Iterable[Instruction],
    responses: Iterable[Response],
    executions: Iterable[Execution],
    ratings: Iterable[Rating] = (),
    checks: Iterable[Check] | None = None,
    trials: Iterable[Trial] = (),
    keep_tests: bool = False,
    hidden: Iterable[Execution] = (),
) -> Iterator[Labelled]:
    """Yield one outcome per instruction, with one instruction's records in memory at a time.

    Parameters
    ----------
    instructions, responses : the responses stand together and in the instructions' order.
    executions, ratings, checks, trials, hidden : of some of the responses, in their order; None for
        checks that were not made.
    keep_tests : as in `Labelled`.

    Raises
    ------
    CodealignError
        The files are not in one order: they were not made by one run.
    """
    groups = groupby(responses, key=lambda r: r.instruction_id)
    executed, rated, tried = _Follow(executions), _Follow(ratings), _Follow(trials)
    checked, judged = _Follow(checks or ()), _Follow(hidden)
    for instruction in instructions:
        owner, own = next(groups, ("", ()))
        if owner != instruction.id:
            raise CodealignError(
                f"pairs: instruction {instruction.id} has no responses in its place"
            )
        answers = list(own)
        marks = {m.id: m.rating for m in rated.of(answers) if m.rating is not None}
        yield Labelled(
            instruction,
            sorted(answers, key=lambda r: r.index),
            {e.id: e.verdict for e in executed.of(answers)},
            marks,
            None if checks is None else {c.id: c.verdict for c in checked.of(answers)},
            {t.id: t.verdicts for t in tried.of(answers)},
            keep_tests,
            {h.id: h.verdict for h in judged.of(answers)},
        )
    left = next(executed.records, executed.ahead)
    if left is not None:
        raise CodealignError(f"pairs: execution {left.id} belongs to no response in its place")


class _Follow:
    """Reads records beside the responses that they belong to."""

    def __init__(self, records: Iterable[Records]) -> None:
        self.records = iter(records)
        self.ahead = next(self.records, None)

    def of(self, responses: Iterable[Response]) -> Iterator[Records]:
        for response in responses:
            if self.ahead is not None and self.ahead.id == response.id:
                record, self.ahead = self.ahead, next(self.records, None)
                yield record
