"""Runs responses with their own tests in the sandbox; continues where a killed run stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from codealign.prefs.responses import ASKED_FOR, CUT, lack, take_apart, testable
from codealign.prefs.testing import LACKING, Case, harness_key, script_of, verdict_of
from codealign.progress import Bar
from codealign.records import Execution, Response, stable_id
from codealign.resumable import Resumable
from codealign.sandbox import Program, Result

OTHER_HEADING = "tests under another heading"


class Runs(Protocol):
    """What is asked of `sandbox.Sandbox`."""

    def run(self, programs: Iterable[Program]) -> Iterator[Result]:
        """Yield one result per program, in order; reads only a little ahead of the results."""


@dataclass
class Executed:
    """What was executed.

    `responses` counts those that are not executed, by reason, and the tests that stood under a
    heading other than the one asked for; `verdicts` the executions; `levels` are the sandbox levels
    they ran at, `cpu_s` the CPU seconds they took.
    """

    responses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    levels: set[str] = field(default_factory=set)
    cpu_s: float = 0.0


def made_by(cases: Sequence[Case], cpu_s: float) -> str:
    """Return what stands for all that decides the verdicts of cases."""
    return stable_id(harness_key(), cpu_s, *cases)


def execute(
    responses: Callable[[], Iterable[Response]],
    sandbox: Runs,
    path: Path,
    cpu_s: float,
    total: int | None = None,
    keep_tests: bool = False,
) -> Executed:
    """Write the execution of each response that has code and tests, in the responses' order.

    What the sandbox itself failed on (it tries everything twice) keeps the verdict `sandbox_error`
    and is tried afresh by the next run; so is what was executed with other limits or tests.

    Parameters
    ----------
    responses : gives them anew at every call, one at a time.
    path : file of the executions.
    cpu_s : CPU seconds a program may use.
    total : number of responses, for the progress bar.
    keep_tests : whether pairs hold the tests, so that a text cut among them is of no use.
    """
    executed = Executed(Counter(dict.fromkeys((CUT, *LACKING, OTHER_HEADING), 0)))
    with closing(Resumable(path, Execution)) as file:
        for execution in file:
            if execution.verdict == "sandbox_error":
                file.forget(execution.id)
        read = Bar(responses(), total=total, desc="executions", leave=False)
        keys: dict[str, str] = {}
        for result in sandbox.run(_pending(read, file, keys, cpu_s, keep_tests)):
            verdict = verdict_of(result.verdict, result.exception)
            of_sandbox = (result.detail, result.level, result.cpu_s)
            file.append(Execution(result.id, verdict, *of_sandbox, keys.pop(result.id)))
        file.finish(_counted(responses(), file, executed, keep_tests))
    return executed


def _pending(
    responses: Iterable[Response],
    file: Resumable[Execution],
    keys: dict[str, str],
    cpu_s: float,
    keep_tests: bool,
) -> Iterator[Program]:
    for response in responses:
        if lack(response, keep_tests):
            continue
        case, old = testable(response, keep_tests), file.get(response.id)
        key = made_by([case], cpu_s)
        if old is None or old.made_by != key:
            file.forget(response.id)
            keys[response.id] = key
            yield script_of(response.id, case, cpu_s)


def _counted(
    responses: Iterable[Response],
    file: Resumable[Execution],
    executed: Executed,
    keep_tests: bool,
) -> Iterator[str]:
    for response in responses:
        heading = take_apart(response.text).heading
        executed.responses[OTHER_HEADING] += bool(response.tests) and heading != ASKED_FOR
        if lacking := lack(response, keep_tests):
            executed.responses[lacking] += 1
            continue
        execution = file.get(response.id)
        executed.verdicts[execution.verdict] += 1
        executed.levels.add(execution.level)
        executed.cpu_s += execution.cpu_s
        yield response.id


def errors_note(errors: int) -> str:
    """Return what a closing line says of sandbox errors."""
    return f", {errors} sandbox error{'s' * (errors != 1)} (retried)" if errors else ""
