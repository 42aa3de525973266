"""nano's seed functions, and the pool of them that the package ships (`codealign.prefs.pool`).

A model this small knows only its own grammar, so its seeds are functions of the grammar; real
models take theirs from real source trees, through the same extractor.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

from codealign.prefs.pool import PoolFunction
from codealign.records import seed_of
from nano.lab import inputs
from nano.lab.clarity import is_clear
from nano.lab.documents import seed_function
from nano.lab.problems import is_telling, test_inputs, write_rows
from nano.lab.tasks import Task, sample_task
from nano.lab.wording import request

# Five seeds for nano_controls, which takes more functions; others for studies of more seeds.
POOL = {seed: 1200 if seed < 5 else 400 for seed in range(21)}


def seed_tasks(seed: int, n: int) -> list[tuple[Task, str]]:
    """Return `n` tasks of different names and compositions, none held out, with their functions."""
    rng = random.Random(seed_of("nano seeds", seed))
    different: dict[str, tuple[Task, str]] = {}
    chains: set[str] = set()
    while len(different) < n:
        task = sample_task(rng, held_out=False)
        code = seed_function(task, rng)
        if task.name in different or task.chain in chains or "is_prime" in code:
            continue  # a function that calls another of its module is no seed
        different[task.name] = (task, code)
        chains.add(task.chain)
    return list(different.values())


def known_task(task: Task, seed: int) -> tuple[str, str]:
    """Return a task in words and its hidden tests, both "" where it has none fit to label pairs.

    Tests are made as a benchmark's are. As there, a task has none if its inputs tell too little,
    or if its words can be read as another task.
    """
    rng = random.Random(seed_of("nano hidden tests", seed, task.name))
    base, plus = test_inputs(task, rng)
    text = request(task, rng, task.name)
    if not (is_telling(task, base, plus) and is_clear(task, text)):
        return "", ""
    further = [(given, inputs.expected(task, given)) for given in plus]
    return text, inputs.asserts(task.name, [*base, *further])


def pool_of(seed: int, n: int) -> list[PoolFunction]:
    """Return the first `n` functions of a seed, with the tasks that have hidden tests."""
    return [
        PoolFunction(task.name, code, *known_task(task, seed)) for task, code in seed_tasks(seed, n)
    ]


def write_pool(folder: Path) -> dict[int, int]:
    """Write a file for each seed of POOL; return how many of its functions have hidden tests."""
    tested = {}
    for seed, n in POOL.items():
        functions = pool_of(seed, n)
        write_rows(folder / f"{seed}.jsonl.gz", map(asdict, functions))
        tested[seed] = sum(bool(one.tests) for one in functions)
    return tested
