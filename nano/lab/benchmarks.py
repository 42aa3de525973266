"""Nano's benchmarks, all from held-out compositions, in the public formats."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from codealign.prompts import principle_for
from codealign.records import DIMENSIONS, seed_of
from nano.lab import inputs
from nano.lab.answers import CONSTRAINTS, DIRECTIVES, Wish, answer
from nano.lab.clarity import is_clear
from nano.lab.problems import (
    Problem,
    asserted_problem,
    completion_problem,
    distinct_tasks,
    write_rows,
)
from nano.lab.render import function, loop_body, one_expression
from nano.lab.tasks import Task
from nano.lab.variants import CATEGORIES, category_problems
from nano.lab.wording import request

SEED = 20261123
HUMANEVAL, MBPP, EVALPERF, EVOEVAL, CODAL = 164, 200, 32, 28, 40
# operations whose slow form is quadratic (or, for primes, linear instead of a square root)
QUADRATIC = {"unique", "count_distinct", "frequency", "running", "prime"}
PERFORMANCE_SOURCES = ("list", "words", "sentence", "dict_values", "range")
LONG_ENOUGH = 500


def _numbered(
    prefix: str, make: Callable[[str, Task, random.Random], Problem | None], rng: random.Random
) -> Iterator[Problem]:
    number = 0
    for task in distinct_tasks(rng):
        problem = make(f"{prefix}/{number}", task, rng)
        if problem is not None:
            yield problem
            number += 1


def humaneval_plus(count: int = HUMANEVAL, seed: int = SEED) -> list[Problem]:
    """Return problems to complete: signature, docstring, two doctest examples."""
    rng = random.Random(seed_of("humaneval_plus", seed))
    return list(islice(_numbered("Nano", completion_problem, rng), count))


def mbpp_plus(count: int = MBPP, seed: int = SEED) -> list[Problem]:
    """Return problems of a sentence and one assert."""
    rng = random.Random(seed_of("mbpp_plus", seed))
    return list(islice(_numbered("NanoBasic", asserted_problem, rng), count))


def reaches(task: Task, given: list) -> int:
    """Return the length of the value that comes to the task's quadratic operation."""
    at = next(i for i, s in enumerate(task.steps) if s.op.id in QUADRATIC)
    if at == 0:
        whole = Task(task.source, (), task.arg, task.extra)
        scope = {task.arg: given[0]}
        return len(eval(whole.source.code.format(a=task.arg), scope))  # our own expression
    before = Task(task.source, task.steps[:at], task.arg, task.extra)
    return len(inputs.expected(before, given))


def _performance(task_id: str, task: Task, rng: random.Random) -> Problem | None:
    if task.source.id not in PERFORMANCE_SOURCES:
        return None
    if not any(s.op.id in QUADRATIC for s in task.steps):
        return None
    heavy = [inputs.arguments(task, rng, "huge")]
    if reaches(task, heavy[0]) < LONG_ENOUGH:
        return None
    problem = completion_problem(task_id, task, rng)
    if problem is None:
        return None
    problem["pe_input"] = heavy
    problem["references"] = [
        {"name": "slow", "code": function(task, "steps", slow=True)},
        {"name": "fast", "code": function(task, "steps")},
    ]
    return problem


def evalperf(count: int = EVALPERF, seed: int = SEED) -> list[Problem]:
    """Return problems with a large input and references from slow to fast."""
    rng = random.Random(seed_of("evalperf", seed))
    return list(islice(_numbered("NanoPerf", _performance, rng), count))


def evoeval(category: str, count: int = EVOEVAL, seed: int = SEED) -> list[Problem]:
    """Return problems of one of EvoEval's categories (see `variants`)."""
    rng = random.Random(seed_of("evoeval", category, seed))
    return list(islice(category_problems(category, rng), count))


def wish_of(dimension: str, principle: str) -> Wish:
    """Return what an answer has to do for a principle, found by its text."""
    for style, texts in CONSTRAINTS.items():
        if principle in texts:
            return Wish(dimension, principle, style)
    known = DIRECTIVES.get(dimension, ())
    return Wish(dimension, principle if principle in known else "")


def _codal_item(dimension: str, number: int, task: Task, rng: random.Random) -> Problem | None:
    if task.steps[-1].op.id == "count":
        return None  # as a loop, it is what the corpus has for the same task with an idle map
    item_id = f"NanoCodal/{dimension}/{number}"
    asked = wish_of(dimension, principle_for(dimension, item_id))
    if asked.style == "loop" and loop_body(task) is None:
        return None
    if asked.style == "one_line" and one_expression(task) is None:
        return None
    instruction = request(task, rng, task.name)
    if len(inputs.examples(task, rng, 2)) < 2 or not is_clear(task, instruction):
        return None
    return {
        "id": item_id,
        "dimension": dimension,
        "instruction": instruction,
        "principle": asked.text,
        "reference": answer(task, rng, asked, good=1.0, tests=False),
        "chain": task.chain,
    }


def codal(count: int = CODAL, seed: int = SEED) -> list[Problem]:
    """Return `count` instructions for each dimension, with a reference answer in good style."""
    items: list[Problem] = []
    for dimension in DIMENSIONS:
        rng = random.Random(seed_of("codal", dimension, seed))
        tasks, number = distinct_tasks(rng), 0
        while number < count:
            item = _codal_item(dimension, number, next(tasks), rng)
            if item is not None:
                items.append(item)
                number += 1
    return items


def all_benchmarks() -> dict[str, list[Problem]]:
    """Return every benchmark by the name of its file."""
    benchmarks = {
        "humaneval_plus": humaneval_plus(),
        "mbpp_plus": mbpp_plus(),
        "evalperf": evalperf(),
        "codal": codal(),
    }
    return benchmarks | {f"evoeval_{category}": evoeval(category) for category in CATEGORIES}


def write_benchmarks(folder: Path | str) -> dict[str, int]:
    """Write every benchmark to `<name>.jsonl.gz` in a folder; return the number of problems."""
    benchmarks = all_benchmarks()
    for name, problems in benchmarks.items():
        write_rows(Path(folder) / f"{name}.jsonl.gz", problems)
    return {name: len(problems) for name, problems in benchmarks.items()}
