"""Every response's tests on every response to the same instruction, for the rule `agreement`.

CodeT (Chen et al. 2023) calls it dual execution agreement, CodeDPO self-validation. Tests that an
empty stub passes are left out, since everything agrees on them. n responses take up to n x (n + 1)
executions; equal code and equal tests are run once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from codealign.generate import windows
from codealign.prefs.checks import BROKEN, Settled, settle
from codealign.prefs.executions import Runs, made_by
from codealign.prefs.responses import examined
from codealign.prefs.testing import TESTS_LACKING, Case, defined
from codealign.progress import Bar
from codealign.records import Response, Trial, stable_id
from codealign.resumable import Resumable

STUB = "stub of "
TOGETHER = 32  # instructions whose programs run at once


@dataclass
class Tried:
    """What the trials took."""

    responses: int = 0
    executions: int = 0
    cpu_s: float = 0.0

    def add(self, group: _Group, file: Resumable[Trial]) -> None:
        """Count what a group took, now or in an earlier run."""
        codes, tests = set(group.codes.values()), set(group.tests.values())
        self.responses += len(group.cases)
        self.executions += (len(codes) + 1) * len(tests)
        self.cpu_s += sum(file.get(name).cpu_s for name in group.cases)


def run_trials(
    responses: Callable[[], Iterable[Response]],
    sandbox: Runs,
    path: Path,
    cpu_s: float,
    keep_tests: bool = False,
    total: int | None = None,
) -> Tried:
    """Write the trial of each response with code, in the responses' order.

    Code whose own tests cannot be run is tried on those of the others, unless the pairs keep the
    tests.

    Parameters
    ----------
    responses : gives them anew at every call; those to one instruction stand together.
    path : file of the trials.
    cpu_s : CPU seconds of one execution.
    keep_tests : as for `executions.execute`.
    total : number of instructions, for the progress bar.
    """
    tried = Tried()
    with closing(Resumable(path, Trial)) as file:
        by_instruction = groupby(responses(), key=lambda r: r.instruction_id)
        groups = (_Group.of(some, keep_tests, cpu_s) for _, some in by_instruction)
        for some in windows(Bar(groups, total=total, desc="trials", leave=False), TOGETHER):
            todo = [group for group in some if not group.done(file)]
            settled = {s.id: s for s in settle(_work(todo), sandbox, cpu_s)}
            for group in todo:
                for record in group.records(settled):
                    file.forget(record.id)
                    file.append(record)
            for group in some:
                for name in group.left_out:  # an earlier run may have tried it, by other settings
                    file.forget(name)
                tried.add(group, file)
        file.finish(r.id for r in responses() if r.id in file)
    return tried


def _work(groups: Iterable[_Group]) -> Iterator[tuple[str, list[Case]]]:
    for group in groups:
        tests = [group.cases[name] for name in dict.fromkeys(group.tests.values())]
        for name in dict.fromkeys(group.codes.values()):
            yield name, [crossed(group.cases[name], case) for case in tests]
        if tests:
            yield STUB + group.name, [emptied(case) for case in tests]


@dataclass(frozen=True)
class _Group:
    """The responses to one instruction: those that are tried, by id, and the ids `left_out`.

    `codes` gives, for each, the first one with the same code, and `tests`, for each that has tests
    which can be run, the first one with the same tests.
    """

    cases: dict[str, Case]
    codes: dict[str, str]
    tests: dict[str, str]
    left_out: list[str]
    key: str

    @classmethod
    def of(cls, responses: Iterable[Response], keep_tests: bool, cpu_s: float) -> _Group:
        """Return the group of some responses to one instruction."""
        cases, codes, tests, left_out = {}, {}, {}, []
        for response in responses:
            case, lacking = examined(response, keep_tests)
            if case:
                cases[response.id] = case
            elif lacking in TESTS_LACKING and not keep_tests:
                names = defined(response.code)
                cases[response.id] = Case(response.code, "", entry=names[-1] if names else "")
            else:
                left_out.append(response.id)
        first_code = {n: codes.setdefault(c.code, n) for n, c in cases.items()}
        tested = {n: stable_id(replace(c, code="")) for n, c in cases.items() if c.tests}
        first_tests = {n: tests.setdefault(t, n) for n, t in tested.items()}
        key = made_by(list(cases.values()), cpu_s)
        return cls(cases, first_code, first_tests, left_out, key)

    @property
    def name(self) -> str:
        """The id of its first response."""
        return next(iter(self.cases))

    def done(self, file: Resumable[Trial]) -> bool:
        """Whether the file has all its trials, made from the same code and tests."""
        old = (file.get(name) for name in self.cases)
        return all(
            t and t.made_by == self.key and "sandbox_error" not in t.verdicts.values() for t in old
        )

    def records(self, settled: Mapping[str, Settled]) -> Iterator[Trial]:
        """Yield the trial of each response, of the tests that a stub does not pass."""
        tests = list(dict.fromkeys(self.tests.values()))
        stub = settled.get(STUB + self.name, Settled("", []))
        stubbed = dict(zip(tests, stub.verdicts, strict=True))
        for name, first in self.codes.items():
            met = dict(zip(tests, settled[first].verdicts, strict=True))
            verdicts = {n: met[t] for n, t in self.tests.items() if stubbed[t] in BROKEN}
            # Time of a program that several responses share counts once.
            cpu_s = settled[first].cpu_s if first == name else 0.0
            cpu_s += stub.cpu_s if name == self.name else 0.0
            yield Trial(name, verdicts, cpu_s, self.key)


def crossed(code: Case, tests: Case) -> Case:
    """Return one response's code with another's tests, under the name that these call."""
    missing = tests.entry and tests.entry not in defined(code.code)
    alias = f"\n{tests.entry} = {code.entry}\n" if missing and code.entry else ""
    return replace(tests, code=code.code + alias)


def emptied(tests: Case) -> Case:
    """Return tests with a function that returns None, whatever it is given."""
    return replace(tests, code=f"def {tests.entry or 'f'}(*_, **__):\n    return None\n")
