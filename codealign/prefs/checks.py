"""Whether tests that passed can fail: they are independent, and they notice wrong programs.

For each response that passed its own tests:

restate the solution : each of its assertions compares the code with its own expression
    (`independence`).
notice no wrong program : without the assertions that do, they also pass on an empty stub, or on
    more of the response's mutants (`mistakes.mutants`; a bounded number, drawn by its id) than
    they may.
real : neither.

A mutant may be equivalent to the code, so not all of them must be noticed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from codealign.generate import windows
from codealign.mistakes import mutants, stub
from codealign.params import Checks
from codealign.prefs.executions import Runs, made_by
from codealign.prefs.independence import restating
from codealign.prefs.testing import (
    CANNOT_PARSE,
    Case,
    Untestable,
    case_of,
    make_case,
    parse_tests,
    program_of,
    verdicts_of,
)
from codealign.progress import Bar
from codealign.records import Check, Response, seed_of
from codealign.resumable import Resumable

REAL, RESTATE, NOTICE_NONE = "real", "tests restate the solution", "tests notice no wrong program"
BROKEN = ("fail", "timeout", "crash")
"""Verdicts that show a program to be wrong."""
TOGETHER = 256  # responses whose programs run at once


@dataclass
class CheckCounts:
    """What the checks found: `verdicts` of the responses, and what it took."""

    verdicts: Counter[str] = field(default_factory=Counter)
    programs: int = 0
    cpu_s: float = 0.0


def check(
    passed: Callable[[], Iterable[Response]],
    sandbox: Runs,
    path: Path,
    settings: Checks,
    cpu_s: float,
    total: int | None = None,
) -> CheckCounts:
    """Write the check of each response that passed, in their order.

    Parameters
    ----------
    passed : gives the responses anew at every call.
    path : file of the checks.
    cpu_s : CPU seconds a wrong program may use; more is noticed as well.
    total : number of responses, for the progress bar.
    """
    checked = CheckCounts(Counter({REAL: 0, RESTATE: 0, NOTICE_NONE: 0}))
    with closing(Resumable(path, Check)) as file:
        bar = Bar(passed(), total=total, desc="checks", leave=False)
        for responses in windows(bar, TOGETHER):
            cases_of = {r.id: trial_cases(r, settings.mutants) for r in responses}
            keys = {n: made_by([*cases, settings], cpu_s) for n, cases in cases_of.items()}
            for name, key in keys.items():
                old = file.get(name)
                if old and (old.verdict == "sandbox_error" or old.made_by != key):
                    file.forget(name)
            pending = [(name, cases) for name, cases in cases_of.items() if name not in file]
            for settled in settle(pending, sandbox, cpu_s):
                file.append(_judged(settled, settings, keys[settled.id]))
        file.finish(_counted(passed(), file, checked))
    return checked


def trial_cases(response: Response, most: int) -> list[Case]:
    """Return the independent tests with the code, its stub and up to `most` mutants, in this order.

    [] if no assertion is independent of the code.
    """
    whole = make_case(response.code, response.tests)
    tree = parse_tests(response.tests)
    try:
        if tree is not None:
            whole = case_of(response.code, tree, restating(response.code, tree))
    except Untestable:
        return []
    rng = random.Random(seed_of("mutants", response.id))
    try:
        every = mutants(response.code)
        wrong = [stub(response.code), *rng.sample(every, min(most, len(every)))]
    except CANNOT_PARSE:
        wrong = []
    return [whole, *(replace(whole, code=code) for code in wrong)]


def _judged(one: Settled, settings: Checks, key: str) -> Check:
    if "sandbox_error" in one.verdicts:
        return Check(one.id, "sandbox_error", 0, 0, one.cpu_s, key)
    if not one.cases:
        return Check(one.id, RESTATE, 0, 0, one.cpu_s, key)
    whole, stubbed, *changed = one.verdicts
    noticed = sum(v in BROKEN for v in changed)
    enough = stubbed in BROKEN and noticed >= settings.noticed * len(changed)
    real = whole == "pass" and enough
    return Check(one.id, REAL if real else NOTICE_NONE, noticed, len(changed), one.cpu_s, key)


def _counted(
    passed: Iterable[Response], file: Resumable[Check], checked: CheckCounts
) -> Iterator[str]:
    for response in passed:
        record = file.get(response.id)
        checked.verdicts[record.verdict] += 1
        if record.verdict in (REAL, NOTICE_NONE):  # the code itself, its stub and its mutants
            checked.programs += record.mutants + 2
        checked.cpu_s += record.cpu_s
        yield response.id


# Runs many cases of one response in one program, and again what the program did not get to.


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
        programs = (program_of(one.id, one.left, cpu_s) for one in pending)
        for result in sandbox.run(programs):
            one = settled[result.id]
            verdicts = [v for v, _ in verdicts_of(result, len(one.left))]
            if verdicts == ["sandbox_error"]:
                verdicts *= len(one.left)
            one.verdicts += verdicts
            one.cpu_s += result.cpu_s
        pending = [one for one in pending if one.left]
    return list(settled.values())
