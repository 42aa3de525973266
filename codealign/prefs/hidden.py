"""Tasks whose right answers are known: instructions that are given, and hidden tests.

The hidden tests are no part of an instruction or a response: no model sees them. They label pairs
(rule `hidden`), and they say how many of the chosen responses of any other rule are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from codealign.errors import CodealignError
from codealign.prefs.executions import Runs
from codealign.records import Execution, Instruction, Known, Response, Seed, read_jsonl, stable_id
from codealign.resumable import Resumable
from codealign.sandbox import Program


def read_known(path: Path | str) -> dict[str, Known]:
    """Return the known tasks of a file by the name of their seed function."""
    return {one.name: one for one in read_jsonl(path, Known)}


def instructions(seeds: Iterable[Seed], known: dict[str, Known]) -> Iterator[Instruction]:
    """Yield the known instruction of each seed that has one.

    Raises
    ------
    CodealignError
        No seed has one: the tasks are not those of this corpus.
    """
    found = [(seed, known[seed.name]) for seed in seeds if seed.name in known]
    if not found:
        raise CodealignError("instructions: no seed function is among the known tasks")
    for seed, task in found:
        yield Instruction(stable_id("known", seed.id, task.text), seed.id, task.text)


def judge_hidden(
    responses: Iterable[Response],
    tests: dict[str, str],
    sandbox: Runs,
    path: Path,
    cpu_s: float,
) -> Iterator[Execution]:
    """Yield what the hidden tests say of each response that has code, in the responses' order.

    What lies in the file is used again; what the sandbox itself failed on is tried afresh.

    Parameters
    ----------
    tests : hidden tests by instruction id.
    path : file of the verdicts.
    """
    asked = {r.id: f"{r.code}\n{tests[r.instruction_id]}" for r in responses if r.code}
    with closing(Resumable(path, Execution)) as file:
        for old in file:
            if old.verdict == "sandbox_error" or old.id not in asked:
                file.forget(old.id)
        pending = (Program(i, code, cpu_s=cpu_s) for i, code in asked.items() if i not in file)
        for r in sandbox.run(pending):
            file.append(Execution(r.id, r.verdict, r.detail, r.level, r.cpu_s))
        file.finish(asked)
    yield from read_jsonl(path, Execution)
