"""Runs responses with tests in the sandbox; continues where a killed run stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from codealign.prefs.responses import ASKED_FOR, CUT, examined, take_apart
from codealign.prefs.testing import LACKING, Case, defined, harness_key, script_of, verdict_of
from codealign.progress import Bar
from codealign.records import Execution, Known, Response, read_jsonl, stable_id
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
        bar = Bar(responses(), total=total, desc="executions", leave=False)
        cases = _cases(bar, file, executed.responses, keep_tests)
        programs = ((script_of(name, case, cpu_s), made_by([case], cpu_s)) for name, case in cases)
        _run_missing(programs, sandbox, file, lambda r: verdict_of(r.verdict, r.exception))
        file.finish(_counted(responses(), file, executed))
    return executed


def _cases(
    responses: Iterable[Response],
    file: Resumable[Execution],
    counts: Counter[str],
    keep_tests: bool,
) -> Iterator[tuple[str, Case]]:
    """Yield the id and case of each response that is executed; count why the others are not."""
    for response in responses:
        heading = take_apart(response.text).heading
        counts[OTHER_HEADING] += bool(response.tests) and heading != ASKED_FOR
        case, lacking = examined(response, keep_tests)
        if case:
            yield response.id, case
        else:
            counts[lacking] += 1
            file.forget(response.id)  # an earlier run may have executed it, by other settings


def _run_missing(
    programs: Iterable[tuple[Program, str]],
    sandbox: Runs,
    file: Resumable[Execution],
    verdict: Callable[[Result], str],
) -> None:
    """Execute what the file lacks, has from something else, or has as a fault of the sandbox.

    Parameters
    ----------
    programs : each with what stands for all that decides its verdict.
    verdict : what a result says of the response.
    """
    keys: dict[str, str] = {}

    def pending() -> Iterator[Program]:
        for program, key in programs:
            old = file.get(program.id)
            if old is None or old.made_by != key or old.verdict == "sandbox_error":
                file.forget(program.id)
                keys[program.id] = key
                yield program

    for result in sandbox.run(pending()):
        of_sandbox = (result.detail, result.level, result.cpu_s)
        file.append(Execution(result.id, verdict(result), *of_sandbox, keys.pop(result.id)))
    assert not keys, "a result per program: who has no execution counts as not executed"


def _counted(
    responses: Iterable[Response], file: Resumable[Execution], executed: Executed
) -> Iterator[str]:
    """Yield the ids of the responses that were executed, in order; count what came of them."""
    for response in responses:
        if (execution := file.get(response.id)) is not None:
            executed.verdicts[execution.verdict] += 1
            executed.levels.add(execution.level)
            executed.cpu_s += execution.cpu_s
            yield response.id


def execute_hidden(
    responses: Callable[[], Iterable[Response]],
    tasks: Mapping[str, Known],
    sandbox: Runs,
    path: Path,
    cpu_s: float,
) -> Counter[str]:
    """Write what the hidden tests say of each response that has code, in the responses' order.

    Return the verdicts, counted.

    Parameters
    ----------
    responses : gives them anew at every call, one at a time.
    tasks : known tasks by instruction id.
    path : file of the verdicts (`Execution`), continued as that of `execute`.
    cpu_s : CPU seconds a program may use.
    """
    with closing(Resumable(path, Execution)) as file:
        sources = ((r.id, judged_source(r.code, tasks[r.instruction_id]))
                   for r in responses() if r.code)  # fmt: skip
        programs = (
            (Program(name, source, cpu_s=cpu_s), stable_id("hidden", source, cpu_s))
            for name, source in sources
        )
        _run_missing(programs, sandbox, file, lambda result: result.verdict)
        file.finish(r.id for r in responses() if r.code)
    return Counter(e.verdict for e in read_jsonl(path, Execution))


def judged_source(code: str, task: Known) -> str:
    """Return a response's code with the hidden tests behind it.

    What is judged is what the function does: one under another name than the task's (the last that
    the code defines) is called by the right name.
    """
    names = defined(code)
    alias = f"{task.name} = {names[-1]}\n" if names and task.name not in names else ""
    return f"{code}\n{alias}{task.tests}"
