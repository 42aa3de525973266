"""Runs responses with their own tests in the sandbox; continues where a killed run stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from codealign.prefs.responses import has_tests, program
from codealign.records import Execution, Response, Resumable
from codealign.sandbox import Program, Result


class Runs(Protocol):
    """What is asked of `sandbox.Sandbox`."""

    def run(self, programs: Iterable[Program]) -> Iterator[Result]:
        """Yield one result a program, in any order."""


def execute(
    responses: Iterable[Response], sandbox: Runs, path: Path, cpu_s: float
) -> dict[str, Execution]:
    """Return the execution of each response that has code and tests, by response id.

    What the sandbox itself failed on (it tries everything twice) keeps the verdict `sandbox_error`
    and is tried afresh by the next run.

    Parameters
    ----------
    path : file of the executions.
    cpu_s : CPU seconds a program may use.
    """
    programs = {r.id: program(r, cpu_s) for r in responses if r.code and has_tests(r)}
    with closing(Resumable(path, Execution)) as file:
        for failed in [e.id for e in file.done.values() if e.verdict == "sandbox_error"]:
            del file.done[failed]
        pending = [p for p in programs.values() if p.id not in file.done]
        done = len(programs) - len(pending)
        with tqdm(total=len(programs), initial=done, desc="executions", leave=False) as bar:
            for result in sandbox.run(pending) if pending else ():
                file.append(_execution(result))
                bar.update()
        return {e.id: e for e in file.finish(programs)}


def _execution(result: Result) -> Execution:
    return Execution(result.id, result.verdict, result.detail, result.level, result.cpu_s)


def errors_note(errors: int) -> str:
    """Return what a closing line says of sandbox errors."""
    return f", {errors} sandbox error{'s' * (errors != 1)} (retried)" if errors else ""
