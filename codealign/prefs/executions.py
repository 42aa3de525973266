"""Runs responses with their own tests in the sandbox; continues where a killed run stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from codealign.prefs.responses import lack, program
from codealign.records import Execution, Response
from codealign.resumable import Resumable
from codealign.sandbox import Program, Result


class Runs(Protocol):
    """What is asked of `sandbox.Sandbox`."""

    def run(self, programs: Iterable[Program]) -> Iterator[Result]:
        """Yield one result a program, in any order; reads only a little ahead of the results."""


@dataclass
class Executed:
    """What was executed: `responses` counts those that lack code or tests or were cut.

    `verdicts` counts the executions; `levels` are the sandbox levels they ran at.
    """

    responses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    levels: set[str] = field(default_factory=set)


def execute(
    responses: Callable[[], Iterable[Response]],
    sandbox: Runs,
    path: Path,
    cpu_s: float,
    total: int | None = None,
) -> Executed:
    """Write the execution of each response that has code and tests, in the responses' order.

    What the sandbox itself failed on (it tries everything twice) keeps the verdict `sandbox_error`
    and is tried afresh by the next run.

    Parameters
    ----------
    responses : gives them anew at every call, one at a time.
    path : file of the executions.
    cpu_s : CPU seconds a program may use.
    total : number of responses, for the progress bar.
    """
    found = Executed(Counter({"without code": 0, "without tests": 0, "cut at the longest": 0}))
    with closing(Resumable(path, Execution)) as file:
        for execution in file:
            if execution.verdict == "sandbox_error":
                file.forget(execution.id)
        read = tqdm(responses(), total=total, desc="executions", leave=False)
        for result in sandbox.run(_pending(read, found, file, cpu_s)):
            file.append(_execution(result))
        file.finish(_counted(responses(), file, found))
    return found


def _pending(
    responses: Iterable[Response], found: Executed, file: Resumable[Execution], cpu_s: float
) -> Iterator[Program]:
    for response in responses:
        found.responses["cut at the longest"] += response.finish == "length"
        lacking = lack(response)
        if lacking:
            found.responses[lacking] += 1
        elif response.id not in file:
            yield program(response, cpu_s)


def _counted(
    responses: Iterable[Response], file: Resumable[Execution], found: Executed
) -> Iterator[str]:
    for response in responses:
        execution = file.get(response.id)
        if execution is not None:
            found.verdicts[execution.verdict] += 1
            found.levels.add(execution.level)
            yield response.id


def _execution(result: Result) -> Execution:
    return Execution(result.id, result.verdict, result.detail, result.level, result.cpu_s)


def errors_note(errors: int) -> str:
    """Return what a closing line says of sandbox errors."""
    return f", {errors} sandbox error{'s' * (errors != 1)} (retried)" if errors else ""
