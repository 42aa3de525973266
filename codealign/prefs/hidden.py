"""Tasks whose right answers are known: instructions that are given, and hidden tests.

The hidden tests are no part of an instruction or a response: no model sees them. They label pairs
(rule `hidden`), and they say how many of the chosen responses of any other rule are wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from codealign.errors import CodealignError
from codealign.params import Prefs
from codealign.prefs.executions import Runs
from codealign.prefs.testing import defined
from codealign.records import Execution, Instruction, Known, Response, Seed, read_jsonl, stable_id
from codealign.resumable import Resumable
from codealign.sandbox import Program


def check(settings: Prefs, requirement: str, known: bool) -> None:
    """Refuse settings whose hidden tests are not there.

    Raises
    ------
    CodealignError
        Known tasks without a file of them, or for another requirement.
    """
    if settings.tasks == "grammar" and not known:
        raise CodealignError("prefs.tasks: grammar: no file of the known tasks was given")
    if known and requirement != "functional":
        raise CodealignError(
            "prefs.tasks: grammar has functional tasks only; leave non_functional out of "
            "`requirements`"
        )


def read_known(path: Path | str | None, settings: Prefs, requirement: str) -> dict[str, Known]:
    """Return the known tasks of a file by the name of their seed function; None: there are none.

    Raises
    ------
    CodealignError
        As `check`.
    """
    check(settings, requirement, path is not None)
    return {one.name: one for one in read_jsonl(path, Known)} if path else {}


def instructions(seeds: Iterable[Seed], known: dict[str, Known]) -> Iterator[Instruction]:
    """Yield the known instruction of each seed that has one.

    Raises
    ------
    CodealignError
        No seed has one: the tasks are not those of this corpus.
    """
    asked = [(seed, known[seed.name]) for seed in seeds if seed.name in known]
    if not asked:
        raise CodealignError("instructions: no seed function is among the known tasks")
    for seed, task in asked:
        yield Instruction(stable_id("known", seed.id, task.text), seed.id, task.text)


def judge(
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
    tasks : known tasks by instruction id. What is judged is what the function does: one under
        another name than the instruction's (the last that the code defines) is called by the right
        name.
    path : file of the verdicts (`Execution`); what lies there for the same program is used again,
        but for what the sandbox itself failed on.
    cpu_s : CPU seconds a program may use.
    """
    with closing(Resumable(path, Execution)) as file:
        sources = (
            (r.id, judged_source(r.code, tasks[r.instruction_id])) for r in responses() if r.code
        )
        keys: dict[str, str] = {}
        for result in sandbox.run(_pending(sources, file, keys, cpu_s)):
            verdict, key = result.verdict, keys.pop(result.id)
            file.append(
                Execution(result.id, verdict, result.detail, result.level, result.cpu_s, key)
            )
        file.finish(r.id for r in responses() if r.code)
    return Counter(e.verdict for e in read_jsonl(path, Execution))


def judged_source(code: str, task: Known) -> str:
    """Return a response's code with the hidden tests behind it."""
    names = defined(code)
    alias = f"{task.name} = {names[-1]}\n" if names and task.name not in names else ""
    return f"{code}\n{alias}{task.tests}"


def _pending(
    sources: Iterable[tuple[str, str]],
    file: Resumable[Execution],
    keys: dict[str, str],
    cpu_s: float,
) -> Iterator[Program]:
    for name, source in sources:
        old, key = file.get(name), stable_id("hidden", source, cpu_s)
        if old is None or old.made_by != key or old.verdict == "sandbox_error":
            file.forget(name)
            keys[name] = key
            yield Program(name, source, cpu_s=cpu_s)
