"""Problems in the public format of EvalPlus, made from tasks; gzip files that never change."""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codealign.errors import CodealignError
from nano.lab import inputs
from nano.lab.clarity import is_clear
from nano.lab.render import docstring, function, preamble, signature, steps_body
from nano.lab.tasks import Task, sample_task
from nano.lab.wording import description, request

Problem = dict[str, Any]
HELD_OUT_DEPTHS = (0.0, 0.6, 0.4)
BASE_INPUTS, PLUS_INPUTS, SHOWN = 3, 14, 2


def test_inputs(task: Task, rng: random.Random) -> tuple[list[inputs.Example], list[list[Any]]]:
    """Return base examples and further inputs, among them empty and larger ones."""
    base = inputs.examples(task, rng, BASE_INPUTS)
    plus = [
        inputs.arguments(task, rng, rng.choice(["small", "large", "large"]))
        for _ in range(PLUS_INPUTS)
    ]
    return base, plus


def is_telling(task: Task, base: list[inputs.Example], plus: list[list[Any]]) -> bool:
    """Say whether the inputs can tell a right function from a constant one."""
    results = {repr(r) for _, r in base} | {repr(inputs.expected(task, a)) for a in plus}
    enough = 2 if task.types[-1] == "B" else 4
    return len(base) == BASE_INPUTS and len(results) >= enough


def problem(
    task_id: str, task: Task, prompt: str, solution: str, base: list[Any], plus: list[Any]
) -> Problem:
    """Return a problem with EvalPlus's keys and the composition it is about (`chain`)."""
    return {
        "task_id": task_id,
        "entry_point": task.name,
        "prompt": prompt,
        "canonical_solution": solution,
        "base_input": base,
        "plus_input": plus,
        "contract": "",
        "atol": 0,
        "chain": task.chain,
    }


def completion_problem(
    task_id: str, task: Task, rng: random.Random, text: str = "", helper: str = "",
    helpers: dict[str, str] | None = None, shown: int = SHOWN,
) -> Problem | None:  # fmt: skip
    """Return a problem to complete (HumanEval's look), or None.

    None if its inputs tell too little or its text can be read as another task.

    Parameters
    ----------
    text : the description; drawn where empty.
    helper, helpers : code of a given helper function and the operation it stands for.
    shown : number of doctest examples in the docstring.
    """
    base, plus = test_inputs(task, rng)
    if not is_telling(task, base, plus):
        return None
    doc = text or description(task, rng)
    if not is_clear(task, doc):
        return None
    if shown:
        doc += "\n\n" + inputs.doctests(task.name, base[:shown])
    solution = "".join(f"    {line}\n" for line in steps_body(task, helpers=helpers))
    head = preamble(solution) + helper + signature(task, task.name) + "\n"
    prompt = head + docstring(doc)
    return problem(task_id, task, prompt, solution, [a for a, _ in base], plus)


def asserted_problem(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    """Return a problem with a docstring and one assert (MBPP's look), or None."""
    base, plus = test_inputs(task, rng)
    if not is_telling(task, base, plus):
        return None
    asked = request(task, rng)
    if not is_clear(task, asked):
        return None
    prompt = f'"""\n{asked}\n{inputs.asserts(task.name, base[:1])}"""\n'
    solution = function(task, "steps")
    return problem(task_id, task, prompt, solution, [a for a, _ in base], plus)


def distinct_tasks(rng: random.Random, depths: tuple[float, ...] = HELD_OUT_DEPTHS) -> Any:
    """Yield held-out tasks for ever, each composition once."""
    seen: set[str] = set()
    while True:
        task = sample_task(rng, held_out=True, depths=depths)
        if task.chain not in seen:
            seen.add(task.chain)
            yield task


def write_rows(path: Path | str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as gzipped JSON Lines, the same bytes for the same rows."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as file:
        file.write(text.encode())
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def read_problems(path: Path | str) -> list[Problem]:
    """Return the problems of a gzipped JSON Lines file.

    Raises
    ------
    CodealignError
        The file is missing.
    """
    path = Path(path)
    if not path.exists():
        raise CodealignError(f"{path}: no such benchmark file; `make nano` writes it")
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def full_solution(problem: Problem) -> str:
    """Return a problem's prompt with its canonical solution: a module that runs."""
    return problem["prompt"] + problem["canonical_solution"]
